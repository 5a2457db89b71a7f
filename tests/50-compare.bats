#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# colo-compare as a process. Frames are hex text until the last moment.
# shellcheck disable=SC2016,SC2030,SC2031

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

hex() { printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'; }
unhex() { sed 's/../\\x&/g' | xargs -0 printf; }

# udp ID TEXT: an Ethernet frame from 10.0.0.1:80 to 10.0.0.2:1000
udp() {
	local n=${#2}
	printf '525400000001525400000002080045%02x%04x%04x' 0 $((28 + n)) "$1"
	printf '0000401100000a0000010a000002005003e8%04x0000' $((8 + n))
	hex "$2"
}

# wire HEX...: the frames as they stand on a data socket
wire() {
	for f; do
		printf '%08x%s' $((${#f} / 2)) "$f"
	done | unhex
}

# capture SECONDS HEX...: a pcap file, a frame a millisecond
capture() {
	local t=$1 us=0
	shift
	{
		printf 'a1b2c3d400020004%016x0001000000000001' 0
		for f; do
			printf '%08x%08x%08x%08x%s' "$t" "$us" \
				$((${#f} / 2)) $((${#f} / 2)) "$f"
			us=$((us + 1000))
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

# start OPTION...: colo-compare between p.sock, s.sock and the file out; both
# writers are up when it returns, on descriptors 5 and 6
start() {
	mkfifo ready p s
	"$BIN/colo-compare" --primary-in unix-listen:p.sock \
		--secondary-in unix-listen:s.sock --outdev - --notify-fd 7 \
		"$@" >>out 2>>log 7>ready 3>&- &
	COMPARE=$!
	PIDS+=("$COMPARE")
	read -r <ready
	socat -u PIPE:p UNIX-CONNECT:p.sock 3>&- &
	PIDS+=($!)
	socat -u PIPE:s UNIX-CONNECT:s.sock 3>&- &
	PIDS+=($!)
	exec 5>p 6>s
}

primary() { wire "$@" >&5; }
secondary() { wire "$@" >&6; }
came_out() { cmp -s out <(wire "$@"); }
notified() { cmp -s notified <(for m; do wire "$(hex "$m")"; done); }
logged() { grep -q -- "$1" log; }

# count NAME: a counter's value now
count() {
	: >log
	kill -USR1 "$COMPARE"
	until_true logged 'asked.queue=' >&2
	sed -n "s/.*[ .]$1=\([0-9]*\).*/\1/p" log | head -1
}
counts() { [ "$(count "$1")" = "$2" ]; }

# stop: ends the process; its exit status
stop() {
	kill "$COMPARE"
	wait "$COMPARE"
}

@test "what both sent leaves once, in order, and the account is exact" {
	start
	primary "$(udp 1 one)" "$(udp 2 two)" "$(udp 3 three)"
	secondary "$(udp 7 one)" "$(udp 8 two)"
	until_true came_out "$(udp 1 one)" "$(udp 2 two)"
	until_true counts in 5
	count in
	grep 'stats: in=5 originated=0 copied=0 out=2 merged=0 held=1 dropped=2' \
		log
	stop
	came_out "$(udp 1 one)" "$(udp 2 two)" "$(udp 3 three)"
}

@test "a difference is counted and let go with --checkpoint none" {
	start
	primary "$(udp 1 one)"
	secondary "$(udp 1 two)"
	until_true came_out "$(udp 1 one)"
	until_true counts payload 1
	stop
}

@test "notify-dev speaks QEMU's Xen protocol" {
	mkfifo n
	socat UNIX-LISTEN:n.sock 'OPEN:n,rdonly!!CREATE:notified' 3>&- &
	PIDS+=($!)
	until_true test -S n.sock
	start --notify-dev unix:n.sock --checkpoint-retry 60000
	exec 8>n
	primary "$(udp 1 one)"
	secondary "$(udp 1 two)"
	until_true notified DO_CHECKPOINT
	[ ! -s out ]
	wire "$(hex COLO_CHECKPOINT)" >&8
	until_true came_out "$(udp 1 one)"
	wire "$(hex COLO_USERSPACE_PROXY_INIT)" "$(hex nonsense)" >&8
	until_true notified DO_CHECKPOINT COLO_COMPARE_GET_XEN_INIT
	until_true logged 'notify-dev: unknown message'
	stop
}

@test "exec: runs the command until it succeeds, with reason and flow" {
	cat >checkpoint <<-'END'
		echo "$COLO_REASON $COLO_FLOW" >>asked
		[ "$(wc -l <asked)" -ge 2 ]
	END
	start --checkpoint 'exec:. ./checkpoint' --checkpoint-retry 50
	primary "$(udp 1 one)"
	secondary "$(udp 1 two)"
	until_true came_out "$(udp 1 one)"
	[ "$(sort -u asked)" = 'payload udp 10.0.0.1:80 > 10.0.0.2:1000' ]
	[ "$(wc -l <asked)" -eq 2 ]
	stop
}

@test "SIGHUP says that a checkpoint was made" {
	start --checkpoint 'exec:false' --checkpoint-retry 60000
	primary "$(udp 1 one)"
	secondary "$(udp 1 two)"
	until_true logged 'the command failed with status 1'
	[ ! -s out ]
	kill -HUP "$COMPARE"
	until_true came_out "$(udp 1 one)"
	stop
}

@test "a packet that waits too long asks for a checkpoint" {
	start --compare-timeout 100 --checkpoint 'exec:echo $COLO_REASON >why'
	primary "$(udp 1 one)"
	until_true came_out "$(udp 1 one)"
	[ "$(cat why)" = timeout ]
	stop
}

@test "failover passes the primary, and a restart remembers" {
	mkdir state
	start --state-dir state
	primary "$(udp 1 one)"
	secondary "$(udp 1 xxx)" "$(udp 1 yyy)"
	kill -USR2 "$COMPARE"
	until_true logged 'event: failover'
	primary "$(udp 2 two)"
	until_true came_out "$(udp 1 one)" "$(udp 2 two)"
	kill -KILL "$COMPARE"
	wait "$COMPARE" || true
	rm -f out ready p s p.sock s.sock
	start --state-dir state
	primary "$(udp 3 three)"
	until_true came_out "$(udp 3 three)"
	stop
}

@test "a checkpoint is asked for after an unclean end, not after a clean one" {
	mkdir state
	start --state-dir state --checkpoint 'exec:echo $COLO_REASON >>why'
	stop
	rm -f ready p s
	start --state-dir state --checkpoint 'exec:echo $COLO_REASON >>why'
	kill -KILL "$COMPARE"
	wait "$COMPARE" || true
	[ ! -e why ]
	rm -f ready p s
	start --state-dir state --checkpoint 'exec:echo $COLO_REASON >>why'
	until_true test -s why
	[ "$(cat why)" = restart ]
	stop
}

@test "an input that comes back goes on: what was held still is" {
	start
	primary "$(udp 1 one)"
	until_true counts held 1
	kill "${PIDS[2]}"
	exec 6>&-
	rm s
	mkfifo s
	socat -u PIPE:s UNIX-CONNECT:s.sock,retry=100,interval=0.05 3>&- &
	PIDS+=($!)
	exec 6>s
	secondary "$(udp 1 one)"
	until_true came_out "$(udp 1 one)"
	stop
}

@test "captures: 0 same, 1 different, 2 trouble" {
	capture 1 "$(udp 1 one)" "$(udp 2 two)" >p.pcap
	capture 9 "$(udp 8 one)" "$(udp 9 two)" >s.pcap
	capture 5 "$(udp 8 one)" "$(udp 9 too)" >other.pcap
	capture 5 "$(udp 8 one)" >less.pcap
	compare() {
		"$BIN/colo-compare" --primary-in pcap:p.pcap \
			--secondary-in "pcap:$1" "${@:2}"
	}
	run -0 compare s.pcap
	[[ $output = *'differences: 0'* ]]
	compare s.pcap --outdev - 2>/dev/null |
		cmp - <(wire "$(udp 1 one)" "$(udp 2 two)")
	run -1 compare other.pcap --report report
	[ "${lines[0]}" = '0.001000 udp 10.0.0.1:80 > 10.0.0.2:1000 offset 1: payload' ]
	[ "${lines[1]}" = "  primary   77 6f$(printf '   %.0s' {1..14})  wo" ]
	[ "${lines[2]}" = "  secondary 6f 6f$(printf '   %.0s' {1..14})  oo" ]
	[ "${lines[3]}" = 'packets: primary 2, secondary 2' ]
	[ "${lines[4]}" = 'differences: 1, payload 1' ]
	[ "$(jq -r '.kind + " " + .primary' report)" = 'payload 776f' ]
	run -0 compare other.pcap --ignore payload@1+1
	[[ $output = *'ignored 1'* ]]
	run -1 compare less.pcap
	[[ $output = *'offset 0: missing'* ]]
	run -1 compare other.pcap --from 10.0.0.1:80
	run -0 compare other.pcap --from 10.0.0.1:81
	[[ $output = *'packets: primary 0, secondary 0'* ]]
	run -2 compare none.pcap
	run -2 compare s.pcap --from nowhere
	run -2 compare s.pcap --ignore noise
}

@test "--dry-run holds nothing and reports" {
	start --dry-run --compare-timeout 100
	primary "$(udp 1 one)"
	until_true came_out "$(udp 1 one)"
	until_true logged 'offset 0: missing'
	stop
	logged 'differences: 1, missing 1'
}

@test "bad usage exits 2 with one line" {
	run -2 "$BIN/colo-compare"
	[ "${#lines[@]}" -eq 1 ]
	run -2 "$BIN/colo-compare" --primary-in null: --secondary-in null: \
		--outdev null: --checkpoint maybe
	[[ $output = *'maybe is none of'* ]]
	run -2 "$BIN/colo-compare" --primary-in null: --secondary-in null: \
		--outdev null: --checkpoint notify
	[ "${#lines[@]}" -eq 1 ]
}
