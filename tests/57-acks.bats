#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What the acknowledgement gate costs a connection of real kernel stacks
# (ack-scene says how): nothing is sent twice that one of the guests had not
# lost. SOAK_N also judges the rates, on a machine that has nothing else to do.

load helpers

export BATS_TEST_TIMEOUT=180

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

@test "an upload with the secondary's acknowledgements late" {
	costs_little up
}

@test "a download with the secondary late" {
	costs_little down
}
