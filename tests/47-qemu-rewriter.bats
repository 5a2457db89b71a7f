#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The same segments go through QEMU's filter-rewriter and through ours. For
# connections that clients open the same bytes come out, as long as only sequence
# and acknowledgement numbers change. Tests called `more than QEMU` show what else
# ours does.
#
#	net.sock > netdev n0 + filter-rewriter > hub > netdev n1 > guest.sock
#
# The initial sequence number of the primary is 5000, of the secondary 9000.
# shellcheck disable=SC2030,SC2031

load helpers

FIN=1 SYN=2 RST=4 SYNACK=18 ACK=16 PSHACK=24 FINACK=17

# sum HEX: the Internet checksum of 16-bit words
sum() {
	untraced
	local i s=0
	for ((i = 0; i < ${#1}; i += 4)); do
		s=$((s + 16#${1:i:4}))
	done
	s=$(((s >> 16) + (s & 0xffff)))
	printf '%04x' $((~((s >> 16) + s) & 0xffff))
}

# segment tx|rx SEQ ACK FLAGS PORT [OPTIONS [PAYLOAD]]: a frame in hex, with correct
# checksums
segment() {
	untraced
	local options=${6-} payload=${7-} ports tcp len ends ip
	ends=0a0000010a000002
	printf -v ports '%04x0050' "$5"
	if [ "$1" = rx ]; then
		ends=0a0000020a000001
		printf -v ports '0050%04x' "$5"
	fi
	printf -v tcp '%s%08x%08x%01x0%02x0100' "$ports" "$2" "$3" \
		$((5 + ${#options} / 8)) "$4"
	len=$((20 + (${#options} + ${#payload}) / 2))
	tcp+=$(sum "${ends}0006$(printf %04x $len)${tcp}00000000$options$payload")
	printf -v ip '4500%04x000040004006' $((20 + len))
	ip+=$(sum "${ip}0000$ends")$ends
	printf '5254000000015254000000020800%s%s0000%s%s' \
		"$ip" "$tcp" "$options" "$payload"
}

is_joined() {
	[ "$(qmp '{"execute":"human-monitor-command","arguments":{"command-line":"info network"}}' |
		grep -o 'type=stream,unix:' | wc -l)" -eq 2 ]
}

# join DIR: connects to net.sock and guest.sock there. They get what is written to
# *.fifo; what they send goes to *.out.
join() {
	local side
	for side in net guest; do
		mkfifo "$1/$side.fifo"
		spawn "$1-$side" socat "UNIX-CONNECT:$1/$side.sock" \
			"OPEN:$1/$side.fifo,rdonly!!CREATE:$1/$side.out"
	done
}

setup() {
	local n nets=()
	colo_setup
	mkdir qemu ours
	for n in 'n0 net' 'n1 guest'; do
		# shellcheck disable=SC2086
		set -- $n
		nets+=(-netdev "stream,id=$1,server=on,addr.type=unix,addr.path=qemu/$2.sock"
			-netdev "hubport,id=h$1,hubid=0,netdev=$1")
	done
	spawn qemu qemu-system-x86_64 -machine none -nodefaults -display none \
		-qmp unix:qmp.sock,server=on,wait=off "${nets[@]}" \
		-object filter-rewriter,id=f0,netdev=n0,queue=all
	wait_for qmp_answers
	join qemu
	exec 5>qemu/net.fifo 6>qemu/guest.fifo
	wait_for is_joined
	start rewriter colo-rewriter --net unix-listen:ours/net.sock \
		--guest unix-listen:ours/guest.sock
	join ours
	exec 7>ours/net.fifo 8>ours/guest.fifo
	want=([1]=0 [2]=0)
}

teardown() {
	local name
	for name in {qemu,ours}-{net,guest}; do
		stop "$name" 143
	done
	colo_teardown
}

has_bytes() { [ "$(stat -c %s "$1")" -ge "$2" ]; }

# feed tx|rx HEX...: sends frames through both; returns when all have come out
feed() {
	local side=1 out=guest dir=$1
	shift
	wire "$@" >frames
	[ "$dir" = tx ] || { side=2 out=net; }
	want[side]=$((want[side] + $(stat -c %s frames)))
	cat frames >&$((side + 4))
	cat frames >&$((side + 6))
	wait_for has_bytes qemu/$out.out "${want[side]}"
	wait_for has_bytes ours/$out.out "${want[side]}"
}

# last WHO net|guest OFFSET LEN: bytes of the last frame fed, in hex
last() {
	local len
	len=$(($(stat -c %s frames) - 4))
	tail -c $len "$1/$2.out" | tail -c +$(($3 + 1)) | head -c "$4" |
		od -An -tx1 | tr -d ' \n'
}
number() { echo $((16#$(last "$1" "$2" "$3" 4))); }

same_so_far() {
	cmp qemu/guest.out ours/guest.out && cmp qemu/net.out ours/net.out
}

# open_passive PORT...: clients open connections from these ports
open_passive() {
	local port syn=() synack=() ack=()
	for port; do
		syn+=("$(segment tx $((port + 1000)) 0 $SYN "$port")")
		synack+=("$(segment rx 9000 $((port + 1001)) $SYNACK "$port")")
		ack+=("$(segment tx $((port + 1001)) 5001 $ACK "$port")")
	done
	feed tx "${syn[@]}"
	feed rx "${synack[@]}"
	feed tx "${ack[@]}"
}

@test "connections that clients open leave with the same bytes as from QEMU" {
	local i port data answer
	open_passive {2000..2019}
	for i in 0 1 2; do
		data=() answer=()
		for port in {2000..2019}; do
			data+=("$(segment tx $((port + 1001 + 4 * i)) \
				$((5001 + 2 * i)) $PSHACK "$port" '' 61626364)")
			answer+=("$(segment rx $((9001 + 2 * i)) \
				$((port + 1005 + 4 * i)) $PSHACK "$port" '' 7879)")
		done
		feed tx "${data[@]}"
		feed rx "${answer[@]}"
	done
	feed rx "$(segment rx 9007 3013 $FINACK 2000)"
	feed tx "$(segment tx 3013 5008 $ACK 2000)"
	same_so_far
	[ "$(number ours guest 42)" -eq 9008 ]
}

# QEMU fault 15: it translates nothing of what the next three tests send.
@test "more than QEMU: resets without an ack" {
	open_passive 2000
	same_so_far
	feed rx "$(segment rx 9001 0 $RST 2000)"
	[ "$(number qemu net 38)" -eq 9001 ]
	[ "$(number ours net 38)" -eq 5001 ]
}

@test "more than QEMU: SACK edges and echoed timestamps" {
	local ts sack
	ts=0101080a$(printf %08x%08x 7 0)
	feed tx "$(segment tx 3000 0 $SYN 2000 "$ts")"
	ts=0101080a$(printf %08x%08x 600 7)
	feed rx "$(segment rx 9000 3001 $SYNACK 2000 "$ts")"
	ts=0101080a$(printf %08x%08x 8 100)
	feed tx "$(segment tx 3001 5001 $ACK 2000 "$ts")"
	feed rx "$(segment rx 9001 3001 $ACK 2000 '' "$(printf %0400d 0)")"
	sack=0101050a$(printf %08x%08x 5101 5201)
	feed tx "$(segment tx 3001 5001 $ACK 2000 "$ts$sack")"
	[ "$(number qemu guest 42)" -eq "$(number ours guest 42)" ]
	[ "$(number qemu guest 62)" -eq 100 ]
	[ "$(number ours guest 62)" -eq 600 ]
	[ "$(number qemu guest 70)" -eq 5101 ]
	[ "$(number ours guest 70)" -eq 9101 ]
	[ "$(number ours guest 74)" -eq 9201 ]
}

@test "more than QEMU: connections that the guest opens" {
	feed rx "$(segment rx 9000 0 $SYN 2000)"
	feed tx "$(segment tx 3000 5001 $SYNACK 2000)"
	[ "$(number qemu guest 42)" -eq 5001 ]
	[ "$(number ours guest 42)" -eq 9001 ]
	feed rx "$(segment rx 9001 3001 $ACK 2000)"
	[ "$(number ours net 38)" -eq 5001 ]
}

@test "more than QEMU: a FIN without ACK" {
	open_passive 2000
	feed rx "$(segment rx 9001 0 $FIN 2000)"
	[ "$(number qemu net 38)" -eq 9001 ]
	[ "$(number ours net 38)" -eq 5001 ]
}

@test "more than QEMU: a late SYN+ACK" {
	open_passive 2000
	feed rx "$(segment rx 9000 3001 $SYNACK 2000)"
	[ "$(number qemu net 38)" -eq 9000 ]
	[ "$(number ours net 38)" -eq 5000 ]
}

@test "more than QEMU: the guest's timestamps" {
	local ts
	ts=0101080a$(printf %08x%08x 7 0)
	feed tx "$(segment tx 3000 0 $SYN 2000 "$ts")"
	ts=0101080a$(printf %08x%08x 600 7)
	feed rx "$(segment rx 9000 3001 $SYNACK 2000 "$ts")"
	ts=0101080a$(printf %08x%08x 8 100)
	feed tx "$(segment tx 3001 5001 $ACK 2000 "$ts")"
	ts=0101080a$(printf %08x%08x 650 8)
	feed rx "$(segment rx 9001 3001 $ACK 2000 "$ts")"
	[ "$(number qemu net 38)" -eq "$(number ours net 38)" ]
	[ "$(number qemu net 58)" -eq 650 ]
	[ "$(number ours net 58)" -eq 150 ]
}

@test "more than QEMU: an ACK before the guest's SYN+ACK waits for it" {
	local early
	feed tx "$(segment tx 3000 0 $SYN 2000)"
	early=$(segment tx 3001 5001 $ACK 2000)
	wire "$early" >frames
	cat frames >&5
	cat frames >&7
	want[1]=$((want[1] + $(stat -c %s frames)))
	wait_for has_bytes qemu/guest.out "${want[1]}"
	[ "$(number qemu guest 42)" -ne 9001 ]
	wait_for stat_is rewriter held 1
	wire "$(segment rx 9000 3001 $SYNACK 2000)" >&8
	wait_for has_bytes ours/guest.out "${want[1]}"
	[ "$(number ours guest 42)" -eq 9001 ]
}

@test "more than QEMU: a wrong checksum stays wrong" {
	local bad right
	open_passive 2000
	bad=$(segment rx 9001 3001 $ACK 2000)
	feed rx "$bad"
	right=$(last ours net 50 2)
	[ "$(last qemu net 50 2)" = "$right" ]
	feed rx "${bad:0:100}$(printf %04x $(((16#${bad:100:4} + 1) % 65535)))${bad:104}"
	[ "$(last qemu net 50 2)" = "$right" ]
	[ "$(last ours net 50 2)" = "$(printf %04x $(((16#$right + 1) % 65535)))" ]
}

# tagged HEX: the frame with the tag of VLAN 7
tagged() { echo "${1:0:24}81000007${1:24}"; }

@test "more than QEMU: VLAN tags" {
	feed tx "$(tagged "$(segment tx 3000 0 $SYN 2000)")"
	feed rx "$(tagged "$(segment rx 9000 3001 $SYNACK 2000)")"
	feed tx "$(tagged "$(segment tx 3001 5001 $ACK 2000)")"
	[ "$(number qemu guest 46)" -eq 5001 ]
	[ "$(number ours guest 46)" -eq 9001 ]
}

# segment6 tx|rx SEQ ACK FLAGS PORT: as segment, over IPv6
segment6() {
	untraced
	local peer guest ends ports tcp
	peer=fd00$(printf %028x 1) guest=fd00$(printf %028x 2)
	ends=$peer$guest
	printf -v ports '%04x0050' "$5"
	if [ "$1" = rx ]; then
		ends=$guest$peer
		printf -v ports '0050%04x' "$5"
	fi
	printf -v tcp '%s%08x%08x50%02x0100' "$ports" "$2" "$3" "$4"
	tcp+=$(sum "${ends}000000140006${tcp}0000")0000
	printf '52540000000152540000000286dd6000000000140640%s%s' "$ends" "$tcp"
}

@test "more than QEMU: IPv6" {
	feed tx "$(segment6 tx 3000 0 $SYN 2000)"
	feed rx "$(segment6 rx 9000 3001 $SYNACK 2000)"
	feed tx "$(segment6 tx 3001 5001 $ACK 2000)"
	[ "$(number qemu guest 62)" -eq 5001 ]
	[ "$(number ours guest 62)" -eq 9001 ]
}

# too_big TCP: an ICMP error for the guest, which quotes 8 bytes of its TCP header
too_big() {
	untraced
	local ip icmp
	ip=45000030000040004006$(printf %04x 0)0a0000020a000001
	icmp=0304$(sum "0304000000000578$ip$1")00000578$ip$1
	ip=4500$(printf %04x $((20 + ${#icmp} / 2)))000000004001
	ip+=$(sum "${ip}00000a0000fe0a000002")0a0000fe0a000002
	printf '5254000000015254000000020800%s%s' "$ip" "$icmp"
}

@test "more than QEMU: the segment that an ICMP error quotes" {
	open_passive 2000
	feed tx "$(too_big "$(printf 005007d0%08x 5001)")"
	[ "$(number qemu guest 66)" -eq 5001 ]
	[ "$(number ours guest 66)" -eq 9001 ]
	[ "$(sum "$(last ours guest 34 36)")" = 0000 ]
}
