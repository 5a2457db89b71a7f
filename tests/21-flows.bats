#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What colo-compare and colo-rewriter say of flows over their control sockets,
# asked by a client that is not ours (python's msgpack), and by colo-ctl.
# shellcheck disable=SC2030,SC2031

load helpers
load packets
load answers
load sides

SYN=2 SYNACK=18 ACK=16

# start_compare OPTION...: descriptor 5 leads to the primary's side, 6 to the
# secondary's
start_compare() {
	start c colo-compare --primary-in unix-listen:p.sock \
		--secondary-in unix-listen:s.sock --outdev null: --control c.ctl "$@"
	feed_sides
}

ask() { "$TOP/tests/rpc-client" c.ctl ask "$@"; }
@test "flows: those that hold most first, page by page, or those that are asked for" {
	local next
	start_compare --checkpoint hold
	primary "$(udp 1 one 1001)" "$(udp 2 "$(printf '%0900d' 0)" 1002)" \
		"$(udp 3 "$(printf '%0500d' 0)" 1003)"
	wait_for stat_is c held.primary 3

	ask flows >page
	says '[.[3].flows[].flow] == ["udp 10.0.0.1:80 > 10.0.0.2:1002",
		"udp 10.0.0.1:80 > 10.0.0.2:1003",
		"udp 10.0.0.1:80 > 10.0.0.2:1001"]' <page
	says '.[3].matched == 3 and .[3].next == null' <page
	says '.[3].flows[0] | .state == "datagrams" and .primary == 1 and
		.secondary == 0 and .bytes > 900 and .bytes < 1200' <page

	ask flows '' held 2 >page
	says '(.[3].flows | length) == 2 and .[3].next != null' <page
	next=$(jq -r '.[3].next' page)
	ask flows '' held 2 "$next" | says '[.[3].flows[].flow] ==
		["udp 10.0.0.1:80 > 10.0.0.2:1001"] and .[3].next == null'

	ask flows ':1003' | says '[.[3].flows[].flow] ==
		["udp 10.0.0.1:80 > 10.0.0.2:1003"]'
	ask flows tcp | says '.[3].flows == []'
	ask flows '' age 1 | says '.[3].flows[0].flow ==
		"udp 10.0.0.1:80 > 10.0.0.2:1001"'
	ask flows '' table 1 | says '.[3].flows[0].flow ==
		"udp 10.0.0.1:80 > 10.0.0.2:1001"'

	colo-ctl -s c.ctl flows 'udp :1002' >said
	grep -qE '^state +primary +secondary +bytes +waits_ms +idle_s +flow$' said
	grep -qE '^datagrams +1 +0 .* udp 10.0.0.1:80 > 10.0.0.2:1002$' said
}

@test "flows: those of which only the secondary's packets wait are among the oldest" {
	start_compare --checkpoint hold
	primary "$(udp 1 one 1001)" "$(udp 1 one 1002)"
	wait_for stat_is c held.primary 2
	secondary "$(udp 1 one 1001)" "$(udp 1 one 1003)"
	wait_for stat_is c held.secondary 1
	ask flows '' age | says '[.[3].flows[] | .flow[-4:]] ==
		["1002", "1003", "1001"] and .[3].matched == 3'
	# by bytes of the primary it is one of those that hold nothing
	ask flows '' held | says '[.[3].flows[] | .flow[-4:]] ==
		["1002", "1001", "1003"] and .[3].matched == 3'
	ask flows '' held 1 | says '.[3].matched == null'
}

@test "flows, explain: what is wrong with a question is said" {
	start_compare --checkpoint hold
	primary "$(udp 1 one 1001)"
	wait_for stat_is c held.primary 1
	ask flows nonsense | says '.[2].code == "failed" and (.[2].text |
		test("^\"nonsense\" is not \\[PROTO\\]"))'
	ask flows '' size | says '.[2].text == "sort is one of table, held, age"'
	ask flows '' held 0 | says '.[2].text == "limit is in 1..100"'
	ask flows '' held 1 x | says '.[2].text | test("^cursor is none")'
	ask flows 80 | says '.[2].code == "bad-params"'
	ask explain | says '.[2].code == "bad-params"'
	ask explain 'tcp' | says '.[2].text == "no such flow is known"'
	run -1 colo-ctl -s c.ctl explain 'tcp :1'
	[ "$output" = 'colo-ctl: c: no such flow is known' ]
	primary "$(udp 1 one 1)" "$(udp 1 one 2)" "$(udp 1 one 3)" "$(udp 1 one 4)"
	wait_for stat_is c held.primary 5
	ask explain udp | says '.[2].text | test("^more than 4 flows are like that")'
}

