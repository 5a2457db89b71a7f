#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# rewriter-scene ten times with all its connections: the client opens 20 and the
# guest 5, each with 5 MB both ways. They all survive. A bad wire loses 2 %, reorders
# and delays.

load ../helpers

export BATS_TEST_TIMEOUT=400

setup() {
	scene_setup
}

survives() {
	SCENE_PATIENCE=240 run "$TOP/tests/rewriter-scene" "$@"
	echo "$output"
	[[ ${lines[-1]} == 'scene: every connection survived'* ]]
	echo "# ${lines[-1]#scene: }" >&3
}

@test "1: syncookies and another clock on the secondary" {
	survives
}

@test "2: syncookies and another clock on the primary" {
	survives --swap
}

@test "3: without SACK" {
	survives --no-sack
}

@test "4: a bad client link" {
	survives --impair client
}

@test "5: copies to the secondary are lost" {
	survives --impair mirror
}

@test "6: a bad wire behind the secondary" {
	survives --impair secondary
}

@test "7: syncookies on the primary, a bad client link" {
	survives --swap --impair client
}

@test "8: without SACK, copies to the secondary are lost" {
	survives --no-sack --impair mirror
}

@test "9: syncookies on the primary, without SACK, a bad wire behind the secondary" {
	survives --swap --no-sack --impair secondary
}

@test "10: the rewriter is killed before the primary dies" {
	survives --kill-rewriter
}
