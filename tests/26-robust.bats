#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Circumstances that are nobody's error and still must do no harm: links with
# other people's frames, descriptors that are shared or used up, clocks that
# jump, peers that leave in the middle.

load helpers
load packets

# a_link: makes the namespace $NS with the veth pair va, vb
a_link() {
	NS=colo-$$-r
	ip netns add "$NS"
	NETNS+=("$NS")
	ip -n "$NS" link add name va type veth peer name vb
	ip -n "$NS" link set va up
	ip -n "$NS" link set vb up
}

in_ns() { ip netns exec "$NS" "$@"; }

@test "an interface that is an output only is not read from" {
	a_link
	ip -n "$NS" tuntap add vt mode tap
	ip -n "$NS" link set vt up
	mkfifo in
	for out in tap:vt packet:va; do
		start m ip netns exec "$NS" colo-mirror --guest-in - \
			--net-out $out --guest-out null: --outdev null: <>in
		# frames arrive on the interface; none of them may be read
		frames gen --count 20 >in20
		in_ns colo-mirror --net-in - --guest-out packet:vb \
			--outdev null: <in20
		in_ns bash -c 'for i in 1 2 3; do
			echo x >/dev/udp/ff02::1%vt/9; done' 2>/dev/null || true
		frames gen --count 10 >in
		wait_for stat_is m net-out.out 10
		stat_is m in 10
		stat_is m net-out.in 0
		stop m
	done
}

# ticks NAME: the CPU time that it has used, in clock ticks
ticks() { awk '{ print $14 + $15 }' "/proc/${PIDS[$1]}/stat"; }

@test "without a free descriptor a peer waits, costs no CPU time, and is served later" {
	local before
	start m colo-mirror --net unix-listen:s --guest null: --outdev null:
	frames gen >in
	prlimit --pid "${PIDS[m]}" --nofile=5:1024
	spawn peer send s <in
	wait_for logged m 'warn: net: accept: too many open files'
	before=$(ticks m)
	wait_for logged_n 2 m 'accept: too many open files'
	[ $(($(ticks m) - before)) -lt 30 ]
	prlimit --pid "${PIDS[m]}" --nofile=1024
	wait_for stat_is m in 1000
	ends peer
}

# has_used NAME TICKS: it has used at least so much CPU time
has_used() { [ "$(ticks "$1")" -ge "$2" ]; }
sleeps() { [ "$(awk '{ print $3 }' "/proc/${PIDS[$1]}/stat")" = S ]; }

@test "--busy-poll: the program polls for that long after a frame, then sleeps" {
	local before
	start m colo-mirror --net unix-listen:s --guest null: --outdev null: \
		--busy-poll 1000000
	wait_for sleeps m
	before=$(ticks m)
	frames gen --count 1 >in
	send s <in
	wait_for has_used m $((before + 5))
	wait_for sleeps m
	stat_is m in 1
	stop m
	run -2 colo-mirror --busy-poll soon --outdev null:
	[[ $output == *'--busy-poll: "soon" is not a number or auto' ]]
	run -2 colo-mirror --busy-poll 1000001 --outdev null:
	[[ $output == *"--busy-poll: 1000001 is not in 0..1000000 us" ]]
}

@test "--busy-poll auto: frames pass, and the program sleeps when none comes" {
	start m colo-mirror --net unix-listen:s --guest null: --outdev null: \
		--busy-poll auto --control m.ctl
	colo-ctl -s m.ctl get busy-poll | grep -qE '^busy-poll +auto +auto '
	frames gen --count 20000 >in
	send s <in
	wait_for stat_is m in 20000
	wait_for sleeps m
	colo-ctl -s m.ctl set busy-poll 0
	colo-ctl -s m.ctl set busy-poll auto
	send s <in
	wait_for stat_is m in 40000
	wait_for sleeps m
	stop m
}

