#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# in + originated + copied = out + merged + held + dropped, whatever happens.
# Each test makes one kind of trouble. It checks the counters while the trouble
# lasts and at the end, and compares them with what the peers really got.

load helpers

N=${SOAK_N:-50000}

# ask_often NAME: checks its account eight times while frames flow
ask_often() {
	local i
	for ((i = 0; i < 8; i++)); do
		check_account "$(stats "$1")" || return
	done
}

# script FILE: standard input becomes the script that socat runs on a connection
script() { cat >"$1"; }

@test "mirror: copies lost to a slow reader are counted" {
	local stats lost out
	script slow <<-END
		frames check --count $N --subsequence --slow 16384 >verdict
	END
	mkfifo in
	start m colo-mirror --outdev unix-listen:copy,send-buffer=64k \
		--guest null: --log-level info <>in
	spawn reader socat UNIX:copy 'EXEC:bash slow,nofork'
	wait_for logged m 'event: connected: outdev: '
	frames gen --count "$N" >in &
	ask_often m
	wait $!
	wait_for stat_is m in "$N"
	wait_for stat_is m held 0
	stats=$(stats m)
	check_account "$stats"
	lost=$(value "$stats" dropped.full)
	out=$(value "$stats" outdev.out)
	[ "$lost" -gt 0 ]
	[ "$(value "$stats" copied)" -eq "$N" ]
	[ $((out + lost)) -eq "$N" ]
	stop m
	ends reader
	[ "$(cat verdict)" = "frames=$out lost=$lost first-bad=none" ]
}

