#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What each option of a director does to its frames: director.bash has its clients,
# destinations and service.
# shellcheck disable=SC2030,SC2031,SC2034,SC2086

load helpers
load packets
load director

# --- too many connections ---

@test "max-conn and min-conn: full at the one, open again below the other" {
	A_HAS=,max-conn=2,min-conn=1 B_HAS=,weight=0
	start_director --service "$RR" --timeout close=1
	net $SYN 1
	wait_for field_is A state up
	net $SYN 2
	wait_for field_is A state overloaded
	net $SYN 3
	wait_for stat_is director dropped.overload 1
	guest_a $RST 1
	wait_for field_is A inactive 1
	field_is A state overloaded
	guest_a $RST 2
	wait_for field_is A state up
	net $SYN 3
	wait_for field_is A conns 3
	field_is B conns 0
	check_director
}

@test "--on-overload drop: a new connection is dropped, the old ones go on" {
	A_HAS=,max-conn=1 B_HAS=,max-conn=1
	start_director --service "$RR" --on-overload drop
	net $SYN 1 && wait_for has b 1
	net $SYN 2 && wait_for has a 1
	net $SYN 3
	wait_for stat_is director dropped.overload 1
	net $ACK 1 && wait_for has b 2
	has a 1
	check_director
}

@test "--on-overload pass: it goes where unscheduled frames go, and is no connection" {
	A_HAS=,max-conn=1 B_HAS=,max-conn=1
	start_director --service "$RR" --on-overload pass
	net $SYN 1 && wait_for has b 1
	net $SYN 2 && wait_for has a 1
	net $SYN 3 && wait_for has a 2
	net $SYN 4 && wait_for has a 3
	stat_is director schedule.overload-passed 2
	field_is A conns 1
	check_director
}

@test "--on-overload least: it goes to the destination with the least connections" {
	A_HAS=,max-conn=1 B_HAS=,max-conn=1
	start_director --service "$RR" --on-overload least
	net $SYN 1 && wait_for has b 1
	net $SYN 2 && wait_for has a 1
	net $SYN 3 && wait_for has b 2
	net $SYN 4 && wait_for has a 2
	net $SYN 5 && wait_for has b 3
	field_is B conns 3
	field_is A conns 2
	stat_is director dropped 0
	check_director
}

@test "--max-flows: half-open connections give way, established ones do not" {
	start_director --service "$RR" --max-flows 2
	for port in 1 2 3; do net $SYN $port; done
	wait_for stat_is director schedule.evicted 1
	net $SYN 4
	wait_for stat_is director schedule.evicted 2
	wait_for has a 2
	guest_b $SYNACK 3 && wait_for has net 1
	guest_a $SYNACK 4 && wait_for has net 2
	net $ACK 3 && wait_for has b 3
	net $ACK 4 && wait_for has a 3
	net $SYN 5
	wait_for stat_is director dropped.table-full 1
	stat_is director schedule.evicted 2
	check_director
}

# --- destinations that go ---

@test "--linger: a removed destination keeps its connections" {
	start_director --service "$RR"
	net $SYN 1 && wait_for has b 1
	ctl dest del B
	field_is B state removed
	net $SYN 2 && wait_for has a 1
	net $SYN 3 && wait_for has a 2
	net $ACK 1 && wait_for has b 2
	guest_b $SYNACK 1 && wait_for has net 1
	# and has them again when it comes back
	ctl dest add B=null:
	field_is B state up
	net $ACK 1 && wait_for has b 3
	check_director
}

@test "--linger: one that cannot be added again stays removed; one that is, is like new" {
	start_director --service "$RR"
	net $SYN 1 && wait_for has b 1
	ctl dest weight B 0
	ctl dest del B
	run -1 ctl dest add B=unix-listen:no/such/b.sock
	field_is B state removed
	ctl dest add B=null:
	field_is B state up
	field_is B weight 1
	ctl dest del B
	run -1 ctl dest add B=null:
	[[ $output == *'"B" has 2 sockets'* ]]
	field_is B state removed
	ctl status | grep PROTECTED
	net $ACK 1 && wait_for has b 2
	check_director
}

