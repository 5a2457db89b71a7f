#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# colo-rewriter as a process. The peer is 10.0.0.1:1024, the guest 10.0.0.2:80;
# the peer's ISN is 1000, the primary's 5000, the secondary's 9000.
# shellcheck disable=SC2030,SC2031

bats_require_minimum_version 1.5.0

setup() {
	ROOT=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
	BIN=$(cd "$ROOT" && cd "${COLO_BIN:-bin}" && pwd)
	cd "$BATS_TEST_TMPDIR" || return
	PIDS=()
}

teardown() {
	for pid in "${PIDS[@]}"; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	return 0
}

unhex() { sed 's/../\\x&/g' | xargs -0 printf; }

# segment tx|rx SEQ ACK FLAGS [PORT]: a frame; its checksum is nobody's matter
segment() {
	local port=${5:-1024}
	local ends='0a0000010a000002' ports
	printf -v ports '%04x0050' "$port"
	if [ "$1" = rx ]; then
		ends='0a0000020a000001'
		printf -v ports '0050%04x' "$port"
	fi
	printf '5254000000015254000000020800450000280000000040060000%s%s' \
		"$ends" "$ports"
	printf '%08x%08x50%02x000000000000' "$2" "$3" "$4"
}
SYN=2 SYNACK=18 ACK=16