# is_explained FLOW JQ-FILTER
is_explained() { ask explain "$1" | says "$2"; }

@test "explain: for whom a flow waits, until when, and what was dropped" {
	start_compare --compare-timeout 60000 --checkpoint 'exec:false' \
		--checkpoint-retry 60000
	primary "$(udp 1 one)"
	wait_for stat_is c held.primary 1
	ask explain 'udp 10.0.0.2:1000 > 10.0.0.1:80' >said
	says '.[3][0] | .waits_for == "the secondary to say the same" and
		.due_ms > 0 and .due_ms <= 60000 and .last_drop == null' <said
	secondary "$(udp 1 two)"
	wait_for is_explained udp '.[3][0].state == "different" and
		.[3][0].waits_for == "a checkpoint, which is asked for" and
		.[3][0].due_ms == null and .[3][0].last_drop == "different"'
	colo-ctl -s c.ctl explain udp >said
	grep -qx 'flow  *udp 10.0.0.1:80 > 10.0.0.2:1000' said
	grep -qx 'waits_for  *a checkpoint, which is asked for' said
	colo-ctl -s c.ctl flush
	is_explained udp '.[3][0].waits_for == null and .[3][0].bytes == 0'
}

@test "explain: how far a TCP stream was compared" {
	start_compare --checkpoint hold
	primary "$(segment rx 5000 1001 $SYNACK)" "$(segment rx 5001 1101 $ACK)"
	wait_for stat_is c primary-in.in 2
	is_explained tcp '.[3][0] | .state != "different" and
		.waits_for == "the secondary to say the same" and .edge == null'
	secondary "$(segment rx 9000 1001 $SYNACK)" "$(segment rx 5001 1051 $ACK)"
	wait_for stat_is c secondary-in.in 2
	wait_for is_explained tcp '.[3][0] | .edge == 5001 and
		.compared_bytes == 0 and .ack_primary == 1101 and
		.ack_secondary == 1051'
}

@test "colo-rewriter: flows and explain" {
	start r colo-rewriter --net-in unix-listen:n.sock --net-out null: \
		--guest-in unix-listen:g.sock --guest-out null: --control c.ctl
	feeder n UNIX-CONNECT:n.sock
	feeder g UNIX-CONNECT:g.sock
	exec 5>n 6>g
	primary "$(segment tx 1000 0 $SYN)"
	wait_for stat_is r in 1
	is_explained tcp '.[3][0] | .state == "half-open" and
		.translation == "not known yet" and .offset == null'
	# the client acknowledges what the guest has not said yet
	primary "$(segment tx 1001 5001 $ACK)"
	wait_for is_explained tcp '.[3][0] | .held == 1 and
		.waits_for == "the guest'\''s SYN" and .due_ms <= 30000'
	secondary "$(segment rx 9000 1001 $SYNACK)"
	wait_for is_explained 'tcp 10.0.0.2:80' '.[3][0] | .held == 0 and
		.translation == "known" and .offset == 4000'
	ask flows tcp | says '.[3].flows[0] | .offset == 4000 and
		.flow == "tcp 10.0.0.1:1024 > 10.0.0.2:80"'
	colo-ctl -s c.ctl flows | grep -q '10.0.0.1:1024 > 10.0.0.2:80'
}

