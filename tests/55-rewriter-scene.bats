#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The rewriter between real kernel stacks (rewriter-scene says how): connections
# survive the primary's death, and break when one number is not translated. These
# are a few connections; soak/ten-failovers.bats has many.

load helpers

export BATS_TEST_TIMEOUT=600

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
	SCENE_PATIENCE=${SCENE_PATIENCE:-3} run -1 scene "$@"
	echo "$output"
	[[ ${lines[-1]} == 'scene: '*' connections did not survive' ]]
}

# What the guest refused: SACK blocks, echoed timestamps, and percent of the ICMP
# errors.
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

@test "connections that clients and guests open survive the primary's death" {
	survives
	[ "$(refused_echoes)" -eq 0 ]
}

@test "they survive with syncookies and the plain clock on the primary instead" {
	survives --swap
}

@test "without any translation they break" {
	breaks --translate off
}

@test "without translated sequence numbers they break" {
	breaks --translate no-seq
}

@test "without translated acknowledgement numbers they break" {
	breaks --translate no-ack
}

# The kernel adds a number to the clock of one guest, another one for each connection:
# it is chance whether the other guest's is ahead or behind. So there are many.
@test "without translated timestamps they break" {
	SCENE_PASSIVE=16 breaks --translate no-tsval
}

# The guest does not recognise the echo of its own SYN's timestamp, and begins
# again. Whether the connections survive then is chance.
@test "without translated echoes the guest refuses timestamps" {
	SCENE_PATIENCE=3 run scene --translate no-tsecr
	echo "$output"
	[ "$(refused_echoes)" -ge 2 ]
}

@test "without translated resets the client hears none" {
	SCENE_BYTES=500000 SCENE_RESET=3 run -1 scene --translate no-rst
	[ "${lines[-1]}" = "scene: the guest's reset was not heard" ]
}

@test "behind a small MTU they survive: the guest accepts ICMP errors" {
	survives --small-mtu
	[ "$(refused_errors)" -ge 0 ]
	[ "$(refused_errors)" -lt 50 ]
	grep -qE 'rewriter translated.icmp=[1-9]' <<<"$output"
}

# If the guest accepted one error by chance, its routing table would know the MTU for
# all connections. Those that the guests open begin with almost the same number on
# either; the client's begin with cookies on one of them.
@test "without translated quotes the guest refuses ICMP errors" {
	SCENE_ACTIVE=0 SCENE_PATIENCE=5 breaks --small-mtu --translate no-icmp
	echo "$output"
	[ "$(refused_errors)" -gt 75 ]
}

@test "on a bad client link they survive: the guest accepts SACK blocks" {
	survives --impair client
	[ "$(refused_sacks)" -lt 200 ]
}

# Linux ignores such blocks and goes on without them, more slowly.
@test "without translated SACK edges the guest refuses SACK blocks" {
	SCENE_BYTES=1000000 run scene --impair client --translate no-sack
	echo "$output"
	[ "$(refused_sacks)" -gt 1000 ]
}

@test "they survive with a secondary guest that is late" {
	survives --late
}

# A frame that left for want of room could acknowledge bytes that the secondary
# never got. The client would have forgotten these bytes, and nobody could bring
# them back.
@test "they survive with a secondary guest that is late, and short queues" {
	survives --late --queue 64
}

@test "they survive when copies to the secondary are lost, without SACK" {
	survives --impair mirror --no-sack
}

# Only the guest's retransmission timer repairs that, which takes 10 to 40 s with as
# many bytes as elsewhere: these are for `make soak`.
@test "they survive with a bad wire behind the secondary" {
	[ -n "${SOAK_N-}" ] || export SCENE_BYTES=1000000
	SCENE_PATIENCE=120 survives --impair secondary
}

# Frames that the dead process had read and not written are lost, both ways. The
# table keeps the offsets; the TCP stacks repair the rest after a timeout or two. Where
# a guest's congestion control is BBR it may take these losses for a policer's, and
# keep the rate that it had meanwhile, some 10 KB/s, for 48 round trips: half a minute.
@test "they survive kill -9 of the rewriter, then the primary's death" {
	SCENE_PATIENCE=120 survives --kill-rewriter
}
