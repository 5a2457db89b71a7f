#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Roles: what failover changes and that a restart keeps it; what happens while the
# outdev is away; how a process starts and stops.

load helpers

failover() {
	kill -USR2 "${PIDS[$1]}"
	wait_for logged "$1" 'event: failover: done: '
}

# captured FILE FILTER N: the capture has N frames that match Wireshark's FILTER
captured() {
	[ "$(tshark -r "$1" -Y "$2" 2>/dev/null | wc -l)" -eq "$3" ]
}

n_captured() { captured "$1" 'frame' "$2"; }

@test "a state directory on a full disk is refused at the start, and by -n" {
	small_disk 16k
	head -c 20k /dev/zero >"$DISK/fill" || true
	refused 2 "--state-dir: $DISK: No space left on device" \
		colo-mirror -n --outdev null: --state-dir "$DISK"
	refused 1 "state-dir: $DISK: no space left on device" \
		colo-mirror --outdev null: --net unix-listen:net \
		--guest null: --state-dir "$DISK"
	[ "$(ls -A "$DISK")" = fill ]
}

# --- the mirror ---

start_mirror() {
	: >m.log
	start m colo-mirror --state-dir state --net unix-listen:net \
		--guest-out null: --outdev unix:copy,reconnect=0.02 \
		--log-level info "$@"
}

# start_copies FILE: a peer for m's outdev, which writes the copies to FILE
start_copies() {
	local n
	n=$(grep -c 'event: connected: outdev: ' m.log || true)
	spawn copies socat -u UNIX-LISTEN:copy,unlink-early "CREATE:$1"
	wait_for logged_n $((n + 1)) m 'event: connected: outdev: '
}

@test "a mirror that is killed comes back in its role" {
	mkdir state
	start_mirror
	start_copies one
	frames gen | send net
	wait_for stat_is m outdev.out 1000

	crash m
	ends copies
	frames check <one
	start_mirror
	start_copies two
	frames gen --seed 2 | send net
	wait_for stat_is m outdev.out 1000

	failover m
	[ "$(cat state/ROLE)" = failover ]
	ends copies
	frames check --seed 2 <two
	frames gen | send net
	wait_for stat_is m guest-out.out 2000
	stat_is m copied 1000
	check_account "$(stats m)"

	crash m
	start_mirror
	logged m 'event: role: failover, as state says'
	frames gen | send net
	wait_for stat_is m guest-out.out 1000
	stat_is m copied 0
	logged_n 0 m outdev
}

# --- the primary's chain ---

# What compares nothing leaves at once: it is a matter of the way only.
start_compare() {
	start c colo-compare --primary-in unix-listen:primary-in \
		--secondary-in unix-listen:secondary-in \
		--outdev unix-listen:released
}

start_redirector() {
	start r colo-redirector --queue rx --when-down pass \
		--net unix-listen:wire --guest-in unix-listen:guest \
		--guest-out null: --outdev unix:primary-in,reconnect=0.02
}

start_primary_mirror() {
	start m colo-mirror --queue tx --net-in null: --net-out fd:5 \
		--guest unix:wire,reconnect=0.02 --outdev null: \
		--indev unix:released,reconnect=0.02 --control m.ctl \
		--log-level info 5>>net
	wait_for logged m 'event: connected: indev: '
	wait_for logged m 'event: connected: guest: '
}

start_primary() {
	: >net
	: >m.log
	n_sent=0
	start_compare
	start_redirector
	start_primary_mirror
}

# says [N]: the guest sends frame N, counted from 1
says() {
	n_sent=$((n_sent + 1))
	wire "$GUEST $(printf %02x $n_sent)" | send guest
}

# each frame so far has reached the net, once and in order
is_heard() {
	local i
	wait_for size_is net $((n_sent * 20))
	for ((i = 1; i <= n_sent; i++)); do
		wire "$GUEST $(printf %02x $i)"
	done | cmp - net
}

