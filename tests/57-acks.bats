#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What it costs a connection of real kernel stacks that acknowledgements wait for
# the secondary (ack-scene says how): nothing is sent twice unless a guest had lost
# it. With SOAK_N the rates are checked, too; the machine must have nothing else to
# do then.

load helpers

export BATS_TEST_TIMEOUT=600

setup() {
	scene_setup
	OPTIONS=(--shared --rounds 1 --bytes 16777216)
	[ -z "${SOAK_N-}" ] || OPTIONS=()
}

costs_little() {
	run "$TOP/tests/ack-scene" "${OPTIONS[@]}" "$@"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ ${lines[-1]} == 'acks: '*' 0 faults' ]]
}

@test "an upload repeats nothing when the secondary's acknowledgements are late" {
	costs_little up
}

@test "a download repeats nothing when the secondary is late" {
	costs_little down
}
