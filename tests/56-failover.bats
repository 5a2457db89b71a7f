#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The demo of `make run`, with less to download: the connection must survive with
# the translation of sequence numbers and break without it. Either way nothing is
# left behind.

load helpers

setup() {
	colo_setup
	mkdir tmp
	export COLO_BIN=$BIN COLO_BUILD=$BUILD
	export FAILOVER_BYTES=64M TMPDIR=$BATS_TEST_TMPDIR/tmp
}

# demo OPTION...: the demo's namespaces are named after its process id, which is in
# the file `pid`
demo() {
	bash -c 'echo $$ >pid; exec "$@"' - "$TOP/examples/failover/run" "$@"
}

nothing_is_left() {
	[ -z "$(ls -A tmp)" ]
	run ! grep "^colo-$(cat pid)-" <<<"$(ip netns list)"
}

@test "a connection survives the death of its server" {
	run -0 demo
	echo "$output"
	[ "${lines[-1]}" = 'The connection survived the death of its server.' ]
	[[ $output =~ 'bytes received     67108864 of 67108864' ]]
	[[ $output =~ 'sha256             equal' ]]
	nothing_is_left
}

@test "a connection survives with another congestion control, and a host that dies in pieces" {
	run -0 demo --congestion cubic --slow-cut 100
	echo "$output"
	[ "${lines[-1]}" = 'The connection survived the death of its server.' ]
	nothing_is_left
}

@test "bad usage and an unknown congestion control are refused" {
	run -2 demo --slow-cut soon
	run -2 demo --congestion
	run -1 demo --congestion nosuch
	one_line "$output" 'this kernel has no congestion control nosuch; .*'
}

@test "without the translation the connection breaks and the demo fails" {
	FAILOVER_PATIENCE=4 run -1 demo --no-translate
	echo "$output"
	[[ ${lines[-1]} == 'The connection did not survive: '* ]]
	[[ $output =~ 'sha256             different' ]]
	nothing_is_left
}

@test "the demo, interrupted in the middle, leaves nothing behind" {
	# the host takes 15 s to die, so there is time to interrupt it
	spawn demo bash -c 'echo $$ >pid; exec "$0" --slow-cut 3000 >demo.out' \
		"$TOP/examples/failover/run"
	wait_for grep -sq 'loses its power' demo.out
	grep -q "^colo-$(cat pid)-" <<<"$(ip netns list)"
	kill "${PIDS[demo]}"
	ends demo 143
	nothing_is_left
}
