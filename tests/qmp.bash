# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# QEMUs that say what the test tells them to, for `load qmp`, behind `load
# helpers`: every test has one, at qmp.sock. Another one is started by
# `start_peer NAME`, at NAME.sock, and spoken to as in `PEER=NAME peer ...`.

setup() {
	colo_setup
	start_peer qmp
}

# start_peer NAME: qmp-peer at NAME.sock; what it gets goes to NAME.said
declare -gA PEER_FD=()
start_peer() {
	local fd

	mkfifo "$1.orders"
	exec {fd}<>"$1.orders"
	PEER_FD[$1]=$fd
	spawn_other "peer-$1" qmp-peer "$1.sock" <"$1.orders" >"$1.said"
	wait_for test -S "$1.sock"
}

# peer ORDER...: each is done with when it returns
n_done() { grep -cx 'done' "${PEER:-qmp}.said" || true; }
has_done() { [ "$(n_done)" -ge "$1" ]; }
peer() {
	local n
	n=$(($(n_done) + $#))
	printf '%s\n' "$@" >&"${PEER_FD[${PEER:-qmp}]}"
	wait_for has_done "$n"
}

# has_unread PATH: the process that listens there has not read all it was sent
has_unread() {
	ss -Hxn | awk -v path="$1" '$5 == path && $3 > 0 { found = 1 }
		END { exit !found }'
}

# commands [NAME]: how many came
commands() { grep -c "\"execute\":\"${1:-}" "${PEER:-qmp}.said" || true; }
commands_are() { [ "$(commands "$1")" -eq "$2" ]; }
connected_n() { commands_are qmp_capabilities "$1"; }
asked() { [ "$(commands query-colo-status)" -ge "$1" ]; }