@test "the guest reaches the net whichever process a failover comes to first" {
	local order name
	for order in 'm c r' 'r m c'; do
		start_primary
		says && is_heard
		for name in $order; do
			failover "$name"
			says && is_heard
		done
		stat_is m copied 0
		check_account "$(stats m)"
		for name in m r c; do
			stop "$name"
		done
		rm -f ./*.log
	done
}

@test "a primary's processes are killed, and the guest reaches the net again" {
	start_primary
	says && is_heard
	crash c
	wait_for stat_is r outdev.queued 0
	wait_for logged r 'event: uncompared'
	says && is_heard
	start_compare
	wait_for logged r 'event: outdev-back'
	says && is_heard
	stat_is c primary-in.in 1

	crash m
	says
	wait_for stat_is c primary-in.in 2
	: >m.log
	start_primary_mirror
	is_heard

	crash r
	start_redirector
	wait_for logged_n 2 m 'event: connected: guest: '
	wait_for stat_is c primary-in.in 2
	says && is_heard
	stat_is c primary-in.in 3
}

@test "a mirror whose indev is gone does not call the service protected" {
	start_primary
	crash c
	wait_for logged m 'indev: .*closed'
	run colo-ctl -s m.ctl status
	[[ $output = UNPROTECTED*'indev is gone'* ]]
}

# --- the secondary's redirector ---

MAC='02 00 00 00 00 05'
ALL='ff ff ff ff ff ff'
ARP="$ALL $MAC 0806 0001 0800 06 04 0002 $MAC 0a000005 $ALL 0a000001"
VLAN_ARP="$ALL $MAC 8100 0007 0806 0001 0800 06 04 0001 $MAC 0a070005 000000000000 0a070001"
NA="333300000001 $MAC 86dd 60000000 0018 3a ff \
fe800000000000000000000000000005 ff020000000000000000000000000001 \
88 00 0000 20000000 fe800000000000000000000000000005"
GUEST="020000000001 $MAC 88b5 01"
NET='02 00 00 00 00 05 02 00 00 00 00 01 88b5 01 02'

start_secondary() {
	start m colo-redirector --exclusive --state-dir state \
		--net-in unix-listen:net --net-out pcap:net.pcap \
		--guest-in unix-listen:guest --guest-out pcap:guest.pcap \
		--indev unix-listen:indev,queue=tx \
		--outdev unix-listen:outdev,queue=rx "$@"
}

is_isolated() {
	local before
	before=$(value "$(stats m)" dropped.isolated)
	wire "$NET" "$NET" | send net
	wait_for stat_is m dropped.isolated $((before + 2))
	n_captured guest.pcap 0
}

is_joined() {
	wire "$NET" "$NET" | send net
	wait_for n_captured guest.pcap "$1"
	wire "$GUEST" | send guest
	wait_for captured net.pcap 'eth.type == 0x88b5' "$2"
}

@test "a secondary redirector that is killed comes back in its role" {
	mkdir state
	start_secondary
	is_isolated
	crash m
	start_secondary
	is_isolated
	failover m
	[ "$(cat state/ROLE)" = failover ]
	is_joined 2 1
	crash m
	: >m.log
	rm -f indev outdev
	start_secondary
	logged m 'event: role: failover, as state says'
	is_joined 2 1
	[ ! -e indev ]
	[ ! -e outdev ]
	check_account "$(stats m)"
}

@test "without --state-dir a restart forgets the role" {
	start m colo-redirector --exclusive --net-in unix-listen:net \
		--net-out null: --guest-in null: --guest-out pcap:guest.pcap \
		--indev unix-listen:indev
	failover m
	crash m
	start m colo-redirector --exclusive --net-in unix-listen:net \
		--net-out null: --guest-in null: --guest-out pcap:guest.pcap \
		--indev unix-listen:indev
	is_isolated
}

@test "--exclusive: no frame passes uncompared while the outdev is away, and none is said to" {
	start m colo-redirector --exclusive --net unix-listen:net \
		--guest unix-listen:guest --indev unix-listen:indev,queue=tx \
		--outdev unix:outdev,queue=rx,reconnect=0.02 \
		--when-down pass --control m.ctl
	wait_for logged m 'event: uncompared: outdev is down: frames are dropped, for'
	spawn net socat -u UNIX:net CREATE:passed
	frames gen --count 20 | send guest
	wait_for stat_is m dropped.isolated 20
	spawn guest socat -u UNIX:guest -
	spawn_other copies socat -u FILE:/dev/null,ignoreeof UNIX:indev
	says_gone() {
		local said
		said=$(colo-ctl -s m.ctl status) || true
		[[ $said == *' s: outdev is gone' ]]
	}
	wait_for says_gone
	spawn peer socat -u UNIX-LISTEN:outdev CREATE:diverted
	wait_for logged m 'event: outdev-back: no frame has passed uncompared'
	stop m
	ends net
	ends guest
	ends peer
	[ ! -s passed ]
}

@test "--exclusive: the guest sees only the primary's net until failover" {
	mkdir state
	start_secondary --announce 5
	spawn diverted socat -u UNIX:outdev CREATE:diverted
	is_isolated
	wire "$NET" | send indev
	wait_for n_captured guest.pcap 1
	wire "$ARP" "$VLAN_ARP" "$NA" "$ARP" | send guest
	wait_for stat_is m outdev.out 4
	n_captured net.pcap 0
	wire "$ARP" "$VLAN_ARP" "$NA" "$ARP" | cmp - diverted

	local started=$EPOCHREALTIME
	failover m
	ends diverted
	[ ! -e indev ]
	[ ! -e outdev ]
	is_joined 3 1
	# five rounds announce the MAC, and an address for each VLAN and for IPv6
	wait_for captured net.pcap 'eth.type != 0x88b5' 25
	captured net.pcap 'arp.opcode == 3 && arp.src.hw_mac == 02:00:00:00:00:05 && !vlan' 5
	captured net.pcap 'arp.opcode == 3 && vlan.id == 7' 5
	captured net.pcap 'arp.isgratuitous && arp.src.proto_ipv4 == 10.0.0.5 && !vlan' 5
	captured net.pcap 'arp.isgratuitous && arp.src.proto_ipv4 == 10.7.0.5 && vlan.id == 7' 5
	captured net.pcap 'icmpv6.type == 136 && icmpv6.checksum.status == "Good" &&
		icmpv6.nd.na.flag.s == 0 && icmpv6.nd.na.flag.o == 1 &&
		icmpv6.nd.na.target_address == fe80::5 && ipv6.dst == ff02::1 &&
		icmpv6.opt.linkaddr == 02:00:00:00:00:05' 5
	captured net.pcap '_ws.malformed' 0
	stats=$(stats m)
	[ "$(value "$stats" originated)" -eq 25 ]
	check_account "$stats"
	# the rounds are 50, 150, 250 and 350 ms apart; rounding takes up to 1 ms
	# from each, and a slow machine makes them later, never earlier
	tshark -r net.pcap -Y 'arp.opcode == 3 && vlan' -T fields \
		-e frame.time_epoch 2>/dev/null |
		awk -v t="$started" '
			BEGIN { split("0 0.049 0.198 0.447 0.796", after) }
			$1 < t + after[NR] { exit 1 }'
	# a second SIGUSR2 changes nothing
	kill -USR2 "${PIDS[m]}"
	stat_is m originated 25
	logged_n 1 m 'event: failover'
}

@test "frames that arrived from the primary before its death still reach the guest" {
	local before after
	mkfifo out go
	spawn guest sh -c 'exec <out; : <go; cat >got'
	start m colo-redirector --exclusive --announce 0 --net null: \
		--guest-in null: --guest-out -,send-buffer=64k \
		--indev unix-listen:indev,queue=tx --log-level info >out
	# the guest reads nothing, so the last frames wait in indev's socket
	spawn primary socat UNIX:indev \
		'EXEC:frames gen --count 100000,nofork'
	wait_for is_stalled m
	before=$(value "$(stats m)" in)
	crash primary
	failover m
	after=$(value "$(stats m)" in)
	[ "$after" -gt "$before" ]
	# the indev was the last input: when it has been read, the process ends
	: >go
	ends m
	ends guest
	check_account "$(final_stats m)"
	[ "$(frames lengths <got | wc -l)" -eq "$after" ]
	cmp got <(frames gen --count "$after")
}

@test "failover takes effect even if the role cannot be written" {
	mkdir state
	start_secondary --announce 0
	rm -r state
	kill -USR2 "${PIDS[m]}"
	wait_for logged m 'event: failover: done, not written'
	logged m 'error: state-dir: state: .*a restart would forget'
	is_joined 2 1
}

# --- the outdev comes and goes ---

start_diverter() {
	mkfifo in
	start m colo-redirector --outdev unix:outdev,reconnect=0.02 \
		--queue tx --log-level info "$@" <>in >rest
}

@test "--when-down block: frames are held for the next peer" {
	start_diverter --when-down-grace 86400
	frames gen >in
	wait_for stat_is m held 1000
	check_account "$(stats m)"
	spawn peer socat -u UNIX-LISTEN:outdev CREATE:diverted
	wait_for stat_is m outdev.out 1000
	wait_for size_is diverted "$(frames gen | wc -c)"
	kill_other peer
	frames gen --seed 2 >in
	wait_for stat_is m in 2000
	spawn peer socat -u UNIX-LISTEN:outdev,unlink-early CREATE:diverted2
	wait_for stat_is m outdev.out 2000
	stop m
	ends peer
	frames check <diverted
	frames check --seed 2 <diverted2
	[ ! -s rest ]
	logged_n 0 m 'event: uncompared'
}

@test "--when-down block: after the grace period frames pass, with an event" {
	local started=$EPOCHREALTIME
	start_diverter --when-down-grace 1
	frames gen >in
	wait_for stat_is m held 1000
	wait_for logged m 'event: uncompared: outdev is down'
	[ $((${EPOCHREALTIME/./} - ${started/./})) -ge 1000000 ]
	wait_for stat_is m guest-out.out 1000
	frames gen --seed 2 >in
	wait_for stat_is m guest-out.out 2000
	stat_is m redirector.uncompared 2000
	spawn peer socat -u UNIX-LISTEN:outdev CREATE:diverted
	wait_for logged m 'event: outdev-back: 2000 frames passed uncompared'
	frames gen --seed 3 >in
	wait_for stat_is m outdev.out 1000
	kill -HUP "${PIDS[m]}"
	wait_for logged m 'event: compared'
	stat_is m redirector.uncompared 0
	check_account "$(stats m)"
	stop m
	ends peer
	frames check --seed 3 <diverted
	{ frames gen && frames gen --seed 2; } | cmp - rest
}

@test "set when-down, and its grace: what is held already is held to it" {
	start_diverter --when-down-grace 1h --control m.ctl
	frames gen >in
	wait_for stat_is m held 1000
	colo-ctl -s m.ctl set announce 5
	stat_is m held 1000
	colo-ctl -s m.ctl set when-down pass
	wait_for stat_is m guest-out.out 1000
	# frames are held again, as long as nobody says that the time is over
	colo-ctl -s m.ctl set when-down block
	frames gen --seed 2 >in
	wait_for stat_is m held 1000
	colo-ctl -s m.ctl set when-down-grace 0
	wait_for stat_is m guest-out.out 2000
	logged_n 2 m 'event: uncompared: outdev is down: frames pass uncompared'
	check_account "$(stats m)"
	stop m
	{ frames gen && frames gen --seed 2; } | cmp - rest
}

@test "an outdev that comes back before a frame has passed needs no checkpoint" {
	start_diverter --when-down pass --control m.ctl
	wait_for logged m 'event: uncompared'
	run -1 colo-ctl -s m.ctl status
	[[ $output == *UNPROTECTED*'outdev is gone: frames pass uncompared'* ]]
	spawn peer socat -u UNIX-LISTEN:outdev CREATE:diverted
	wait_for logged m 'event: outdev-back: no frame has passed uncompared'
	run -0 colo-ctl -s m.ctl status
	[[ $output == *'PROTECTED since'* ]]
	frames gen >in
	wait_for stat_is m outdev.out 1000
	stop m
	ends peer
	frames check <diverted
}

@test "--when-down pass: frames pass at once" {
	start_diverter --when-down pass
	frames gen >in
	wait_for stat_is m guest-out.out 1000
	logged_n 1 m 'event: uncompared'
	stop m
	frames check <rest
}

@test "--when-down drop: frames are dropped and counted" {
	start_diverter --when-down drop
	frames gen >in
	wait_for stat_is m dropped.outdev-down 1000
	check_account "$(stats m)"
	spawn peer socat -u UNIX-LISTEN:outdev CREATE:diverted
	wait_for logged m 'event: connected: outdev: '
	frames gen --seed 2 >in
	wait_for stat_is m outdev.out 1000
	stop m
	ends peer
	frames check --seed 2 <diverted
	[ ! -s rest ]
}

@test "failover releases frames that are held for an absent outdev" {
	start_diverter --when-down-grace 86400
	frames gen >in
	wait_for stat_is m held 1000
	failover m
	wait_for stat_is m guest-out.out 1000
	frames gen --seed 2 >in
	wait_for stat_is m guest-out.out 2000
	check_account "$(stats m)"
	stop m
	{ frames gen && frames gen --seed 2; } | cmp - rest
}

@test "--auto-failover: only after a peer was there and has stayed away" {
	mkdir state
	start_mirror --auto-failover 1h --control m.ctl
	start r colo-redirector --net-in null: --net-out null: \
		--guest null: --indev unix-listen:indev --auto-failover 1
	start never colo-redirector --net null: --guest null: \
		--indev unix-listen:indev2 --auto-failover 1
	mkfifo hold
	start_copies got
	spawn peer socat -u - UNIX:indev <>hold
	wire "$NET" >hold
	wait_for stat_is r indev.in 1
	# the peer goes, and is back in time
	kill_other copies
	wait_for logged m 'event: lost: outdev: .*: it closed the connection'
	start_copies got
	colo-ctl -s m.ctl set auto-failover 1
	# the peer goes for good
	kill_other peer
	wait_for logged r 'event: failover: done'
	logged r 'the peer has been gone for 1 s: --auto-failover'
	logged_n 0 m 'event: failover'
	kill_other copies
	wait_for logged m 'event: failover: done'
	[ "$(cat state/ROLE)" = failover ]
	logged_n 0 never 'event: failover'
}

# --- start and stop ---

@test "SIGTERM: what was read is still written, then the exit status is 0" {
	local n
	frames gen --count 50000 >all
	for tool in 'colo-mirror --outdev null:' \
	    'colo-redirector --queue rx --outdev null:'; do
		rm -f out go m.log
		mkfifo out go
		spawn reader sh -c 'exec <out; : <go; cat >got'
		# shellcheck disable=SC2086
		start m $tool --log-level info <all >out
		wait_for is_stalled m
		kill -TERM "${PIDS[m]}"
		: >go
		ends m
		ends reader
		n=$(value "$(final_stats m)" in)
		check_account "$(final_stats m)"
		[ "$n" -lt 50000 ]
		[ "$(frames lengths <got | wc -l)" -eq "$n" ]
		cmp -n "$(stat -c %s got)" all got
	done
}

@test "SIGTERM does not wait for absent peers" {
	start m colo-mirror --net unix-listen:net --guest unix:nobody \
		--outdev unix:nobody
	frames gen | send net
	wait_for stat_is m in 1000
	kill -TERM "${PIDS[m]}"
	ends m 0
}

@test "--notify-fd gets a newline when the sockets are bound" {
	mkfifo ready
	spawn m with_fd_9 ready colo-mirror --net unix-listen:net --guest null: \
		--outdev null: --notify-fd 9
	[ "$(xxd -p <ready)" = 0a ]
	[ -S net ]
}

@test "NOTIFY_SOCKET gets READY=1, by a path or an abstract name" {
	for address in "UNIX-RECV:$PWD/n=$PWD/n" "ABSTRACT-RECV:colo-$$=@colo-$$"; do
		spawn systemd socat -u "${address%=*}" CREATE:told
		wait_for is_datagram "${address#*=}"
		NOTIFY_SOCKET=${address#*=} start m colo-mirror --guest null: \
			--net unix-listen:net --outdev null:
		wait_for grep -q '^READY=1$' told
		kill_other systemd
		kill -TERM "${PIDS[m]}"
		ends m
	done
}

is_datagram() { ss -Hxlan | grep -q -- " $1 "; }
