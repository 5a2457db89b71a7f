#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The rewriter between real kernel stacks (rewriter-scene says how): what must
# survive survives, and what is not translated breaks. With all the connections
# soak/ten-failovers.bats plays it.

load helpers

export BATS_TEST_TIMEOUT=180

setup() {
	scene_setup
	export SCENE_PASSIVE=6 SCENE_ACTIVE=2
}

scene() { "$TOP/tests/rewriter-scene" "$@"; }

survives() {
	run scene "$@"
	echo "$output"
	[[ ${lines[-1]} == 'scene: every connection survived'* ]]
}

breaks() {
	SCENE_PATIENCE=5 run -1 scene "$@"
	echo "$output"
	[[ ${lines[-1]} == 'scene: '*' transfers did not survive' ]]
}

# What the guest refused: blocks of SACK; echoed timestamps; parts in a hundred of
# its ICMP errors.
refused_sacks() {
	sed -n 's/^scene: senseless to the guest: \([0-9]*\) SACK.*/\1/p' \
		<<<"$output"
}
refused_echoes() {
	sed -n 's/^scene: senseless.* \([0-9]*\) echoed timestamps/\1/p' \
		<<<"$output"
}
refused_errors() {
	sed -n 's/^scene: senseless.* \([0-9]*\) of \([0-9]*\) ICMP.*/\1 \2/p' \
		<<<"$output" | awk '{ printf "%d", $2 ? 100 * $1 / $2 : -1 }'
}

@test "connections of both kinds outlive the primary" {
	survives
	[ "$(refused_echoes)" -eq 0 ]
}

@test "with syncookies and the plain clock on the primary instead" {
	survives --swap
}

@test "untranslated they break" {
	breaks --translate off
}

@test "without the sequence number they break" {
	breaks --translate no-seq
}

@test "without the acknowledgement number they break" {
	breaks --translate no-ack
}

# a clock is ahead or behind by chance: more connections, less to send
@test "without the guest's timestamps they break" {
	SCENE_PASSIVE=16 SCENE_BYTES=1000000 breaks --translate no-tsval
}

# It does not know them for those of its own SYN, and begins again. What becomes
# of the connections then is luck.
@test "without the timestamps echoed to it the guest refuses them" {
	SCENE_PATIENCE=5 run scene --translate no-tsecr
	echo "$output"
	[ "$(refused_echoes)" -ge 2 ]
}

@test "without its resets the client does not hear one" {
	SCENE_BYTES=500000 SCENE_PATIENCE=15 run -1 scene --translate no-rst
	[ "${lines[-1]}" = "scene: the guest's reset was not heard" ]
}

@test "behind a small MTU: the guest takes the ICMP errors for its own" {
	survives --small-mtu
	[ "$(refused_errors)" -ge 0 ]
	[ "$(refused_errors)" -lt 50 ]
	grep -qE 'rewriter translated.icmp=[1-9]' <<<"$output"
}

# Most times they break, too; but one error that is believed by chance teaches
# the guest's routing table, and with it all.
@test "without the segments that ICMP errors quote it refuses them" {
	SCENE_PATIENCE=5 run scene --small-mtu --translate no-icmp
	echo "$output"
	[ "$(refused_errors)" -gt 75 ]
}

@test "on a bad client link: the guest understands the SACK blocks" {
	survives --impair client
	[ "$(refused_sacks)" -lt 200 ]
}

# Linux drops such blocks and goes on without, more slowly.
@test "without SACK edges it understands none there" {
	run scene --impair client --translate no-sack
	echo "$output"
	[ "$(refused_sacks)" -gt 1000 ]
}

@test "with a guest that is late" {
	survives --late
}

# What leaves for want of room is what the secondary lacks; the client has
# forgotten then what it uploaded, and nobody can bring it back.
@test "with a guest that is late, and a queue that is soon full" {
	survives --late --queue 64
}

@test "with a bad copy of what clients send, without SACK" {
	survives --impair mirror --no-sack
}

# Only the guest's timer repairs that: 10 to 40 s.
@test "with a bad wire behind the secondary" {
	SCENE_PATIENCE=120 survives --impair secondary
}

# What the dead process had read and not written is lost, both ways. The table
# keeps the offsets; the stacks repair the rest by one or two timeouts each.
@test "kill -9 of the rewriter, then the primary's death" {
	SCENE_PATIENCE=30 survives --kill-rewriter
}