@test "--linger: and loses them when that is over, whatever its guest does" {
	start_director --service "$RR,persist" --linger 1
	net $SYN 1 && wait_for has b 1
	field_is B templates 1
	ctl dest del B
	b_is_gone() { guest_b $SYN $((++port)); [ -z "$(field B state)" ]; }
	port=100
	wait_for b_is_gone
	logged director 'event: drained: B$'
	wait_for is_gone "${PIDS[peer-b]}"	# its socket was closed
	net $SYN 1 && wait_for has a 1
	wait_for stat_is director schedule.connections 2
	check_director
}

@test "--linger: connections of an unreachable destination wait for it" {
	start_director --service "$RR"
	net $SYN 1 && wait_for has b 1
	exec 7>&-
	kill_other peer-b
	wait_for field_is B state down
	net $ACK 1
	wait_for stat_is director dropped.dest-down 1
	net $SYN 2 && wait_for has a 1
	peer b b.sock
	exec 7>b
	wait_for field_is B state up
	net $ACK 1 && wait_for has b 2
	check_director
}

@test "--linger: and go when it does not come back in time" {
	start_director --service "$RR" --linger 1
	net $SYN 1 && wait_for has b 1
	net $SYN 2 && wait_for has a 1
	exec 7>&-
	kill_other peer-b
	wait_for field_is B inactive 0
	field_is B state down
	field_is A inactive 1
	net $ACK 1 && wait_for has a 2		# of no connection
	stat_is director schedule.unknown 1
	peer b b.sock
	exec 7>b
	wait_for field_is B state up
	net $SYN 3 && wait_for has b 2
	check_director
}

@test "--expire-quiescent: connections of weight 0 or removed end at their next frame" {
	start_director --service "$RR" --service udp:10.0.0.2:1000,scheduler=fo \
		--expire-quiescent --timeout close=1
	ctl dest weight B 2
	datagram && wait_for has b 1
	net $SYN 1 && wait_for has b 2
	net $SYN 2 && wait_for has a 1
	net $SYN 3 && wait_for has b 3
	ctl dest weight B 0
	net $ACK 1
	wait_for stat_is director dropped.quiescent 1
	net $SYN 3 && wait_for has a 2
	datagram && wait_for has a 3
	stat_is director schedule.rescheduled 2
	wait_for logged director 'event: drained: B$'
	ctl dest weight B 1
	ctl dest del A
	net $ACK 2
	wait_for stat_is director dropped.quiescent 2
	datagram && wait_for has b 4
	check_director
}

@test "without it they go on, and a client with persistence stays at weight 0" {
	start_director --service "$RR,persist"
	net $SYN 1 && wait_for has b 1
	ctl dest weight B 0
	net $ACK 1 && wait_for has b 2
	net $SYN 2 && wait_for has b 3
	field_is B templates 1
	check_director
}

@test "--expire-quiescent-template: a client with persistence leaves, its connections stay" {
	start_director --service "$RR,persist" --expire-quiescent-template
	net $SYN 1 && wait_for has b 1
	ctl dest weight B 0
	net $SYN 2 && wait_for has a 1
	net $SYN 3 && wait_for has a 2
	net $ACK 1 && wait_for has b 2
	field_is A templates 1
	field_is B templates 0
	check_director
}

# --- time ---

@test "--timeout: a state ends in its own time, the others go on" {
	start_director --service "$RR" --timeout syn_recv=1
	net $SYN 1 && wait_for has b 1
	net $SYN 2 && wait_for has a 1
	guest_a $SYNACK 2 && wait_for has net 1
	net $ACK 2 && wait_for has a 2
	wait_for field_is B inactive 0
	field_is A active 1
	check_director
}

@test "timeout= of a service: its established connections and its datagrams" {
	start_director --service "$RR,timeout=1" \
		--service udp:10.0.0.2:1000,scheduler=fo,timeout=1 \
		--service udp:10.0.0.2:1001,scheduler=fo
	datagram 1000 && wait_for field_is B inactive 1
	datagram 1001 && wait_for field_is B inactive 2
	net $SYN 1 && wait_for has b 3
	guest_b $SYNACK 1 && wait_for has net 1
	net $ACK 1 && wait_for has b 4
	wait_for field_is B active 0
	wait_for field_is B inactive 1
	check_director
}

