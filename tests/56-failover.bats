#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The demo, with less to download: it must succeed with the translation of
# sequence numbers and fail without, and leave nothing behind either way.

load helpers

setup() {
	colo_setup
	mkdir tmp
	export COLO_BIN=$BIN COLO_BUILD=$BUILD
	export FAILOVER_BYTES=64M TMPDIR=$BATS_TEST_TMPDIR/tmp
}

# The demo names its namespaces after its process, whose id is in the file.
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

@test "nor does it matter how the servers send, or that the host dies in pieces" {
	run -0 demo --congestion cubic --slow-cut 100
	echo "$output"
	[ "${lines[-1]}" = 'The connection survived the death of its server.' ]
	nothing_is_left
}

@test "bad usage, and a congestion control that the kernel does not have" {
	run -2 demo --slow-cut soon
	run -2 demo --congestion
	run -1 demo --congestion nosuch
	one_line "$output" 'this kernel has no congestion control nosuch; .*'
}

@test "without the translation it does not survive, and the demo fails" {
	run -1 demo --no-translate
	echo "$output"
	[[ ${lines[-1]} == 'The connection did not survive: '* ]]
	[[ $output =~ 'sha256             different' ]]
	nothing_is_left
}

@test "interrupted in the middle it leaves nothing" {
	# it takes 15 s to die, which no machine is too slow to interrupt
	spawn demo bash -c 'echo $$ >pid; exec "$0" --slow-cut 3000 >demo.out' \
		"$TOP/examples/failover/run"
	wait_for grep -sq 'loses its power' demo.out
	grep -q "^colo-$(cat pid)-" <<<"$(ip netns list)"
	kill "${PIDS[demo]}"
	ends demo 143
	nothing_is_left
}
