#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# colo-rewriter as a process. The peer is 10.0.0.1:1024, the guest 10.0.0.2:80. The
# initial sequence number of the peer is 1000, of the primary 5000, of the secondary
# 9000.
# shellcheck disable=SC2030,SC2031

load helpers
load packets
SYN=2 SYNACK=18 ACK=16

# start_rewriter OPTION...: starts colo-rewriter, which reads n.sock and g.sock and
# writes to the files to-net and to-guest. Then descriptor 5 leads to n.sock, 6 to
# g.sock.
start_rewriter() {
	start rewriter colo-rewriter --net-in unix-listen:n.sock \
		--net-out fd:7 --guest-in unix-listen:g.sock --guest-out fd:8 \
		"$@" 7>>to-net 8>>to-guest
	feeder n UNIX-CONNECT:n.sock
	feeder g UNIX-CONNECT:g.sock
	exec 5>n 6>g
}

# tx SEQ ACK FLAGS [PORT]: sends a segment from the net; rx: from the guest
tx() { wire "$(segment tx "$@")" >&5; }
rx() { wire "$(segment rx "$@")" >&6; }
at_guest() { [ "$(numbers to-guest | tail -1)" = "$1" ]; }
at_net() { [ "$(numbers to-net | tail -1)" = "$1" ]; }

# open_passive: a client opens a connection
open_passive() {
	tx 1000 0 $SYN && wait_for at_guest "1000 0"
	rx 9000 1001 $SYNACK && wait_for at_net "9000 1001"
	tx 1001 5001 $ACK && wait_for at_guest "1001 9001"
}

@test "a connection in captures is translated, by the packets' times" {
	pcap 1700000000 10000 "$(segment tx 1000 0 $SYN)" \
		"$(segment tx 1001 5001 $ACK)" \
		"$(segment tx 1001 5001 $ACK)" >net.pcap
	# the guest answers 25 ms later than the primary
	pcap 1700000000 10000 "$(segment rx 1 1 $ACK 9)" \
		"$(segment rx 1 2 $ACK 9)" \
		"$(segment rx 1 3 $ACK 9)" "$(segment rx 9000 1001 $SYNACK)" \
		"$(segment rx 9001 1001 $ACK)" >guest.pcap
	run -0 colo-rewriter --net-in pcap:net.pcap \
		--guest-in pcap:guest.pcap --net-out pcap:out.pcap \
		--guest-out pcap:in.pcap
	[ "$output" = "" ]
	run -0 --separate-stderr tshark -r in.pcap -o tcp.relative_sequence_numbers:FALSE \
		-T fields -e tcp.seq_raw -e tcp.ack_raw
	[ "$output" = $'1000\t0\n1001\t9001\n1001\t9001' ]
	run -0 --separate-stderr tshark -r out.pcap -o tcp.relative_sequence_numbers:FALSE \
		-T fields -e tcp.seq_raw -e tcp.ack_raw
	[ "${lines[3]}" = $'5000\t1001' ]
	[ "${lines[4]}" = $'5001\t1001' ]
}

@test "the net side may be standard input and output" {
	wire "$(segment tx 1000 0 $SYN)" >in
	colo-rewriter --guest null: <in >out
	[ ! -s out ]
	run -0 colo-rewriter --net null: </dev/null
	colo-rewriter --net-in - --net-out null: --guest-in null: \
		--guest-out - <in >out
	cmp in out
}

@test "live segments are translated both ways, and the account is exact" {
	start_rewriter
	open_passive
	rx 9001 1001 $ACK && wait_for at_net "5001 1001"
	tx 1001 5001 $ACK 77 && wait_for at_guest "1001 5001"	# unknown
	tx 1000 0 $SYN 78 && wait_for at_guest "1000 0"
	tx 1001 5001 $ACK 78					# held
	wait_for stat_is rewriter in 7
	s=$(stats rewriter)
	grep 'stats: in=7 originated=0 copied=0 out=6 merged=0 held=1 dropped=0' \
		<<<"$s"
	[ "$(value "$s" translated.tx)" -eq 1 ]
	[ "$(value "$s" translated.rx)" -eq 1 ]
	[ "$(value "$s" passed.unknown)" -eq 1 ]
	stop rewriter
}

@test "--unknown drop and --max-held drop segments and count them" {
	start_rewriter --unknown drop --max-held 100
	tx 1 2 $ACK 77
	tx 1000 0 $SYN 78 && wait_for at_guest "1000 0"
	tx 1001 5001 $ACK 78		# 54 bytes: one fits
	tx 1001 5001 $ACK 78
	wait_for stat_is rewriter in 4
	s=$(stats rewriter)
	grep 'in=4 originated=0 copied=0 out=1 merged=0 held=1 dropped=2' <<<"$s"
	[ "$(value "$s" dropped.unknown)" -eq 1 ]
	[ "$(value "$s" dropped.hold-full)" -eq 1 ]
	stop rewriter
}