@test "standard input and output may be the same socket" {
	frames gen --count 5000 >in
	socat -t 10 'OPEN:in,rdonly!!CREATE:out' \
		'EXEC:colo-mirror --outdev null\:' 2>m.log
	frames check --count 5000 <out
	[ ! -s m.log ]
}

@test "frames in an output FIFO that is open both ways are left there" {
	mkfifo out
	frames gen --count 50 >in
	exec 8<>out
	start m colo-mirror --net-in unix-listen:n --guest-out fd:8 \
		--outdev null:
	send n <in
	wait_for stat_is m guest-out.out 50
	stop m
	head -c "$(stat -c %s in)" <&8 | frames check --count 50
	exec 8>&-
}

@test "closed standard descriptors become /dev/null, not a socket of ours" {
	spawn m bash -c 'exec colo-mirror --net unix-listen:s --guest null: \
		--outdev null: <&- >&- 2>&-'
	wait_for test -S s
	for fd in 0 1 2; do
		[ "$(readlink "/proc/${PIDS[m]}/fd/$fd")" = /dev/null ]
	done
	stop m
}

@test "SIGTERM after the end of input loses no frame" {
	mkfifo out
	frames gen --count 4000 >in
	exec 8<>out
	start m colo-mirror --outdev null: <in >out
	wait_for stat_is m in 4000
	[ "$(value "$(stats m)" held)" -gt 0 ]
	kill "${PIDS[m]}"
	head -c "$(stat -c %s in)" <&8 | frames check --count 4000
	ends m
	exec 8>&-
}

@test "what a peer sent before it closed is read, even if a write fails first" {
	mkfifo in
	frames gen --count 100 >hundred
	start m colo-mirror --net unix-listen:n --guest-in - --guest-out fd:7 \
		--outdev null: --log-level info 0<>in 7>said
	# while the mirror stands still a peer connects, sends and closes, and
	# frames for that peer arrive
	kill -STOP "${PIDS[m]}"
	send n <hundred
	frames gen --count 10 >in
	kill -CONT "${PIDS[m]}"
	wait_for logged m 'event: lost: net: .*: it closed the connection'
	wait_for stat_is m guest-out.out 100
	frames check --count 100 <said
	stat_is m net.queued 10
	# the next peer gets the frames that the first one did not take
	spawn_other peer socat -u UNIX:n CREATE:told
	wait_for size_is told "$(frames gen --count 10 | wc -c)"
	stat_is m net.queued 0
	kill_other peer
	frames check --count 10 <told
	stop m
	check_account "$(final_stats m)"
}

@test "when captures have ended, frames that wait for a timeout leave" {
	frames gen --count 10 >in
	colo-mirror --guest-out pcap:in.pcap --outdev null: <in
	start m colo-redirector --net-in pcap:in.pcap --guest null: \
		--outdev unix:nobody --queue tx --when-down-grace 1 --log-level info
	ends m
	[ "$(value "$(final_stats m)" guest.out)" -eq 10 ]
}

# capture SECONDS...: a capture in hex, with an empty frame at each of these times
capture() {
	local t
	printf 'd4c3b2a1020004000000000000000000ffff000001000000'
	for t; do
		printf '%02x%02x%02x%02x000000000e0000000e000000' \
			$((t & 255)) $((t >> 8 & 255)) $((t >> 16 & 255)) \
			$((t >> 24))
		printf 'ffffffffffff02000000000188b5'
	done
}

@test "captures with a gap of a century are compared at once" {
	capture 1 4000000000 | xxd -r -p >a.pcap
	run -0 timeout "$WAIT_S" colo-compare --primary-in pcap:a.pcap \
		--secondary-in pcap:a.pcap --outdev null: \
		--expired-scan-cycle 1
}