@test "mirror: the account holds with both directions at once" {
	for side in net guest; do
		script $side <<-END
			frames gen --count $N --seed ${#side} &
			frames check --count $N --seed $((8 - ${#side})) \
				>$side.verdict
		END
	done
	start m colo-mirror --net unix-listen:n --guest unix-listen:g \
		--outdev unix-listen:copy --when-slow block
	spawn copies socat -u UNIX:copy CREATE:copied
	spawn net socat UNIX:n 'EXEC:bash net,nofork'
	spawn guest socat UNIX:g 'EXEC:bash guest,nofork'
	ask_often m
	wait_for stat_is m in $((2 * N))
	wait_for stat_is m out $((4 * N))
	check_account "$(stats m)"
	stop m
	ends net
	ends guest
	ends copies
	for side in net guest; do
		[ "$(cat $side.verdict)" = "frames=$N lost=0 first-bad=none" ]
	done
	[ "$(frames lengths <copied | wc -l)" -eq $((2 * N)) ]
}

@test "mirror: the account holds while peers come, take a part and go" {
	local stats
	# less than the send-buffer, which is filled for the slowest peer
	script part <<-'END'
		head -c 60000 >/dev/null
	END
	start m colo-mirror --net unix-listen:n --guest-out null: \
		--outdev unix-listen:copy,send-buffer=64k --log-level info
	for i in 1 2 3; do
		spawn peer socat UNIX:copy 'EXEC:bash part,nofork'
		wait_for logged_n $i m 'event: connected: outdev: '
		frames gen --count 10000 | send n &
		ask_often m
		wait $!
		ends peer
		wait_for stat_is m in $((i * 10000))
	done
	# the copies lost with a peer are reported when the next one connects
	[ "$(grep -c 'event: copies-lost: .* when the connection broke: a' \
		m.log)" -eq 2 ]
	stats=$(stats m)
	check_account "$stats"
	[ "$(value "$stats" guest-out.out)" -eq 30000 ]
	[ "$(value "$stats" copied)" -eq 30000 ]
}

@test "mirror: an event names the copies that were lost since the last one" {
	start m colo-mirror --net unix-listen:n --guest-out null: \
		--outdev unix-listen:copy
	frames gen --count 5 | send n
	wait_for stat_is m dropped.down 5
	spawn_other peer socat -u UNIX:copy CREATE:got
	wait_for logged m 'event: copies-lost: 5 frames were not mirrored: a'
	kill_other peer
	wait_for logged m 'event: lost: outdev'
	frames gen --count 3 | send n
	wait_for stat_is m dropped.down 8
	spawn_other peer socat -u UNIX:copy CREATE:got
	wait_for logged m 'event: copies-lost: 3 frames were not mirrored, nor those'
	check_account "$(stats m)"
}

@test "mirror: copies that waited for a peer are none when the status is off" {
	start m colo-mirror --net unix-listen:n --guest-out null: --control m.ctl \
		--outdev unix-listen:copy --when-slow block
	frames gen --count 20 | send n
	wait_for stat_is m outdev.queued 20
	colo-ctl -s m.ctl set status off
	check_account "$(stats m)"
	stat_is m copied 0
	stat_is m guest-out.out 20
	logged_n 0 m 'event: copies-lost'
	colo-ctl -s m.ctl set status on
	logged m 'event: status: on: 20 frames were not mirrored: a checkpoint is wanted'
}

@test "mirror: the segments that GSO frames are cut into are counted" {
	# a TCP segment of 250 bytes with gso_size 100 and an open checksum
	payload=$(printf '%0500d' 0)
	hex="0101360064002200100000000200000000010200000000020800
	     4500012200010000400600007f0000017f000001
	     00070008000000010000000250180100000000 00$payload"
	hex=${hex//[^0-9a-f]/}
	printf '%08x0000000c%s' $((${#hex} / 2)) "$hex" | xxd -r -p >in
	colo-mirror --net-in -,vnet-hdr --guest-out pcap:out.pcap \
		--outdev pcap:copy.pcap --log-level info <in 2>m.log
	stats=$(final_stats m)
	check_account "$stats"
	[ "$(value "$stats" originated)" -eq 4 ]
	[ "$(value "$stats" out)" -eq 6 ]
	[ "$(tshark -r out.pcap -T fields -e tcp.len 2>/dev/null | tr '\n' ' ')" = \
		'100 100 50 ' ]
}

@test "redirector: the account holds while the outdev comes and goes" {
	local stats passed part
	script part <<-'END'
		head -c 300000 >/dev/null
	END
	mkfifo in
	start m colo-redirector --queue tx --when-down pass --log-level info \
		--outdev unix-listen:outdev,send-buffer=64k <>in >rest
	frames gen --count 30000 >all
	part=$(frames lengths <all | awk 'NR <= 10000 { n += $1 + 4 }
		END { print n }')
	head -c "$part" all >part1
	tail -c "+$((part + 1))" all >part2
	for i in 1 2; do
		spawn peer socat UNIX:outdev 'EXEC:bash part,nofork'
		wait_for logged_n $i m 'event: connected: outdev: '
		cat part$i >in &
		ask_often m
		wait $!
		ends peer
		wait_for logged_n $i m 'event: lost: outdev: '
	done
	wait_for stat_is m in 30000
	wait_for stat_is m held 0
	stats=$(stats m)
	check_account "$stats"
	[ "$(value "$stats" dropped)" -eq 0 ]
	[ "$(value "$stats" out)" -eq 30000 ]
	stop m
	# frames that the outdev did not take went to the guest, in order
	passed=$(value "$stats" guest-out.out)
	[ "$passed" -gt 0 ]
	[ "$(frames check --count 30000 --subsequence <rest)" = \
		"frames=$passed lost=$((30000 - passed)) first-bad=none" ]
}

@test "redirector: the account holds through a failover under load" {
	local stats
	script net <<-END
		frames gen --count $N --seed 1
	END
	script guest <<-END
		frames gen --count $N --seed 2
	END
	start m colo-redirector --exclusive --announce 3 \
		--net-in unix-listen:n --net-out null: \
		--guest-in unix-listen:g --guest-out null: \
		--indev unix-listen:indev,queue=tx \
		--outdev unix-listen:outdev,queue=rx --when-down drop
	spawn outdev socat -u UNIX:outdev CREATE:diverted
	spawn net socat UNIX:n 'EXEC:bash net,nofork'
	spawn guest socat UNIX:g 'EXEC:bash guest,nofork'
	check_account "$(stats m)"
	kill -USR2 "${PIDS[m]}"
	ask_often m
	wait_for stat_is m in $((2 * N))
	wait_for stat_is m held 0
	# three rounds announce the one MAC that the guest was seen with
	wait_for is_announced 3
	check_account "$(stats m)"
	stats=$(stats m)
	[ $(($(value "$stats" out) + $(value "$stats" dropped))) -eq \
		$((2 * N + 3)) ]
	stop m
	for name in outdev net guest; do
		ends $name
	done
}

is_announced() {
	local n
	n=$(value "$(stats m)" originated)
	[ $((n % $1)) -eq 0 ] && [ "$n" -gt 0 ]
}

@test "redirector: frames that have nowhere to go are dropped and counted" {
	start m colo-redirector --net unix-listen:n --guest-in null: \
		--indev unix-listen:i,queue=all
	frames gen | send n
	wait_for stat_is m dropped.no-side 1000
	# queue=all sends each frame both ways: the net side has no peer yet, so its
	# copies wait
	frames gen --count 10 | send i
	wait_for stat_is m dropped.no-side 1010
	stats=$(stats m)
	check_account "$stats"
	[ "$(value "$stats" copied)" -eq 10 ]
	[ "$(value "$stats" held)" -eq 10 ]
}

@test "redirector: the account holds with all ways in use and bad peers" {
	start m colo-redirector --net unix-listen:n --guest unix-listen:g \
		--indev unix-listen:i,queue=rx --outdev unix-listen:o,queue=rx
	spawn outdev socat -u UNIX:o CREATE:diverted
	script net <<-END
		frames gen --count 5000 --seed 1
		frames check --count 5000 --seed 3 >net.verdict
	END
	script guest <<-END
		frames gen --count 5000 --seed 2
		frames check --count 5000 --seed 1 >guest.verdict
	END
	spawn net socat UNIX:n 'EXEC:bash net,nofork'
	spawn guest socat UNIX:g 'EXEC:bash guest,nofork'
	for bad in 00000000 ffffffff 0000; do
		xxd -r -p <<<$bad | send i
		frames gen --count 10 --seed 9 >/dev/null
	done
	wait_for dial UNIX:i 'frames gen --count 5000 --seed 3'
	wait_for stat_is m out 15000
	check_account "$(stats m)"
	stat_is m indev.truncated 1
	stat_is m indev.bad 2
	stop m
	for name in outdev net guest; do
		ends $name
	done
	grep -h . net.verdict guest.verdict |
		grep -c '^frames=5000 lost=0 first-bad=none$' | grep -qx 2
	frames check --count 5000 --seed 2 <diverted
}