@test "SIGHUP means a checkpoint: offsets are 0, held segments leave" {
	start_rewriter
	open_passive
	tx 1000 0 $SYN 78 && wait_for at_guest "1000 0"
	tx 1001 5001 $ACK 78
	wait_for stat_is rewriter held 1
	kill -HUP "${PIDS[rewriter]}"
	wait_for at_guest "1001 5001"
	tx 1001 5009 $ACK && wait_for at_guest "1001 5009"
	rx 5009 1001 $ACK && wait_for at_net "5009 1001"
	stop rewriter
}

@test "SIGUSR2 means failover: offsets stay, new connections pass unchanged" {
	start_rewriter
	open_passive
	kill -USR2 "${PIDS[rewriter]}"
	wait_for logged rewriter 'event: translated: 1 connections'
	tx 1001 5001 $ACK && wait_for at_guest "1001 9001"
	tx 1000 0 $SYN 79 && wait_for at_guest "1000 0"
	rx 9000 1001 $SYNACK 79 && wait_for at_net "9000 1001"
	tx 1001 9002 $ACK 79 && wait_for at_guest "1001 9002"
	kill -HUP "${PIDS[rewriter]}"
	wait_for logged rewriter 'no checkpoint after a failover'
	tx 1005 5000 $ACK && wait_for at_guest "1005 9000"
	stop rewriter
}

@test "an acknowledgement of bytes that the guest has not sent is lowered, with an event" {
	start_rewriter
	open_passive
	tx 1005 5501 $ACK && wait_for at_guest "1005 9001"
	[ "$(value "$(stats rewriter)" ack.lowered)" -eq 1 ]
	kill -USR2 "${PIDS[rewriter]}"
	wait_for logged rewriter \
		'event: uncompared-at-failover: 500 bytes, of 1 connections'
	stop rewriter
	: >rewriter.log
	start_rewriter --translate no-lower
	open_passive
	tx 1005 5501 $ACK && wait_for at_guest "1005 9501"
	stop rewriter
}

@test "kill -9 and a restart keep offsets, clocks and the role" {
	mkdir state
	start_rewriter --state-dir state
	open_passive
	tx 1000 0 $SYN 78 && wait_for at_guest "1000 0"
	crash rewriter
	start_rewriter --state-dir state
	tx 1001 5001 $ACK && wait_for at_guest "1001 9001"
	rx 9000 1001 $SYNACK 78 && wait_for at_net "9000 1001"
	tx 1001 5001 $ACK 78 && wait_for at_guest "1001 9001"
	kill -USR2 "${PIDS[rewriter]}"
	wait_for logged rewriter 'event: failover: done'
	crash rewriter
	start_rewriter --state-dir state
	logged rewriter 'event: role: failover'
	rx 9001 1001 $ACK && wait_for at_net "5001 1001"
	tx 1000 0 $SYN 80 && wait_for at_guest "1000 0"
	rx 9000 1001 $SYNACK 80 && wait_for at_net "9000 1001"
	tx 1001 9001 $ACK 80 && wait_for at_guest "1001 9001"
	run ! logged rewriter state-lost
	stop rewriter
}

@test "a lost table is reported when a connection needs it" {
	mkdir state
	start_rewriter --state-dir state
	open_passive
	crash rewriter
	rm state/flows
	start_rewriter --state-dir state
	run ! logged rewriter state-lost
	tx 1001 5001 $ACK && wait_for at_guest "1001 5001"
	wait_for logged rewriter 'event: state-lost'
	crash rewriter
	: >rewriter.log
	printf 'garbage' | dd of=state/flows conv=notrunc status=none
	start_rewriter --state-dir state
	logged rewriter 'event: state-lost'
	stop rewriter
}

# saved COUNT: so many connections have got into the file that lacked them
saved() {
	[ "$(sed -n 's/.*event: state-saved: .* has \([0-9]*\) connections* that.*/\1/p' \
		rewriter.log | awk '{ n += $1 } END { print n + 0 }')" -eq "$1" ]
}

@test "a table file that somebody truncates is written again" {
	mkdir state
	start_rewriter --state-dir state
	open_passive
	: >state/flows
	tx 1000 0 $SYN 78 && wait_for at_guest "1000 0"
	tx 1001 5001 $ACK && wait_for at_guest "1001 9001"
	# at once, or one and then the other
	wait_for saved 2
	crash rewriter
	start_rewriter --state-dir state
	tx 1001 5001 $ACK && wait_for at_guest "1001 9001"
	rm state/flows
	wait_for logged rewriter \
		'event: state-unsaved: state/flows lacks 2 connections'
	tx 1005 5000 $ACK && wait_for at_guest "1005 9000"
	stop rewriter
}

