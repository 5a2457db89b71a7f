#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The rewriter is killed in the middle of the scene (tests/rewriter-scene). Its
# table keeps the offsets: tests/45-rewriter.bats shows that at once. Here real
# stacks have to repair what was lost on the way, by timers that have backed
# off; that takes seconds, or minutes, too long for every check.

load ../helpers

export BATS_TEST_TIMEOUT=400

setup() {
	colo_setup
	mkdir tmp
	export COLO_BIN=$BIN COLO_BUILD=$BUILD TMPDIR=$BATS_TEST_TMPDIR/tmp
}

@test "kill -9 of the rewriter, then the failover" {
	SCENE_PATIENCE=300 run "${BATS_TEST_DIRNAME%/soak}/rewriter-scene" \
		--kill-rewriter
	echo "$output"
	[[ ${lines[-1]} == 'scene: every connection survived'* ]]
}