@test "a capture that waits for a slow output costs no CPU time" {
	local before
	frames gen --count 20000 >in
	colo-mirror --guest-out pcap:in.pcap --outdev null: <in
	mkfifo out
	exec 8<>out
	start m colo-compare --primary-in pcap:in.pcap \
		--secondary-in pcap:in.pcap --outdev - >out
	wait_for is_stalled m
	before=$(ticks m)
	# for a second nothing can be written
	timeout 1 head -c 1 <(sleep 5) >x || true
	[ $(($(ticks m) - before)) -lt 30 ]
	head -c 1000000 <&8 >x
	exec 8>&-
	kill_other m
}

@test "markers pass to an outdev, never to net or guest" {
	wire "$(marker 1 7)" "$(segment rx 1 2 16)" "$(marker 1 8)" >in
	wire "$(segment rx 1 2 16)" >without
	start r colo-redirector --net-in null: --net-out fd:7 --guest-in - \
		--guest-out null: --outdev null: --queue tx --log-level info \
		<in 7>net
	ends r
	cmp net without
	s=$(final_stats r)
	check_account "$s"
	[ "$(value "$s" dropped.marker)" -eq 2 ]
	colo-redirector --net-in null: --net-out null: --guest-in - \
		--guest-out null: --outdev fd:7 --queue rx <in 7>outdev
	cmp outdev in
	for queue in rx all; do
		colo-redirector --net-in null: --net-out fd:7 --guest null: \
			--indev - --queue $queue <in 7>net
		cmp net without
	done
}

@test "a marker that waited for the outdev does not reach the net" {
	start r colo-redirector --net-in null: --net-out pcap:net.pcap \
		--guest-in unix-listen:guest --guest-out null: \
		--outdev unix-listen:outdev --queue rx --when-down-grace 60 \
		--control r.ctl
	wire "$(marker 1 7)" "$(segment rx 1 2 16)" "$(marker 1 8)" | send guest
	wait_for stat_is r outdev.queued 3
	colo-ctl -s r.ctl failover
	wait_for stat_is r net-out.out 1
	stat_is r dropped.marker 2
	check_account "$(stats r)"
}

# clogged FIFO: makes a FIFO that is full until somebody reads it
clogged() {
	mkfifo "$1"
	exec 8<>"$1"
	dd if=/dev/zero "of=$1" bs=4096 oflag=nonblock 2>/dev/null || true
}

@test "frames pass while nobody reads standard error" {
	local size i
	frames gen --count 2000 >in
	size=$(stat -c %s in)
	clogged err
	start m bash -c 'exec "$@" 2>err' m colo-mirror --net unix-listen:n \
		--guest-in null: --guest-out fd:7 --outdev null: \
		--log-level debug 7>out 8>&-
	for i in 1 2 3; do
		send n <in
		wait_for size_is out $((i * size))
		kill -USR1 "${PIDS[m]}"
	done
	# when it is read again, the first line says how much was lost
	spawn reader cat err >said 8>&-
	answers() { kill -USR1 "${PIDS[m]}" && grep -aq 'net.in=6000' said; }
	wait_for answers
	tr -d '\0' <said | head -n 1 |
		grep -E 'warn: log: [0-9]+ lines were lost: standard error was full'
	stop m
	exec 8>&-
	ends reader
}

@test "frames pass while nobody reads the report" {
	local i
	clogged report
	start compare bash -c 'exec "$@" >report' compare colo-compare \
		--primary-in unix-listen:p --secondary-in unix-listen:s \
		--outdev fd:7 --dry-run 7>out 8>&-
	for ((i = 0; i < 100; i++)); do wire "$(udp $i one)"; done >ones
	for ((i = 0; i < 100; i++)); do wire "$(udp $i two)"; done >twos
	send p <ones
	wait_for stat_is compare outdev.out 100
	send s <twos
	wait_for stat_is compare secondary-in.in 100
	wire "$(udp 200 two)" | send p
	wait_for stat_is compare outdev.out 101
	spawn reader cat report >said 8>&-
	stop compare
	logged compare 'warn: report: [0-9]+ lines were lost'
	exec 8>&-
	ends reader
}