# The file grows by 8192 connections at a time, just over 1 MiB.
@test "a full disk for the table is reported, and its end, too" {
	local frames
	small_disk 3000k
	head -c 1600000 /dev/zero >"$DISK/other"
	mkdir "$DISK/state"
	start_rewriter --state-dir "$DISK/state"
	open_passive
	mapfile -t frames < <(from_ports 8192 "$(segment tx 1000 0 $SYN)")
	wire "${frames[@]}" >&5
	wait_for logged rewriter 'event: state-unsaved: .*/flows lacks 1 conn'
	rx 9001 1001 $ACK && wait_for at_net "5001 1001"
	rm "$DISK/other"
	wait_for logged rewriter 'event: state-saved: .*/flows has 1 conn'
	[ "$(grep -c 'event: state-' rewriter.log)" -eq 2 ]
	stop rewriter
}

# The rewriter believes these files, so nobody else may have written them.
@test "a state file that others can have written is refused" {
	local name
	for name in flows ROLE; do
		mkdir state
		echo colo >other
		wrong() {
			run -1 colo-rewriter --state-dir state --net null: \
				--guest null:
			[[ $output == *"Z colo-rewriter["*"]: error: state-dir: $1" ]]
			rm -rf "state/$name"
		}
		install -m 660 other "state/$name"
		wrong "state/$name: not a file that only we can have written"
		ln other "state/$name"
		wrong "state/$name: not a file that only we can have written"
		mkfifo -m 600 "state/$name"
		wrong "state/$name: not a file that only we can have written"
		ln -s ../other "state/$name"
		wrong "state: too many symbolic links encountered"
		if [ "$(id -u)" -eq 0 ]; then
			install -o 12345 other "state/$name"
			wrong "state/$name: not a file that only we can have written"
		fi
		rm -r state
	done
}

@test "a second process with the same --state-dir is refused" {
	mkdir state
	start_rewriter --state-dir state
	run -1 colo-rewriter --state-dir state --net null: --guest null:
	[[ $output == *": error: state-dir: state: another process uses it" ]]
	tx 1000 0 $SYN && wait_for at_guest "1000 0"
	stop rewriter
}

@test "--translate=off passes every segment unchanged" {
	start_rewriter --translate=off
	tx 1000 0 $SYN && wait_for at_guest "1000 0"
	rx 9000 1001 $SYNACK && wait_for at_net "9000 1001"
	tx 1001 5001 $ACK && wait_for at_guest "1001 5001"
	stop rewriter
}

# In a whole chain no client's ACK comes so early: colo-compare releases the
# primary's SYN+ACK only when the secondary has sent its own. QEMU's colo-compare
# does not wait for that.
@test "an ACK waits for the guest's SYN+ACK, but not with --translate=no-hold" {
	start_rewriter --translate=no-hold
	tx 1000 0 $SYN && wait_for at_guest "1000 0"
	tx 1001 5001 $ACK && wait_for at_guest "1001 5001"
	stop rewriter
	start_rewriter
	tx 1000 0 $SYN && wait_for at_guest "1000 0"
	tx 1001 5001 $ACK && wait_for stat_is rewriter held 1
	rx 9000 1001 $SYNACK && wait_for at_guest "1001 9001"
	stop rewriter
}

@test "bad arguments end with status 2 and one line" {
	for args in "--max-flows 0" "--unknown keep" "--translate=some" \
		"--net null: --net-in null:" "--frobnicate"; do
		# shellcheck disable=SC2086
		run -2 colo-rewriter $args </dev/null
		[ "${#lines[@]}" -le 2 ] || { echo "$args: $output"; return 1; }
		[[ ${lines[0]} == colo-rewriter:* ]]
	done
	run -1 colo-rewriter --state-dir nowhere --net null: --guest null:
	[[ $output == *": error: state-dir: nowhere:"* ]]
	run -0 colo-rewriter -n --max-flows 5
}

@test "every option of --help is in the man page" {
	man=$(mandoc -T ascii "$TOP/rewriter/colo-rewriter.1" | col -b)
	for option in $(colo-rewriter --help |
		sed -n 's/^  \(--[a-z-]*\).*/\1/p'); do
		grep -q -- "$option" <<<"$man" || { echo "$option"; return 1; }
	done
	mandoc -T lint -W warning "$TOP/rewriter/colo-rewriter.1"
}
