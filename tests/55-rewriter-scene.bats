#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The rewriter between real kernel stacks (rewriter-scene says how): what must
# survive survives, and what is not translated breaks. With all the connections
# soak/ten-failovers.bats plays it.

load helpers

export BATS_TEST_TIMEOUT=180

setup() {
	colo_setup
	mkdir tmp
	export COLO_BIN=$BIN COLO_BUILD=$BUILD TMPDIR=$BATS_TEST_TMPDIR/tmp
	export SCENE_PASSIVE=6 SCENE_ACTIVE=2
}

scene() { "$TOP/tests/rewriter-scene" "$@"; }

survives() {
	run scene "$@"
	echo "$output"
	[[ ${lines[-1]} == 'scene: every connection survived'* ]]
}

breaks() {
	SCENE_PATIENCE=10 run -1 scene "$@"
	echo "$output"
	[[ ${lines[-1]} == 'scene: '*' transfers did not survive' ]]
}

@test "connections of both kinds outlive the primary" {
	survives
}

@test "with syncookies and the plain clock on the primary instead" {
	survives --swap
}

@test "untranslated they break" {
	breaks --translate off
}

@test "with timestamps untranslated they break" {
	breaks --translate no-timestamps
}

@test "on a bad client link" {
	survives --impair client
}

@test "with a bad copy of what clients send, without SACK" {
	survives --impair mirror --no-sack
}

@test "with a bad wire behind the secondary" {
	survives --impair secondary
}

# What the dead process had read and not written is lost, both ways. The table
# keeps the offsets; the stacks repair the rest by one or two timeouts each.
@test "kill -9 of the rewriter, then the primary's death" {
	SCENE_PATIENCE=30 survives --kill-rewriter
}
