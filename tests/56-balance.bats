#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The demo of `make run-balance` in its short form, and a director that is killed in
# the middle of a hundred downloads. Nothing is left behind.

load helpers

setup() {
	scene_setup
}

balance() {
	bash -c 'echo $$ >pid; exec "$@"' - "$TOP/examples/balance/run" "$@"
}

nothing_is_left() {
	[ -z "$(ls -A tmp)" ]
	run ! grep "^balance-$(cat pid)-" <<<"$(ip netns list)"
}

# row NAME: the last three numbers of a row, what each pair has got
row() { sed -nE "s/^$1 .* ms +([0-9]+) +([0-9]+) +([0-9]+)\$/\1 \2 \3/p" <<<"$output"; }

@test "a pair is taken away, a primary dies, the director dies: no connection is lost" {
	local a b c
	run -0 balance --short
	echo "$output"
	[[ ${lines[-1]} =~ ^'Of '[0-9]+' connections none was lost.'$ ]]
	read -r a b c < <(row 'three pairs')
	[ "$a" -gt 0 ] && [ "$b" -gt 0 ] && [ "$c" -gt 0 ]
	read -r a b c < <(row 'the primary host of b dies')
	[ "$a" -eq 0 ] && [ "$b" -gt 0 ] && [ "$c" -gt 0 ]
	nothing_is_left
}

@test "a hundred downloads outlive kill -9 of the director" {
	run -0 balance --downloads 100
	echo "$output"
	[ "${lines[-1]}" = 'Of 100 connections none was lost.' ]
}

@test "without its table they do not" {
	run -1 balance --downloads 100 --no-state
	echo "$output"
	[[ ${lines[-1]} =~ ^[0-9]+' connections of 100 were lost.'$ ]]
	nothing_is_left
}

@test "bad usage is refused" {
	run -2 balance --downloads
	run -2 balance --long
}
