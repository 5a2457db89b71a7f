#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# colo-redirector as the front of several pairs: director.bash has its clients,
# destinations and service.
# shellcheck disable=SC2030,SC2031,SC2034,SC2086

load helpers
load packets
load director

@test "connections are spread, and stay where they are, both ways" {
	start_director --service "$RR"
	net $SYN 1024 && wait_for has b 1
	net $SYN 1025 && wait_for has a 1
	guest_b $SYNACK 1024 && wait_for has net 1
	net $ACK 1024 && wait_for has b 2
	net $ACK 1025 && wait_for has a 2
	field_is B active 1
	field_is A conns 1
	# another guest does not speak for this one
	guest_a $RST 1024
	guest_b $ACK 1024 && wait_for has net 2
	wait_for stat_is director dropped.wrong-dest 1
	check_director
}

@test "what a guest opens is answered to that guest" {
	start_director --service tcp:10.0.0.3:80
	guest_a $SYN 1024 && wait_for has net 1
	net $SYNACK 1024 && wait_for has a 1
	guest_b $SYN 1024
	wait_for stat_is director dropped.clash 1
	check_director
}

@test "a destination drains, says so, and is removed; another one is added" {
	start_director --service "$RR"
	net $SYN 1024 && wait_for has b 1
	ctl dest weight B 0
	net $SYN 1025 && wait_for has a 1
	net $SYN 1026 && wait_for has a 2
	field_is B state draining
	guest_b $RST 1024 && wait_for has net 1
	wait_for logged director 'event: drained: B$'
	ctl dest del B
	ctl dest add C=unix-listen:c.sock,weight=3
	peer c c.sock
	exec 8>c
	wait_for field_is C state up
	field_is C weight 3
	net $SYN 1027 && wait_for has c 1
	run -1 ctl dest del B
	[[ $output == *'there is no such destination'* ]]
	run -1 ctl dest add C=null:,weight=x
	[[ $output == *'bad weight=x'* ]]
	check_director
}

@test "a destination whose endpoint cannot be opened is not added" {
	start_director --service "$RR"
	run -1 ctl dest add C=unix-listen:no/such/c.sock,weight=5
	[[ $output == *'no such file'* ]]
	gone() { [ -z "$(field C state)" ]; }
	wait_for gone
	run -1 ctl dest add A=unix-listen:no/such/a.sock,weight=5
	field_is A weight 1
	ctl status | grep PROTECTED
	run ! logged director 'event: drained'
	ctl dest add C=unix-listen:c.sock,weight=5
	field_is C weight 5
	check_director
}

@test "connections outlive kill -9 of the director" {
	mkdir state
	start_director --service "$RR" --state-dir state
	net $SYN 1024 && wait_for has b 1
	guest_b $SYNACK 1024 && wait_for has net 1
	net $ACK 1024 && wait_for has b 2
	crash director
	hang_up
	start_director --service "$RR" --state-dir state
	stat_is director file.loaded 1
	field_is B active 1
	for port in 2000 2001 2002; do net $SYN $port; done
	net $ACK 1024 && wait_for has b 5
	run -0 ctl connections
	[[ ${lines[0]} == *source*virtual*destination* ]]
	grep -qE ' ESTABLISHED  10\.0\.0\.1:1024  10\.0\.0\.2:80  B ' <<<"$output"
	check_director
}

@test "options of a filter cannot be changed: a director has none of it" {
	start_director --service "$RR"
	run -1 ctl set when-down drop
	[ "$output" = 'colo-ctl: d: when-down: it is one of busy-poll, log-level' ]
	ctl set log-level info
	check_director
}

@test "links: all of them, the net first, however many" {
	dests=()
	for i in {1..40}; do dests+=(--dest "D$i=null:"); done
	start director colo-redirector --net unix-listen:n --control d.ctl "${dests[@]}" \
		--service "$RR"
	ctl -j links | jq -re '.result | map(.name) | "\(length) \(.[0]) \(.[40])"' |
		grep -qx '41 net dest-D40'
}

@test "services: one page, what destinations have had, and what they do a second" {
	start_director --service "$RR,persist=60"
	for port in {1..20}; do net $SYN "$port"; done
	wait_for has b 20
	run -0 ctl services
	echo "$output"
	grep -qE '^TCP +10\.0\.0\.2:80 +rr +persistent 60 mask 32$' <<<"$output"
	grep -qE '^B +Verbatim +1 +0 +20 +up$' <<<"$output"
	run -0 ctl services stats
	grep -qE '^B +20 +20 +0 +1080 +0$' <<<"$output"
	has_rate() {
		ctl -j services rate |
			jq -e '.result.destinations[1]["conns/s"] > 0'
	}
	more_has_rate() { net $SYN $((++port)) && has_rate; }
	wait_for more_has_rate
	run -1 ctl services all
	[[ $output == *'stats or rate' ]]
	check_director
}

# The file grows by 8192 connections at a time, 704 KiB.
@test "connections that the file lacks are told of, and when it has them" {
	local frames
	small_disk 1600k
	mkdir "$DISK/state"
	head -c 400000 /dev/zero >"$DISK/other"
	start_director --service "$RR" --state-dir "$DISK/state"
	mapfile -t frames < <(from_ports 8193 "$(segment tx 1 1 $SYN)")
	wire "${frames[@]}" >&5
	wait_for logged director 'event: state-unsaved: .*/connections lacks 1 conn'
	rm "$DISK/other"
	wait_for logged director 'event: state-saved: .*/connections has'
	[ "$(grep -c 'event: state-' director.log)" -eq 2 ]
	crash director
	hang_up
	start_director --service "$RR" --state-dir "$DISK/state"
	stat_is director file.loaded 8193
	check_director
}