# wire HEX...: the frames as they stand on a data socket
wire() {
	for f; do
		printf '%08x%s' $((${#f} / 2)) "$f"
	done | unhex
}

# numbers FILE: seq and ack of each frame, a line each
numbers() {
	local hex i
	hex=$(od -An -v -tx1 "$1" | tr -d ' \n')
	for ((i = 0; i + 116 <= ${#hex}; i += 116)); do
		echo $((16#${hex:i+84:8})) $((16#${hex:i+92:8}))
	done
}

# capture HEX...: a pcap file; a frame every 10 ms
capture() {
	local us=0
	{
		printf 'a1b2c3d400020004%016x0001000000000001' 0
		for f; do
			printf '%08x%08x%08x%08x%s' 1700000000 "$us" \
				$((${#f} / 2)) $((${#f} / 2)) "$f"
			us=$((us + 10000))
		done
	} | unhex
}

# Waits until the command is true; shows the log if it never is.
until_true() {
	local end=$((SECONDS + 10))
	until "$@"; do
		if [ $SECONDS -ge $end ]; then
			echo "never: $*"
			cat log
			return 1
		fi
		sleep 0.02
	done
}

# start OPTION...: colo-rewriter between n.sock and g.sock and the files
# to-net and to-guest; the writers are up when it returns
start() {
	[ -p ready ] || mkfifo ready n g
	"$BIN/colo-rewriter" --net-in unix-listen:n.sock --net-out fd:8 \
		--guest-in unix-listen:g.sock --guest-out fd:9 \
		--notify-fd 7 "$@" 8>>to-net 9>>to-guest 2>>log 7>ready 3>&- &
	REWRITER=$!
	read -r <ready
	socat -u PIPE:n UNIX-CONNECT:n.sock 3>&- &
	PIDS=("$REWRITER" $!)
	socat -u PIPE:g UNIX-CONNECT:g.sock 3>&- &
	PIDS+=($!)
	exec 5>n 6>g
}

# tx|rx SEQ ACK FLAGS [PORT]: from the net, from the guest
tx() { wire "$(segment tx "$@")" >&5; }
rx() { wire "$(segment rx "$@")" >&6; }
at_guest() { [ "$(numbers to-guest | tail -1)" = "$1" ]; }
at_net() { [ "$(numbers to-net | tail -1)" = "$1" ]; }
logged() { grep -q -- "$1" log; }

# count NAME: a counter's value now
count() {
	: >log
	kill -USR1 "$REWRITER"
	until_true logged 'role.checkpoints=' >&2
	sed -n "s/.*[ .]$1=\([0-9]*\).*/\1/p" log | head -1
}
counts() { [ "$(count "$1")" = "$2" ]; }

# kill -9, and its writers with it
killed() {
	kill -9 "$REWRITER"
	kill "${PIDS[@]:1}" 2>/dev/null
	wait "${PIDS[@]}" || true
}

stop() {
	kill "$REWRITER"
	wait "$REWRITER"
}

# A client opens a connection.
open_passive() {
	tx 1000 0 $SYN && until_true at_guest "1000 0"
	rx 9000 1001 $SYNACK && until_true at_net "9000 1001"
	tx 1001 5001 $ACK && until_true at_guest "1001 9001"
}

@test "a connection in captures: translated on the packets' clock" {
	capture "$(segment tx 1000 0 $SYN)" "$(segment tx 1001 5001 $ACK)" \
		"$(segment tx 1001 5001 $ACK)" >net.pcap
	# the guest answers 25 ms later than the primary
	capture "$(segment rx 1 1 $ACK 9)" "$(segment rx 1 2 $ACK 9)" \
		"$(segment rx 1 3 $ACK 9)" "$(segment rx 9000 1001 $SYNACK)" \
		"$(segment rx 9001 1001 $ACK)" >guest.pcap
	run -0 "$BIN/colo-rewriter" --net-in pcap:net.pcap \
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

@test "standard input to standard output: the net side is a pipe" {
	wire "$(segment tx 1000 0 $SYN)" >in
	"$BIN/colo-rewriter" --guest null: <in >out
	[ ! -s out ]
	run -0 "$BIN/colo-rewriter" --net null: </dev/null
	"$BIN/colo-rewriter" --net-in - --net-out null: --guest-in null: \
		--guest-out - <in >out
	cmp in out
}

@test "live: both ways, and the account is exact" {
	start
	open_passive
	rx 9001 1001 $ACK && until_true at_net "5001 1001"
	tx 1001 5001 $ACK 77 && until_true at_guest "1001 5001"	# unknown
	tx 1000 0 $SYN 78 && until_true at_guest "1000 0"
	tx 1001 5001 $ACK 78					# held
	until_true counts in 7
	count in
	logged 'stats: in=7 originated=0 copied=0 out=6 merged=0 held=1 dropped=0'
	logged 'translated.tx=1'
	logged 'translated.rx=1'
	logged 'passed.unknown=1'
	stop
}

@test "--unknown drop is counted, and so is what is dropped at the bound" {
	start --unknown drop --max-held 100
	tx 1 2 $ACK 77
	tx 1000 0 $SYN 78 && until_true at_guest "1000 0"
	tx 1001 5001 $ACK 78		# 54 bytes: one fits
	tx 1001 5001 $ACK 78
	until_true counts in 4
	count in
	logged 'in=4 originated=0 copied=0 out=1 merged=0 held=1 dropped=2'
	logged 'dropped.unknown=1'
	logged 'dropped.hold-full=1'
	stop
}

@test "SIGHUP is a checkpoint: offsets are 0, what was held goes on" {
	start
	open_passive
	tx 1000 0 $SYN 78 && until_true at_guest "1000 0"
	tx 1001 5001 $ACK 78
	until_true counts held 1
	kill -HUP "$REWRITER"
	until_true at_guest "1001 5001"
	tx 1001 5009 $ACK && until_true at_guest "1001 5009"
	rx 5009 1001 $ACK && until_true at_net "5009 1001"
	stop
}

@test "SIGUSR2 is failover: offsets stay, new connections pass" {
	start
	open_passive
	kill -USR2 "$REWRITER"
	until_true logged 'event: translated: 1 connections'
	tx 1001 5001 $ACK && until_true at_guest "1001 9001"
	tx 1000 0 $SYN 79 && until_true at_guest "1000 0"
	rx 9000 1001 $SYNACK 79 && until_true at_net "9000 1001"
	tx 1001 9002 $ACK 79 && until_true at_guest "1001 9002"
	kill -HUP "$REWRITER"
	until_true logged 'no checkpoint after a failover'
	tx 1001 5002 $ACK && until_true at_guest "1001 9002"
	stop
}

@test "kill -9 and restart keep offsets, clocks and the role" {
	mkdir state
	start --state-dir state
	open_passive
	tx 1000 0 $SYN 78 && until_true at_guest "1000 0"
	killed
	start --state-dir state
	tx 1001 5001 $ACK && until_true at_guest "1001 9001"
	rx 9000 1001 $SYNACK 78 && until_true at_net "9000 1001"
	tx 1001 5001 $ACK 78 && until_true at_guest "1001 9001"
	kill -USR2 "$REWRITER"
	until_true logged 'event: failover: done'
	killed
	start --state-dir state
	logged 'event: role: failover'
	rx 9001 1001 $ACK && until_true at_net "5001 1001"
	tx 1000 0 $SYN 80 && until_true at_guest "1000 0"
	rx 9000 1001 $SYNACK 80 && until_true at_net "9000 1001"
	tx 1001 9001 $ACK 80 && until_true at_guest "1001 9001"
	run ! logged state-lost
	stop
}

@test "a lost table is told when a connection misses it" {
	mkdir state
	start --state-dir state
	open_passive
	killed
	rm state/flows
	start --state-dir state
	run ! logged state-lost
	tx 1001 5001 $ACK && until_true at_guest "1001 5001"
	until_true logged 'event: state-lost'
	killed
	: >log
	printf 'garbage' | dd of=state/flows conv=notrunc status=none
	start --state-dir state
	logged 'event: state-lost'
	stop
}

@test "a second process on the same table is refused" {
	mkdir state
	start --state-dir state
	run -1 "$BIN/colo-rewriter" --state-dir state --net null: --guest null:
	[ "$output" = "colo-rewriter: error: state-dir: state: another process uses it" ]
	tx 1000 0 $SYN && until_true at_guest "1000 0"
	stop
}

@test "--translate=off passes everything as it is" {
	start --translate=off
	tx 1000 0 $SYN && until_true at_guest "1000 0"
	rx 9000 1001 $SYNACK && until_true at_net "9000 1001"
	tx 1001 5001 $ACK && until_true at_guest "1001 5001"
	stop
}

@test "bad arguments are one clear line, status 2" {
	for args in "--max-flows 0" "--unknown keep" "--translate=some" \
		"--net null: --net-in null:" "--frobnicate"; do
		# shellcheck disable=SC2086
		run -2 "$BIN/colo-rewriter" $args </dev/null
		[ "${#lines[@]}" -le 2 ] || { echo "$args: $output"; return 1; }
		[[ ${lines[0]} == colo-rewriter:* ]]
	done
	run -1 "$BIN/colo-rewriter" --state-dir nowhere --net null: \
		--guest null:
	[[ $output == "colo-rewriter: error: state-dir: nowhere:"* ]]
	run -0 "$BIN/colo-rewriter" -n --max-flows 5
}

@test "every option of --help is in the man page" {
	man=$(mandoc -T ascii "$ROOT/rewriter/colo-rewriter.1" | col -b)
	for option in $("$BIN/colo-rewriter" --help |
		sed -n 's/^  \(--[a-z-]*\).*/\1/p'); do
		grep -q -- "$option" <<<"$man" || { echo "$option"; return 1; }
	done
	mandoc -T lint -W warning "$ROOT/rewriter/colo-rewriter.1"
}
