#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# colo-impair, the bad link that other tests put into their chains.

load helpers

S=(--seed 5 --count 20000)

# bad_link OPTION...: sends 20000 frames, the file `in`, through colo-impair to the
# file `out`; $STATS has its counters
bad_link() {
	frames gen "${S[@]}" >in
	colo-impair --log-level info "$@" <in >out 2>impair.log
	STATS=$(final_stats impair)
	check_account "$STATS"
	[ "$(value "$STATS" in)" -eq 20000 ]
	[ "$(value "$STATS" held)" -eq 0 ]
	[ "$(value "$STATS" out)" -eq "$(frames lengths <out | wc -l)" ]
}

counted() { value "$STATS" "$1"; }

# between LOW N HIGH: N is in this range
between() {
	if [ "$2" -lt "$1" ] || [ "$2" -gt "$3" ]; then
		fail "$2: not in $1..$3"
	fi
}

# make_capture: in.pcap with 1000 frames, 1 ms apart
make_capture() {
	frames gen "${S[@]}" --count 1000 --min 60 --max 200 |
		colo-impair --guest-out pcap:unspaced.pcap
	respace <unspaced.pcap >in.pcap
}

respace() {
	perl -e '
		binmode STDIN; binmode STDOUT;
		read(STDIN, my $head, 24) == 24 or die;
		print $head;
		for (my $n = 0; read(STDIN, my $h, 16) == 16; $n++) {
			my ($s, $ns, $cap, $len) = unpack("V4", $h);
			read(STDIN, my $frame, $cap) == $cap or die;
			print pack("V4", 1000 + int($n / 1000),
				   $n % 1000 * 1000000, $cap, $len), $frame;
		}'
}

times() {
	tcpdump --time-stamp-precision=nano -tt -n -r "$1" 2>/dev/null |
		awk '/^[0-9]+\./ { sub(/\./, "", $1); print $1 }'
}

# frames_of CAPTURE: what tcpdump prints of the frames, without their times
frames_of() { tcpdump -t -xx -n -r "$1" 2>/dev/null; }

@test "a good link changes nothing" {
	bad_link
	cmp in out
}

@test "delay and jitter keep order and bytes" {
	bad_link --delay 30 --jitter 20
	cmp in out
}

@test "lost frames are counted, the others keep their order" {
	bad_link --loss 2.5
	between 350 "$(counted dropped.loss)" 650
	[ "$(counted out)" -eq $((20000 - $(counted dropped.loss))) ]
	frames check "${S[@]}" --subsequence <out
}

@test "--loss 100 lets nothing through" {
	bad_link --loss 100
	[ ! -s out ]
}

@test "--break-after lets the first frames through, and nothing that follows" {
	bad_link --break-after 300
	[ "$(counted dropped.loss)" -eq 19700 ]
	head -c "$(stat -c %s out)" in | cmp - out
	[ "$(counted out)" -eq 300 ]
}

@test "duplicates are counted as copied" {
	bad_link --duplicate 10
	between 1700 "$(counted copied)" 2300
	[ "$(counted out)" -eq $((20000 + $(counted copied))) ]
	[ "$(counted impair.duplicated)" -eq "$(counted copied)" ]
}

@test "reordered frames are late, not lost" {
	bad_link --reorder 5
	between 800 "$(counted impair.reordered)" 1200
	run ! cmp -s in out
	cmp <(frames lengths <in | sort) <(frames lengths <out | sort)
}

@test "the account holds with loss, duplicates, reordering and delay together" {
	bad_link --loss 1 --duplicate 1 --reorder 10 --delay 5 --jitter 5
	[ "$(counted out)" -eq \
	  $((20000 + $(counted copied) - $(counted dropped.loss))) ]
}

@test "when --max-bytes is reached the frame that is due first leaves early" {
	bad_link --delay 60000 --max-bytes 100000
	between 18000 "$(counted impair.early)" 20000
	cmp in out
}

@test "on captures the seed determines every byte of the result" {
	make_capture
	local name
	for name in one two three; do
		colo-impair --net-in pcap:in.pcap --guest-out pcap:$name.pcap \
			--seed ${#name} --loss 1 \
			--duplicate 5 --reorder 5 --delay 10 --jitter 3
	done
	cmp one.pcap two.pcap
	run ! cmp -s one.pcap three.pcap
}

@test "on captures a delay is exact" {
	make_capture
	colo-impair --net-in pcap:in.pcap --guest-out pcap:out.pcap --delay 10
	cmp <(frames_of in.pcap) <(frames_of out.pcap)
	[ "$(times in.pcap | wc -l)" -eq 1000 ]
	paste <(times in.pcap) <(times out.pcap) |
		awk '$2 - $1 != 10000000 { print NR ": " $0; bad = 1 }
		     END { exit bad }'
}

@test "on captures a reordered frame is overtaken by --reorder-by frames" {
	make_capture
	local late
	colo-impair --net-in pcap:in.pcap --guest-out pcap:out.pcap \
		--reorder 2 --reorder-by 5 --log-level info 2>impair.log
	late=$(value "$(final_stats impair)" impair.reordered)
	between 8 "$late" 35
	# the frames are the same in another order, and the times still ascend
	frames_of out.pcap >shown
	run ! cmp -s <(frames_of in.pcap) shown
	cmp <(frames_of in.pcap | sort) <(sort shown)
	[ "$(times out.pcap | sort -nc 2>&1 | wc -l)" -eq 0 ]
	[ "$(comm -23 <(times in.pcap) <(times out.pcap | sort -u) | wc -l)" \
	  -ge $((late - 5)) ]
}

has_size_of() { [ "$(stat -c %s "$1")" -eq "$(stat -c %s "$2")" ]; }

@test "--queue leaves the other direction alone" {
	start impair colo-impair --net unix-listen:net.sock \
		--guest unix-listen:guest.sock --queue tx --loss 100
	frames gen "${S[@]}" >stream
	cat >talk.sh <<-'END'
		cat stream &
		exec cat >"$1"
	END
	spawn net dial UNIX-CONNECT:net.sock sh talk.sh got
	spawn guest dial UNIX-CONNECT:guest.sock sh talk.sh nothing
	wait_for stat_is impair dropped.loss 20000
	wait_for stat_is impair out 20000
	check_account "$(stats impair)"
	wait_for has_size_of got stream
	cmp stream got
	[ ! -s nothing ]
	stop impair
	ends net
	ends guest
}

@test "one direction between two listening sockets works" {
	start impair colo-impair --net-in unix-listen:in.sock \
		--guest-out unix-listen:out.sock --delay 20
	spawn reader socat -u UNIX-CONNECT:out.sock CREATE:out
	frames gen "${S[@]}" >in
	socat -u - UNIX-CONNECT:in.sock <in
	wait_for stat_is impair out 20000
	check_account "$(stats impair)"
	stop impair
	ends reader
	cmp in out
}

@test "delayed frames are counted as held, and leave at the end" {
	mkfifo feed
	start impair colo-impair --guest-out unix-listen:out.sock \
		--delay 60000 <>feed
	spawn reader socat -u UNIX-CONNECT:out.sock CREATE:out
	frames gen "${S[@]}" | tee in >feed
	wait_for stat_is impair held 20000
	[ ! -s out ]
	check_account "$(stats impair)"
	stop impair
	ends reader
	cmp in out
}

@test "bad percentages are refused" {
	local o v
	for o in loss duplicate reorder; do
		for v in x 101 -1 1.00001 5%; do
			refused 2 "--$o: \"$v\" is not a percentage" \
				colo-impair --$o="$v"
		done
	done
}
