# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# A QEMU that says what the test tells it to, for `load qmp`, behind `load
# helpers`: every test has one, qmp-peer, at qmp.sock.

setup() {
	colo_setup
	start_peer
}

# start_peer: its QMP socket is qmp.sock; what it gets goes to `said`
start_peer() {
	mkfifo orders
	exec 4<>orders
	spawn_other peer qmp-peer qmp.sock <orders >said 4>&-
	wait_for test -S qmp.sock
}

# peer ORDER...: each is done with when it returns
n_done() { grep -cx 'done' said || true; }
has_done() { [ "$(n_done)" -ge "$1" ]; }
peer() {
	local n
	n=$(($(n_done) + $#))
	printf '%s\n' "$@" >&4
	wait_for has_done "$n"
}

# commands [NAME]: how many came
commands() { grep -c "\"execute\":\"${1:-}" said || true; }
commands_are() { [ "$(commands "$1")" -eq "$2" ]; }
connected_n() { commands_are qmp_capabilities "$1"; }
asked() { [ "$(commands query-colo-status)" -ge "$1" ]; }
