#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What is not an error of anybody's, and still must not hurt: links that carry
# other people's frames, descriptors that are shared or used up, clocks that
# jump, peers that go in the middle.

load helpers
load packets

# a_link: the namespace $NS with a veth pair va, vb
a_link() {
	NS=colo-$$-r
	ip netns add "$NS"
	NETNS+=("$NS")
	ip -n "$NS" link add name va type veth peer name vb
	ip -n "$NS" link set va up
	ip -n "$NS" link set vb up
}

in_ns() { ip netns exec "$NS" "$@"; }

@test "an output to an interface brings nothing in from it" {
	a_link
	ip -n "$NS" tuntap add vt mode tap
	ip -n "$NS" link set vt up
	mkfifo in
	for out in tap:vt packet:va; do
		start m ip netns exec "$NS" colo-mirror --guest-in - \
			--net-out $out --guest-out null: --outdev null: <>in
		# frames from the other side, of which none is for us
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

# ticks NAME: of CPU time that it has used
ticks() { awk '{ print $14 + $15 }' "/proc/${PIDS[$1]}/stat"; }

@test "out of descriptors: a peer waits, at no cost, and is then served" {
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

# has_used NAME TICKS: at least so many
has_used() { [ "$(ticks "$1")" -ge "$2" ]; }
sleeps() { [ "$(awk '{ print $3 }' "/proc/${PIDS[$1]}/stat")" = S ]; }

@test "--busy-poll: awake for that long after a frame, then asleep" {
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
	run -2 colo-mirror --busy-poll 1000001 --outdev null:
	[[ $output == *"--busy-poll: 1000001 is not in 0..1000000" ]]
}

@test "standard input and output are one socket" {
	frames gen --count 5000 >in
	socat -t 10 'OPEN:in,rdonly!!CREATE:out' \
		'EXEC:colo-mirror --outdev null\:' 2>m.log
	frames check --count 5000 <out
	[ ! -s m.log ]
}

@test "an output that is a FIFO open both ways keeps what it was given" {
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

@test "standard descriptors that are closed become no others" {
	spawn m bash -c 'exec colo-mirror --net unix-listen:s --guest null: \
		--outdev null: <&- >&- 2>&-'
	wait_for test -S s
	for fd in 0 1 2; do
		[ "$(readlink "/proc/${PIDS[m]}/fd/$fd")" = /dev/null ]
	done
	stop m
}

@test "a first SIGTERM while the end of input is delivered loses nothing" {
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

@test "what a peer said before it went is read, though a write finds out first" {
	mkfifo in
	frames gen --count 100 >hundred
	start m colo-mirror --net unix-listen:n --guest-in - --guest-out fd:7 \
		--outdev null: --log-level info 0<>in 7>said
	# when it looks again, the peer has come, sent and gone, and there is
	# something to be written to it
	kill -STOP "${PIDS[m]}"
	send n <hundred
	frames gen --count 10 >in
	kill -CONT "${PIDS[m]}"
	wait_for logged m 'info: net: the peer closed the connection'
	wait_for stat_is m guest-out.out 100
	frames check --count 100 <said
	stat_is m net.queued 10
	# the next one gets what the first has not
	spawn_other peer socat -u UNIX:n CREATE:told
	wait_for stat_is m net.queued 0
	kill_other peer
	frames check --count 10 <told
	stop m
	check_account "$(final_stats m)"
}

@test "captures are over: what waits for a timeout does not wait for ever" {
	frames gen --count 10 >in
	colo-mirror --guest-out pcap:in.pcap --outdev null: <in
	start m colo-redirector --net-in pcap:in.pcap --guest null: \
		--outdev unix:nobody --queue tx --when-down-grace 1 --log-level info
	ends m
	[ "$(value "$(final_stats m)" guest.out)" -eq 10 ]
}

# capture SECONDS...: of one empty frame at each of these times
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

@test "captures with a gap of a century" {
	capture 1 4000000000 | xxd -r -p >a.pcap
	run -0 timeout "$WAIT_S" colo-compare --primary-in pcap:a.pcap \
		--secondary-in pcap:a.pcap --outdev null: \
		--expired-scan-cycle 1
}

@test "a capture that is held back by a slow output costs nothing" {
	local before
	frames gen --count 20000 >in
	colo-mirror --guest-out pcap:in.pcap --outdev null: <in
	mkfifo out
	exec 8<>out
	start m colo-compare --primary-in pcap:in.pcap \
		--secondary-in pcap:in.pcap --outdev - >out
	wait_for is_stalled m
	before=$(ticks m)
	# a second, by a clock that is not ours
	timeout 1 head -c 1 <(sleep 5) >x || true
	[ $(($(ticks m) - before)) -lt 30 ]
	head -c 1000000 <&8 >x
	exec 8>&-
	kill_other m
}

@test "markers pass to an outdev, and never to the net" {
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

# clogged FIFO: whatever is written to it, it takes nothing; until it is read
clogged() {
	mkfifo "$1"
	exec 8<>"$1"
	dd if=/dev/zero "of=$1" bs=4096 oflag=nonblock 2>/dev/null || true
}

@test "standard error that nobody reads stops no frame" {
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
	# it is read again: how much was lost is the first thing told
	spawn reader cat err >said 8>&-
	answers() { kill -USR1 "${PIDS[m]}" && grep -aq 'net.in=6000' said; }
	wait_for answers
	tr -d '\0' <said | head -n 1 |
		grep -E 'warn: log: [0-9]+ lines were lost: standard error was full'
	stop m
	exec 8>&-
	ends reader
}

@test "a report that nobody reads stops no frame" {
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