# new_conns NAME: to it went so many of 200 that are new
new_conns() {
	local before frames network
	n=$((n + 1)) before=$(field "$1" conns)
	printf -v network %02x "$n"
	mapfile -t frames < <(from_ports 200 "$(segment tx 1 1 $SYN)")
	wire "${frames[@]/0a0000010a000002/0a0000${network}0a000002}" >&5
	conns_are() { [ $(($(field A conns) + $(field B conns))) -eq "$1" ]; }
	wait_for conns_are $((n * 200)) || return
	echo $(($(field "$1" conns) - before))
}

# Each time B comes it has less than its half, for a minute: so one look at least is
# in time.
@test "slow-start=: a destination that has come gets less than its share" {
	n=0
	start_director --service "$RR,slow-start=60"
	new_conns A >half		# all have come: nobody waits for nobody
	[ "$(cat half)" -eq 100 ]
	slow_again() {
		exec 7>&-
		kill_other peer-b
		wait_for field_is B state down || return
		peer b b.sock
		exec 7>b
		wait_for field_is B state up || return
		new_conns B >less
		[ "$(cat less)" -lt 90 ]
	}
	wait_for slow_again
	check_director
}

# --- services ---

@test "UDP, ICMP, IPv6, and all ports of an address" {
	local syn6
	start_director --service udp:10.0.0.2:0,scheduler=rr \
		--service icmp:10.0.0.2,scheduler=rr \
		--service 'tcp:[fd00::2]:80,scheduler=rr'
	datagram 53 && wait_for has b 1
	datagram 54 && wait_for has a 1
	datagram 53 && wait_for has b 2
	echo_request 7 && wait_for has b 3
	echo_request 8 && wait_for has a 2
	echo_request 7 && wait_for has b 4
	syn6=52540000000152540000000286dd600000000014064
	syn6+="0fd$(printf %030d 1)fd$(printf %030d 2)04000050"
	syn6+='00000001000000005002000000000000'
	wire "$syn6" >&5
	wait_for size_is to-b $((4 * 58 + 78))
	wire "${syn6/04000050/04010050}" >&5
	wait_for size_is to-a $((2 * 58 + 78))
	ctl connections >list
	grep -qE '\[fd00::1\]:1024 +\[fd00::2\]:80 +B ' list
	grep -qE ' ICMP +[0-9]+ +ICMP +10\.0\.0\.1:7 +10\.0\.0\.2:2048 +B ' list
	check_director
}

@test "one-packet: each datagram is scheduled alone, and no connection is left" {
	start_director --service udp:10.0.0.2:1000,scheduler=rr,one-packet
	datagram && wait_for has b 1
	datagram && wait_for has a 1
	datagram && wait_for has b 2
	stat_is director schedule.connections 0
	check_director
}

@test "mask=: the clients of a network stay together" {
	start_director --service "$RR,persist,mask=24"
	syn_from() {
		local frame
		frame=$(segment tx 1 1 $SYN)
		wire "${frame/0a0000010a000002/$1"0a000002"}" >&5
	}
	syn_from 0a000001 && wait_for has b 1
	syn_from 0a000063 && wait_for has b 2
	syn_from 0a000101 && wait_for has a 1
	syn_from 0a0001ff && wait_for has a 2
	field_is A templates 1
	check_director
}

@test "strict: a hash drops the clients of a destination that takes nothing" {
	start_director --service tcp:10.0.0.2:80,scheduler=sh,strict
	net $SYN 1
	wait_for stat_is director schedule.connections 1
	owner=B other=A
	field_is B conns 1 || { owner=A other=B; }
	ctl dest weight $owner 0
	net $SYN 2
	wait_for stat_is director dropped.no-dest 1
	field_is $other conns 0
	stop director
	hang_up
	start_director --service tcp:10.0.0.2:80,scheduler=sh
	ctl dest weight $owner 0
	net $SYN 2
	wait_for field_is $other conns 1
	check_director
}

@test "hash-port: the connections of a client spread" {
	local frames
	mapfile -t frames < <(from_ports 64 "$(segment tx 1 1 $SYN)")
	all_there() { stat_is director schedule.connections 64; }
	start_director --service tcp:10.0.0.2:80,scheduler=mh
	wire "${frames[@]}" >&5
	wait_for all_there
	[ $(($(field A conns) * $(field B conns))) -eq 0 ]
	stop director
	hang_up
	start_director --service tcp:10.0.0.2:80,scheduler=mh,hash-port
	wire "${frames[@]}" >&5
	wait_for all_there
	[ "$(field A conns)" -gt 16 ]
	[ "$(field B conns)" -gt 16 ]
	check_director
}