@test "a pair lives behind the host that its frames came from last" {
	start director colo-redirector --net unix-listen:net.sock \
		--dest P=unix-listen:a.sock --dest P=unix-listen:b.sock \
		--service "$RR" --control d.ctl
	peer net net.sock
	peer a a.sock
	peer b b.sock
	exec 5>net 6>a 7>b
	wait_for is_protected
	guest_a $SYN 9 && wait_for has net 1
	net $SYN 1024 && wait_for has a 1
	# the announcement after a failover, cut to what counts: who sends it
	guest_b $SYN 10 && wait_for has net 2
	wait_for logged director 'event: moved: P lives behind dest-P-2 now'
	net $ACK 1024 && wait_for has b 1
	# and where the other host is gone, at once
	exec 7>&-
	kill_other peer-b
	a_has_more() { [ "$(stat -c %s to-a)" -gt 58 ]; }
	net_reaches_a() { net $ACK 1024 && a_has_more; }
	wait_for net_reaches_a
	check_director
}

@test "a pair that has not spoken lives behind its first host, also when that comes last" {
	start director colo-redirector --net unix-listen:net.sock \
		--dest P=unix-listen:a.sock --dest P=unix-listen:b.sock \
		--service "$RR" --control d.ctl
	peer net net.sock
	peer b b.sock
	exec 5>net 7>b
	wait_for is_protected
	net $SYN 1024 && wait_for has b 1
	peer a a.sock
	exec 6>a
	reaches_a() { net $ACK 1024 && [ -s to-a ]; }
	wait_for reaches_a
	# after a failover it is the other one, and stays so when that was away
	guest_b $SYNACK 1024 && wait_for has net 1
	exec 7>&-
	kill_other peer-b
	size=$(stat -c %s to-a)
	reaches_a_again() { net $ACK 1024 && [ "$(stat -c %s to-a)" -gt "$size" ]; }
	wait_for reaches_a_again
	peer b b.sock
	exec 7>b
	size=$(stat -c %s to-b)
	reaches_b() { net $ACK 1024 && [ "$(stat -c %s to-b)" -gt "$size" ]; }
	wait_for reaches_b
	check_director
}

@test "with mac= frames are addressed to the guest, and ARP is answered for it" {
	start director colo-redirector --net unix-listen:net.sock \
		--dest A=unix-listen:a.sock,mac=52:54:00:aa:aa:aa \
		--service "$RR,vmac=52:54:00:99:99:99" --control d.ctl
	peer net net.sock
	peer a a.sock
	exec 5>net 6>a
	wait_for is_protected
	net $SYN && wait_for has a 1
	[ "$(od -An -tx1 -j4 -N6 to-a | tr -d ' \n')" = 525400aaaaaa ]
	arp=ffffffffffff52540000000108060001080006040001
	wire "${arp}5254000000010a0000010000000000000a000002" >&5
	wait_for size_is to-net 64
	[ "$(od -An -tx1 -j26 -N10 to-net | tr -d ' \n')" = 5254009999990a000002 ]
	size_is to-a 58
	check_director
}

@test "no destination, no service, too many: dropped with a reason, or as told" {
	start_director --service "$RR" --unscheduled drop --unknown drop
	ctl dest weight A 0
	ctl dest weight B 0
	net $SYN
	wait_for stat_is director dropped.no-dest 1
	net $ACK
	wait_for stat_is director dropped.unknown 1
	wire "$(udp 1 hello)" >&5
	wait_for stat_is director dropped.unscheduled 1
	check_director
}

@test "the kernel's IPVS sends every connection to the same destination" {
	COLO_BUILD=$BUILD run "$TOP/tests/ipvs/run" 150
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(grep -c ': 150 connections, 0 different$' <<<"$output")" -eq 24 ]
	[ "$(grep -c ', max-conn and min-conn: .* 0 different$' <<<"$output")" -eq 6 ]
	[ "$(grep -c '^on purpose' <<<"$output")" -eq 4 ]
}

@test "bad options are refused on one line" {
	net=--net=unix:n.sock
	refused 2 'needs --net' colo-redirector --dest A=null:
	refused 2 'is not NAME=ENDPOINT' colo-redirector $net --dest null:
	refused 2 'bad weight=65536: it takes 0 to 65535' colo-redirector $net --dest A=null:,weight=65536
	refused 2 'min-conn is more' colo-redirector $net --dest A=null:,min-conn=3
	refused 2 'PROTO:ADDR:PORT' colo-redirector $net --dest A=null: --service tcp:1
	refused 2 '"scheduler=xx" is none of scheduler=rr, wrr' colo-redirector $net \
		--dest A=null: --service tcp:192.0.2.1:80,scheduler=xx
	refused 2 '"persist=1500ms" is none of' colo-redirector $net --dest A=null: \
		--service tcp:192.0.2.1:80,persist=1500ms
	colo-redirector $net --dest A=null: --timeout ESTABLISHED=15min \
		--service tcp:192.0.2.1:80,persist=6min -n
	refused 2 'STATE=SECONDS' colo-redirector $net --dest A=null: --timeout idle=1
	refused 2 'goes without' colo-redirector $net --dest A=null: --outdev null:
	refused 2 'service needs --dest' colo-redirector $net --service "$RR"
	refused 1 'there is one for this' colo-redirector $net --dest A=null: \
		--service "$RR" --service "$RR"
}
