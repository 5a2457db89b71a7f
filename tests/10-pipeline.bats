#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The programs in a shell: they read and write pipes, files, /dev/null, captures
# and inherited descriptors, refuse a terminal, and tell the shell by their exit
# status what went wrong.

load helpers

tee_to_null() { colo-mirror --outdev null: "$@"; }

# gives_back_all COMMAND...: a thousand frames go through it unchanged, and it
# prints no message
gives_back_all() {
	run --separate-stderr -0 bash -c \
		"frames gen | timeout $WAIT_S $* | frames check"
	[ "$output" = 'frames=1000 lost=0 first-bad=none' ] ||
		fail "$*: $output $stderr" || return
	# shellcheck disable=SC2154  # run sets it
	[ -z "$stderr" ] || fail "$*: $stderr"
}

# packet HEX: as text2pcap reads it
packet() { xxd -r -p <<<"$1" | od -Ax -tx1 -v; }

IP='4500001c00010000401166ce7f0000017f000001 0007000700080000'

@test "frames pass unchanged from pipe to pipe" {
	gives_back_all colo-mirror --outdev null:
	gives_back_all colo-mirror --net-in - --guest-out - --outdev null:
	gives_back_all colo-redirector --net null: --indev - --queue tx
	gives_back_all colo-redirector --queue tx --outdev - --guest null:
	# frames of the other direction are not diverted and pass
	gives_back_all colo-redirector --outdev null: --queue rx
	gives_back_all colo-mirror --outdev null: '|' colo-mirror --outdev null:
}

@test "frames pass unchanged from file to file" {
	frames gen >in
	tee_to_null <in >out
	cmp in out
	tee_to_null <out | cmp in -
	frames gen --seed 7 | tee_to_null >>out
	{ cat in && frames gen --seed 7; } | cmp - out
}

@test "a large file is written whole" {
	frames gen --count 3000 --min 1 --max 69632 >in
	tee_to_null <in >out
	cmp in out
}

@test "/dev/null can be the input or the output" {
	frames gen >in
	run -0 tee_to_null </dev/null
	[ -z "$output" ]
	tee_to_null --log-level info <in >/dev/null 2>m.log
	stats=$(final_stats m)
	check_account "$stats"
	[ "$(value "$stats" guest-out.out)" -eq 1000 ]
}

@test "a terminal is refused" {
	for cmd in '</dev/null' '>out'; do
		rm -f said
		timeout "$WAIT_S" script -qec "colo-mirror --outdev null: \
			2>said $cmd" /dev/null </dev/null >/dev/null &&
			fail 'accepted'
		one_line "$(cat said)" \
			'standard (in|out)put is a terminal; frames are binary'
	done
}

@test "a terminal on both sides is bad usage: exit status 2" {
	status=0
	timeout "$WAIT_S" script -qec 'colo-mirror --outdev null: 2>said' \
		/dev/null </dev/null >/dev/null || status=$?
	[ "$status" -eq 2 ]
}

@test "a mirror is a tee: it passes every frame and writes a copy" {
	frames gen | colo-mirror --outdev fd:5 5>copy | frames check
	frames check <copy
	frames gen | colo-mirror --outdev pcap:copy.pcap >out
	colo-mirror --net-in pcap:copy.pcap --outdev null: | cmp - out
	frames gen | colo-mirror --queue rx --outdev fd:5 5>none | frames check
	[ ! -s none ]
}

@test "a redirector takes one direction out, and joins two inputs" {
	frames gen >in
	colo-redirector --queue tx --outdev fd:5 <in >rest 5>diverted
	cmp in diverted
	[ ! -s rest ]
	# both inputs go to the guest; the frames of each keep their order
	frames gen --max 199 >short
	frames gen --min 200 >long
	colo-redirector --indev fd:6,queue=tx --guest-out pcap:joined.pcap \
		<short 6<long
	tshark -r joined.pcap -Y 'frame.len < 200' -w short.pcap 2>/dev/null
	tshark -r joined.pcap -Y 'frame.len >= 200' -w long.pcap 2>/dev/null
	for name in short long; do
		colo-mirror --net-in pcap:$name.pcap --outdev null: |
			cmp $name - || fail "$name"
	done
}