# --- frames that are of no connection ---

@test "--unscheduled first, the default, flood, and who claims an address" {
	start_director --service "$RR"
	datagram && wait_for has a 1
	# that address is A's alone: it goes there also when A is not the first
	claim=$(segment rx 1 1 $ACK)
	wire "${claim/525400000002/525400000001}" >&7
	wait_for has net 1
	datagram && wait_for has b 1
	has a 1
	stop director
	hang_up
	start_director --service "$RR" --unscheduled flood
	datagram && wait_for has a 2
	wait_for has b 2
	check_director
}

@test "--unknown pass, the default: what is of no connection is unscheduled" {
	start_director --service "$RR"
	net $ACK 9 && wait_for has a 1
	guest_b $ACK 9 && wait_for has net 1
	stat_is director schedule.unknown 2
	stat_is director schedule.connections 0
	check_director
}

@test "an ICMP error follows its connection, unless its checksum is wrong" {
	local icmp
	start_director --service "$RR"
	net $SYN 1024 && wait_for has b 1
	# from a router, 10.0.0.9: the client's port is not there
	icmp=52540000000152540000000208004500003800000000400100000a0000090a000002
	icmp+=0303SUM0000000045000028000000004006
	icmp+=00000a0000020a0000010050040000000001
	wire "${icmp/SUM/0000}" >&5
	wait_for stat_is director dropped.icmp-checksum 1
	wire "${icmp/SUM/5f7a}" >&5
	wait_for size_is to-b $((58 + 74))
	stat_is director schedule.icmp-related 1
	check_director
}

# --- endpoints and addresses ---

@test "mac=learn: frames to a guest get the address that it sends from" {
	local frame
	B_HAS=,mac=learn
	start_director --service "$RR"
	net $SYN 1 && wait_for has b 1
	[ "$(od -An -tx1 -j4 -N6 to-b | tr -d ' \n')" = 525400000001 ]
	frame=$(segment rx 1 1 $SYNACK 1)
	wire "${frame/525400000002/52540000bbbb}" >&7
	wait_for has net 1
	net $ACK 1 && wait_for has b 2
	[ "$(od -An -tx1 -j62 -N6 to-b | tr -d ' \n')" = 52540000bbbb ]
	check_director
}

@test "vmac=: neighbour solicitations are answered" {
	local ask
	start_director --service 'tcp:[fd00::2]:80,vmac=52:54:00:99:99:99'
	ask=3333ff00000252540000000286dd6000000000183aff
	ask+="fd$(printf %030d 1)ff0200000000000000000001ff000002"
	ask+="8700000000000000fd$(printf %030d 2)"
	wire "$ask" >&5
	wait_for size_is to-net $((4 + 86))
	[ "$(od -An -tx1 -j58 -N1 to-net | tr -d ' \n')" = 88 ]
	[ "$(od -An -tx1 -j84 -N6 to-net | tr -d ' \n')" = 525400999999 ]
	stat_is director dropped.answered 1
	size_is to-a 0
	check_director
}

@test "--net-in and --net-out: the net side as two endpoints" {
	start director colo-redirector --net-in unix-listen:in.sock \
		--net-out unix-listen:net.sock --dest A=unix-listen:a.sock \
		--service "$RR" --control d.ctl
	peer in in.sock
	peer net net.sock
	peer a a.sock
	exec 5>in 6>a 7>net
	wait_for is_protected
	net $SYN 1 && wait_for has a 1
	guest_a $SYNACK 1 && wait_for has net 1
	has in 0
	check_director
}

# The first 12 bytes say that nothing is offloaded.
@test "--vnet-hdr-support: frames are scheduled behind their virtio-net header" {
	start_director --service "$RR" --vnet-hdr-support
	vnet() { printf '00000042%08x%024x%s' 12 0 "$1" | xxd -r -p; }
	vnet "$(segment tx 1 1 $SYN 1)" >&5
	wait_for size_is to-b $((8 + 12 + 54))
	vnet "$(segment rx 1 1 $SYNACK 1)" >&7
	wait_for size_is to-net $((8 + 12 + 54))
	vnet "$(segment tx 1 1 $SYN 2)" >&5
	cmp <(vnet "$(segment tx 1 1 $SYN 1)") to-b
	check_director
}