@test "checkpoints: why, where, and how long packets were held" {
	start_compare --checkpoint 'exec:[ -e made ] && rm made' \
		--checkpoint-retry 20
	ask checkpoints | says '.[3] == []'
	primary "$(udp 1 equal-one)"
	secondary "$(udp 1 equal-two)"
	wait_for stat_is c asked.payload 1
	ask checkpoints >said
	says '.[3] | length == 1 and (.[0] | .reason == "payload" and
		.flow == "udp 10.0.0.1:80 > 10.0.0.2:1000" and .offset == 6 and
		.primary == "6f6e65" and .secondary == "74776f" and
		(.asked | type) == "number" and .made == null and
		.longest_ms == null)' <said
	: >made
	wait_for stat_is c flows.holding 0
	ask checkpoints >said
	says '.[3] | length == 1 and (.[0] | .made >= .asked and
		.released >= .made and .tries >= 1 and .frames == 1 and
		.bytes == 9 and .longest_ms > 0)' <said

	# one that nobody has asked for, and one that somebody has
	colo-ctl -s c.ctl flush
	colo-ctl -s c.ctl checkpoint
	: >made
	has_three() { ask checkpoints | says '[.[3][] | .reason, .made != null]
		== ["control", true, null, true, "payload", true]'; }
	wait_for has_three
	colo-ctl -s c.ctl checkpoints >said
	[ "$(grep -c '^asked  *20[0-9-]*T[0-9:.]*Z$' said)" = 2 ]
}

@test "checkpoints: the last 64" {
	start_compare --checkpoint 'exec:true'
	for _ in {1..70}; do echo '["flush"]'; done | colo-ctl -s c.ctl - >said
	ask checkpoints | says '.[3] | length == 64'
}

@test "rules: what is left out changes while the report runs" {
	start c colo-compare --primary-in unix-listen:p.sock \
		--secondary-in unix-listen:s.sock --outdev null: --dry-run \
		--control c.ctl --ignore 'payload@0+1' >report
	feed_sides
	ask rules | says '.[3] == ["payload@0+1"]'
	ask rules-add header@ | says '.[2].code == "failed" and
		.[2].text == "header@ is not header@NAME"'
	ask rules-add 'port nonsense' | says '.[2].code == "failed"'
	ask rules-remove nothing | says '.[2].text == "there is no such rule"'
	ask rules-add | says '.[2].code == "bad-params"'
	ask rules-add 'udp dst port 1000' | says '.[3] ==
		["payload@0+1", "udp dst port 1000"]'
	primary "$(udp 1 one)" "$(udp 2 one 1001)" "$(udp 3 one 1002)"
	secondary "$(udp 1 two)" "$(udp 2 One 1001)" "$(udp 3 two 1002)"
	wait_for grep -q '10.0.0.2:1002' report
	run ! grep '10.0.0.2:1000' report
	ask rules-remove 'udp dst port 1000' | says '.[3] == ["payload@0+1"]'
	primary "$(udp 3 one)"
	secondary "$(udp 3 two)"
	wait_for grep -q '10.0.0.2:1000' report
	run ! grep '10.0.0.2:1001' report
	stop c
	start_compare
	ask rules | says '.[2].text | test("^there are no rules: ")'
	ask rules-add header@Date | says '.[2].code == "failed"'
	ask rules-remove header@Date | says '.[2].code == "failed"'
}

# crowd N: datagrams of the guest's, each to a client of its own; on the wire
crowd() {
	perl -e '
		binmode STDOUT;
		for my $n (1 .. $ARGV[0]) {
			my $ip = pack("H20 N", "4500001f000000004011", 0);
			substr($ip, 10) = pack("n", 0) . pack("N N", 0x0a000001,
				0x0b000000 + $n);
			print pack("N H28 a20 n4 a3", 45, "525400000001" .
				"5254000000020800", $ip, 80, 1000, 11, 0, "one");
		}' "$1"
}

@test "a walk over many flows takes many turns, and frames pass meanwhile" {
	start_compare --checkpoint hold
	crowd 30000 >&5
	wait_for stat_is c held.primary 30000
	ask flows '' held 100 >page &
	crowd 30000 >&6
	wait_for stat_is c compare.compared 30000
	wait $!
	says '.[3].matched <= 30000 and (.[3].flows | length) <= 100' <page
	ask explain '11.0.117.48' | says '.[3][0].flow ==
		"udp 10.0.0.1:80 > 11.0.117.48:1000"'
}