@test "fd:N reads and writes, and the descriptor's flags stay as they were" {
	frames gen >in
	colo-mirror --net-in fd:7 --guest-out fd:8 --outdev null: 7<in 8>out
	cmp in out
	frames gen | colo-mirror --net-in fd:7 --outdev null: 7<&0 | cmp - in
	# the shell's pipe must not be left non-blocking
	{
		frames gen --count 20 | tee_to_null
		awk '/^flags/ { print $2 }' "/proc/$BASHPID/fdinfo/1" >flags
	} | cat >/dev/null
	[ $((0$(cat flags) & 04000)) -eq 0 ]
	refused 1 'fd:77: bad file descriptor' \
		colo-mirror --net-in fd:77 --outdev null: --guest null:
	refused 2 'not open for writing' \
		bash -c 'colo-mirror --guest-out fd:7 --outdev null: 7<in'
}

@test "null: takes every frame and sends none" {
	run -0 timeout "$WAIT_S" colo-mirror --net null: --guest null: \
		--outdev null:
	[ -z "$output" ]
	frames gen | colo-mirror --guest null: --outdev null: \
		--log-level info 2>m.log
	stats=$(final_stats m)
	check_account "$stats"
	[ "$(value "$stats" out)" -eq 2000 ]
}

@test "Wireshark's tools read the captures that we write" {
	frames gen --count 100 --min 1 --max 69632 >in
	colo-mirror --guest-out pcap:out.pcap --outdev null: <in
	[ "$(tshark -r out.pcap -T fields -e frame.len 2>/dev/null)" = \
		"$(frames lengths <in)" ]
	capinfos -tEcM out.pcap >infos
	grep -q 'File type: *nsecpcap' infos
	grep -q 'encapsulation: *ether' infos
	grep -q 'Number of packets: *100$' infos
	colo-mirror --net-in pcap:out.pcap --outdev null: | cmp in -
}

@test "pcapng, other time resolutions and other link types are read" {
	wire "000000000000 000000000000 0800 $IP" >want

	frames gen >in
	colo-mirror --guest-out pcap:a.pcap --outdev null: <in
	editcap -F pcapng a.pcap a.pcapng
	colo-mirror --net-in pcap:a.pcapng --outdev null: | cmp in -
	editcap -F pcap a.pcap usec.pcap
	colo-mirror --net-in pcap:usec.pcap --outdev null: | cmp in -

	packet "$IP" | text2pcap -q -l 101 - raw.pcap 2>/dev/null
	packet "0000 0001 0006 020000000001 0000 0800 $IP" |
		text2pcap -q -l 113 - sll.pcap 2>/dev/null
	packet "0800 0000 00000001 0001 00 06 0200000000010000 $IP" |
		text2pcap -q -l 276 - sll2.pcap 2>/dev/null
	for kind in raw sll sll2; do
		colo-mirror --net-in "pcap:$kind.pcap" --outdev null: >got
		cmp want got || fail "$kind"
	done
	packet "$IP" | text2pcap -q -l 147 - own.pcap 2>/dev/null
	# from an interface beside a known one its packets are left out
	mergecap -a -w both.pcap raw.pcap own.pcap
	run --separate-stderr colo-mirror --net-in pcap:both.pcap --outdev pcap:got.pcap
	[[ $stderr = *'is no frame: skipped'* ]]
	[ "$(tcpdump -nr got.pcap 2>/dev/null | wc -l)" -eq 1 ]
	refused 1 'own.pcap: link type 147 is not supported' \
		colo-mirror --net-in pcap:own.pcap --outdev null: --guest null:
}

