#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Options that are changed while a process runs, by a client that is not ours
# (python's msgpack) and by colo-ctl.
# shellcheck disable=SC2030,SC2031

load helpers
load packets
load answers
load sides

ask() { "$TOP/tests/rpc-client" x.ctl ask "$@"; }
ctl() { colo-ctl -s x.ctl "$@"; }

# start_compare OPTION...: descriptor 5 leads to the primary's side, 6 to the
# secondary's
start_compare() {
	start c colo-compare --primary-in unix-listen:p.sock \
		--secondary-in unix-listen:s.sock --outdev null: --control x.ctl "$@"
	feed_sides
}

start_relay() { # PROGRAM OPTION...
	start x "$1" --net unix-listen:n --guest null: --control x.ctl "${@:2}"
}

@test "get: what can be changed, and what differs from the command line" {
	start_compare --compare-timeout 4000
	ask get | says '[.[3][].name] == ["compare-timeout", "reorder-window",
		"max-queue-size", "max-queue-bytes", "max-flow-bytes",
		"max-client-bytes", "checkpoint-retry", "checkpoint-period",
		"max-checkpoint-share", "max-checkpoint-rate", "quarantine",
		"auto-failover", "busy-poll", "log-level"]'
	ask get | says '[.[3][].changed] | any | not'
	ask get compare-timeout | says '.[3] | length == 1 and
		.[0].value == "4000" and .[0].started == "4000"'
	ask set compare-timeout 9000 | says '.[3] | .value == "9000" and
		.started == "4000" and .changed'
	ask get | says '[.[3][] | select(.changed) | .name] ==
		["compare-timeout"]'
	logged c 'event: set: compare-timeout: 9000, it was 4000'
	ask set compare-timeout 4000 | says '.[3].changed | not'
	ctl set quarantine off
	ctl get quarantine | grep -qE '^quarantine +off +hold +true '
	stop c
	start_relay colo-mirror --outdev null:
	ask get | says '[.[3][].name] == ["status", "auto-failover", "busy-poll",
		"log-level"]'
	stop x
	start_relay colo-redirector --outdev null: --queue rx
	ask get | says '[.[3][].name] == ["status", "when-down", "when-down-grace",
		"announce", "auto-failover", "busy-poll", "log-level"]'
	stop x
	start_relay colo-rewriter
	ask get | says '[.[3][].name] == ["max-held", "unknown", "busy-poll",
		"log-level"]'
}

@test "set: what the command line would refuse is refused, and changes nothing" {
	start_compare
	ask set compare-timeout 0 | says '.[2].code == "failed" and
		.[2].text == "compare-timeout: 0 is not in 1..86400000 ms"'
	ask set compare-timeout soon | says '.[2].text ==
		"compare-timeout: \"soon\" is not a number"'
	ask set quarantine yes | says '.[2].text ==
		"quarantine: \"yes\" is not one of hold, off"'
	ask set max-flows 5 | says '.[2].text |
		test("^max-flows: it is one of compare-timeout, reorder-window, ")'
	ask get max-flows | says '.[2].code == "failed"'
	ask set compare-timeout | says '.[2].code == "bad-params"'
	ask get | says '[.[3][].changed] | any | not'
}

@test "set compare-timeout: what waits already is held to it" {
	start_compare --checkpoint exec:true --compare-timeout 3600000
	wire "$(udp 1 one)" >&5
	wait_for stat_is c held.primary 1
	ask set compare-timeout 10
	wait_for stat_is c asked.timeout 1
	wait_for stat_is c held.primary 0
}

@test "set max-checkpoint-rate: a request that waits goes out" {
	start_compare --checkpoint exec:true --max-checkpoint-rate 1
	ctl checkpoint
	wait_for stat_is c checkpoint.asked 1
	ctl checkpoint
	wait_for stat_is c checkpoint.put-off 1
	ctl set max-checkpoint-rate 0
	wait_for stat_is c checkpoint.asked 2
}

# After a second of a checkpoint it would wait for a minute and a half.
@test "set max-checkpoint-share: a request that waits goes out at once" {
	start_compare --checkpoint 'exec:sleep 1.2' --max-checkpoint-share 1
	ctl checkpoint
	made() { ctl -j checkpoints | jq -e '.result[0].made' >/dev/null; }
	wait_for made
	ctl checkpoint
	wait_for stat_is c checkpoint.put-off 1
	stat_is c checkpoint.asked 1
	ctl set max-checkpoint-share 0
	wait_for stat_is c checkpoint.asked 2
}

@test "set max-flow-bytes: a flow's share is smaller from now on" {
	start_compare --checkpoint hold
	wire "$(udp 1 one)" "$(udp 2 two)" >&5
	wait_for stat_is c held.primary 2
	ctl set max-flow-bytes 150	# for one packet
	wire "$(udp 3 three)" >&5
	wait_for stat_is c dropped.over-share 2
	ctl set max-flow-bytes 0
	wire "$(udp 4 four)" "$(udp 5 five)" >&5
	wait_for stat_is c held.primary 3
}

@test "set log-level, and an option of each relay" {
	local asked
	start_relay colo-redirector --outdev unix-listen:o --queue tx
	ctl set log-level info
	ctl set when-down drop
	spawn_other o socat -u UNIX:o -
	wait_for logged x 'event: connected: outdev'
	kill_other o
	frames gen --count 10 | send n
	wait_for stat_is x dropped.outdev-down 10
	asked=$(grep -c 'stats: in=' x.log)
	stop x
	# level info is asked for: the account at the end
	[ "$(grep -c 'stats: in=' x.log)" -eq $((asked + 1)) ]
	start_relay colo-rewriter
	ctl set unknown drop
	feeder f UNIX-CONNECT:n
	exec 7>f
	wire "$(segment tx 1001 5001 16)" >&7
	wait_for stat_is x dropped.unknown 1
}