@test "frames of two captures leave in the order of their times" {
	for n in 1 2 3 4; do
		printf '2026-01-01 00:00:0%d\n000000 %s\n' "$n" \
			'02 00 00 00 00 01 02 00 00 00 00 02 88 b5 0'"$n" \
			>>$((n % 2)).txt
	done
	for n in 0 1; do
		text2pcap -q -t '%Y-%m-%d %H:%M:%S' $n.txt $n.pcap 2>/dev/null
	done
	colo-redirector --net-in pcap:0.pcap --indev pcap:1.pcap,queue=tx \
		--guest-out pcap:both.pcap
	[ "$(tshark -r both.pcap -T fields -e data 2>/dev/null | tr -d '\n')" = \
		01020304 ]
	capinfos -u both.pcap | grep -q 'duration: *3.000000'
}

@test "a broken pipe ends the program with status 1 and one line" {
	for tool in 'colo-mirror --outdev null:' \
	    'colo-redirector --outdev null: --queue rx'; do
		set +o pipefail
		# shellcheck disable=SC2086
		frames gen --count 200000 2>/dev/null |
			{
				echo 0 >status
				timeout "$WAIT_S" $tool 2>m.log ||
					echo $? >status
			} |
			head -c 100 >/dev/null
		set -o pipefail
		[ "$(cat status)" -eq 1 ]
		one_line "$(cat m.log)" ': error: guest-out: write: broken pipe'
	done
}

@test "a full disk ends the program with status 1 and one line" {
	frames gen >in
	refused 1 'error: guest-out: write: no space left on device' \
		bash -c 'colo-mirror --outdev null: <in >/dev/full'
	refused 1 'error: guest-out: .*no space left on device' \
		colo-mirror --outdev null: --guest-out pcap:/dev/full <in
	mkdir disk
	unshare_mount=(unshare -m)
	[ "$(id -u)" -eq 0 ] || unshare_mount=(unshare -rm)
	refused 1 'error: guest-out: disk/x.pcap: no space left on device' \
		"${unshare_mount[@]}" sh -c 'mount -t tmpfs -o size=64k x disk &&
		exec colo-mirror --outdev null: --guest-out pcap:disk/x.pcap' <in
}

@test "a full disk for the copies does not stop the frames on the wire" {
	frames gen | {
		timeout "$WAIT_S" colo-mirror --outdev fd:5 --log-level info \
			5>/dev/full 2>m.log || echo $? >status
	} | frames check
	# the exit status is 1, as with tee(1)
	[ "$(cat status)" -eq 1 ]
	logged m 'error: outdev: write: no space left on device'
	logged m 'event: copies-lost: '
	check_account "$(final_stats m)"
}

@test "-n checks the arguments and makes no file or socket" {
	run -0 colo-mirror -n --outdev unix-listen:x.sock --guest pcap:x.pcap
	[ -z "$output" ]
	run -0 colo-redirector -n --indev unix-listen:x.sock --guest null:
	[ -z "$(ls)" ]
}

@test "--help and the man page name the same options" {
	n=0
	for tool in "$BIN"/colo-*; do
		name=${tool##*/}
		for page in "$TOP"/*/"$name.1"; do
			[ -e "$page" ] || continue
			"$tool" --help >help
			grep -oE '^  --[a-z-]+' help | tr -d ' ' | sort >in_help
			grep '^\.It Fl ' "$page" |
				grep -oE 'Fl (\\)?-[a-z-]+' |
				sed 's/^Fl \\\{0,1\}/-/' | sort >in_page
			diff in_help in_page || fail "$name: --help, man page"
			# `Fl outdev` is -outdev, which no program knows;
			# -qmp is one of QEMU's
			sed 's/^--//; /^qmp$/d' in_help | while read -r option; do
				! grep -nE "Fl $option( |\$)" "$page" || exit 1
			done || fail "$name: an option with one dash"
			n=$((n + 1))
		done
		"$tool" --version | grep -q "^$name " || fail "$name --version"
	done
	[ "$n" -gt 0 ]
}
