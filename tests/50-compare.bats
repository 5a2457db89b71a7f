#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# colo-compare as a process. Frames are hex text until `wire` sends them.
# shellcheck disable=SC2016,SC2030,SC2031

load helpers
load packets
load sides

# start_compare OPTION...: starts colo-compare, which reads p.sock and s.sock and
# writes to the file out. Then descriptor 5 leads to p.sock, 6 to s.sock.
start_compare() {
	start compare colo-compare --primary-in unix-listen:p.sock \
		--secondary-in unix-listen:s.sock --outdev - "$@" >>out
	feed_sides
}

notified() { cmp -s notified <(for m; do wire "$(hex "$m")"; done); }

# QEMU fault 18: it has no counters.
@test "what both sent leaves once, in order, and the account is exact" {
	start_compare
	primary "$(udp 1 one)" "$(udp 2 two)" "$(udp 3 three)"
	secondary "$(udp 7 one)" "$(udp 8 two)"
	wait_for came_out "$(udp 1 one)" "$(udp 2 two)"
	wait_for stat_is compare in 5
	stats compare |
		grep 'stats: in=5 originated=0 copied=0 out=2 merged=0 held=1 dropped=2'
	stop compare
	came_out "$(udp 1 one)" "$(udp 2 two)" "$(udp 3 three)"
}

@test "--checkpoint none: a difference is counted, and the frame leaves" {
	start_compare
	primary "$(udp 1 one)"
	secondary "$(udp 1 two)"
	wait_for came_out "$(udp 1 one)"
	wait_for stat_is compare asked.payload 1
	wait_for logged compare 'event: uncompared: 1 frames with 3 bytes .* have left: payload udp 10.0.0.1:80 > 10.0.0.2:1000'
	stop compare
}

@test "--checkpoint hold: nothing leaves uncompared, and events say what waits" {
	start_compare --checkpoint hold --compare-timeout 50 --log-level info
	primary "$(udp 1 one)"
	wait_for logged compare 'event: waits: udp 10.0.0.1:80 > 10.0.0.2:1000: for the secondary to say the same, for [0-9]+ ms'
	[ ! -s out ]
	secondary "$(udp 7 one)"
	wait_for came_out "$(udp 1 one)"
	wait_for logged compare 'event: waits-over: udp 10.0.0.1:80 > 10.0.0.2:1000'
	primary "$(udp 2 two)"
	wait_for logged_n 2 compare 'event: waits:'
	stop compare
	came_out "$(udp 1 one)"
	[ "$(value "$(final_stats compare)" held)" -eq 1 ]
}

@test "--checkpoint hold: SIGHUP and SIGUSR2 release frames, the end of input does not" {
	start_compare --checkpoint hold
	primary "$(udp 1 one)"
	wait_for stat_is compare held 1
	kill -HUP "${PIDS[compare]}"
	wait_for came_out "$(udp 1 one)"
	primary "$(udp 2 two)"
	wait_for stat_is compare held 1
	kill -USR2 "${PIDS[compare]}"
	wait_for came_out "$(udp 1 one)" "$(udp 2 two)"
	wait_for logged compare 'event: uncompared-at-failover: 3 bytes in 1 frames'
	stop compare
	wire "$(udp 1 one)" | colo-compare --primary-in - --secondary-in null: \
		--outdev - --checkpoint hold --log-level info >rest 2>err
	[ ! -s rest ]
	grep 'in=1 .* out=0 merged=0 held=1' err
}

@test "notify-dev speaks QEMU's Xen protocol" {
	mkfifo n
	spawn_other notify socat UNIX-LISTEN:n.sock \
		'OPEN:n,rdonly!!CREATE:notified'
	wait_for test -S n.sock
	start_compare --notify-dev unix:n.sock --checkpoint-retry 60000
	exec 8>n
	primary "$(udp 1 one)"
	secondary "$(udp 1 two)"
	wait_for notified DO_CHECKPOINT
	[ ! -s out ]
	wire "$(hex COLO_CHECKPOINT)" >&8
	wait_for came_out "$(udp 1 one)"
	wire "$(hex COLO_USERSPACE_PROXY_INIT)" "$(hex nonsense)" >&8
	wait_for notified DO_CHECKPOINT COLO_COMPARE_GET_XEN_INIT
	wait_for logged compare 'notify-dev: unknown message'
	stop compare
}

@test "exec: the command runs until it succeeds, and is told reason and flow" {
	cat >checkpoint <<-'END'
		echo "$COLO_REASON $COLO_FLOW" >>asked
		[ "$(wc -l <asked)" -ge 2 ]
	END
	start_compare --checkpoint 'exec:. ./checkpoint' --checkpoint-retry 50
	primary "$(udp 1 one)"
	secondary "$(udp 1 two)"
	wait_for came_out "$(udp 1 one)"
	[ "$(sort -u asked)" = 'payload udp 10.0.0.1:80 > 10.0.0.2:1000' ]
	[ "$(wc -l <asked)" -eq 2 ]
	stop compare
}

@test "exec: a command that hangs is not run twice, and an event says so" {
	start_compare --checkpoint 'exec:echo run >>runs; exec sleep 1000' \
		--checkpoint-retry 50
	primary "$(udp 1 one)"
	secondary "$(udp 1 two)"
	wait_for logged compare 'event: checkpoint-unanswered: asked 3 times'
	[ "$(cat runs)" = run ]
	[ ! -s out ]
	kill -HUP "${PIDS[compare]}"
	wait_for came_out "$(udp 1 one)"
	stop compare
}

@test "exec: that nobody answers is told once" {
	start_compare --checkpoint 'exec:echo run >>runs; false' \
		--checkpoint-retry 20
	primary "$(udp 1 one)"
	secondary "$(udp 1 two)"
	has_tried() { [ "$(grep -c . runs)" -ge 8 ]; }
	wait_for has_tried
	logged_n 1 compare 'event: checkpoint-unanswered: asked 3 times'
	logged_n 1 compare 'event: checkpoint-unanswered'
	stop compare
}

@test "SIGHUP says that a checkpoint was made" {
	start_compare --checkpoint 'exec:false' --checkpoint-retry 60000
	primary "$(udp 1 one)"
	secondary "$(udp 1 two)"
	wait_for logged compare 'the command failed with status 1'
	[ ! -s out ]
	kill -HUP "${PIDS[compare]}"
	wait_for came_out "$(udp 1 one)"
	stop compare
}

# differ N PORT: primary and secondary send different datagrams to a client's port
differ() { primary "$(udp "$1" one "$2")" && secondary "$(udp "$1" two "$2")"; }

@test "while the checkpoint budget is spent only frames that differ wait" {
	start_compare --checkpoint 'exec:echo >>asked' --max-checkpoint-rate 1
	differ 1 1001
	wait_for came_out "$(udp 1 one 1001)"
	differ 2 1002
	wait_for logged compare 'event: checkpoint-budget: spent: .* for udp/10.0.0.1:80 \(2\)'
	primary "$(udp 3 same 1003)"
	secondary "$(udp 3 same 1003)"
	wait_for came_out "$(udp 1 one 1001)" "$(udp 3 same 1003)"
	[ "$(wc -l <asked)" -eq 1 ]
	[ "$(value "$(stats compare)" checkpoint.put-off)" -eq 1 ]
	[ "$(value "$(stats compare)" blame.udp/10.0.0.1:80)" -eq 2 ]
	# a checkpoint that nobody asked for releases them, too
	kill -HUP "${PIDS[compare]}"
	wait_for came_out "$(udp 1 one 1001)" "$(udp 3 same 1003)" "$(udp 2 one 1002)"
	stop compare
}

@test "a flow that asks for checkpoints again and again waits for those of others" {
	local n all=()
	start_compare --checkpoint 'exec:echo >>asked' --max-checkpoint-rate 0
	for n in 1 2 3; do
		differ $n 1001
		all+=("$(udp $n one 1001)")
		wait_for came_out "${all[@]}"
	done
	differ 4 1001
	wait_for logged compare 'event: quarantine: udp 10.0.0.1:80 > 10.0.0.2:1001: it has asked for 3 checkpoints within 60 s'
	[ "$(wc -l <asked)" -eq 3 ]
	differ 5 1002
	wait_for came_out "${all[@]}" "$(udp 4 one 1001)" "$(udp 5 one 1002)"
	# if no other flow asks, it may ask itself after ten seconds
	differ 6 1001
	wait_for stat_is compare quarantine.refused 2
	[ "$(wc -l <asked)" -eq 4 ]
	wait_for came_out "${all[@]}" "$(udp 4 one 1001)" "$(udp 5 one 1002)" \
		"$(udp 6 one 1001)"
	[ "$(wc -l <asked)" -eq 5 ]
	stop compare
}

@test "a packet that waits too long asks for a checkpoint" {
	start_compare --compare-timeout 100 --checkpoint 'exec:echo $COLO_REASON >why'
	primary "$(udp 1 one)"
	wait_for came_out "$(udp 1 one)"
	[ "$(cat why)" = timeout ]
	stop compare
}

# QEMU fault 13: its timeouts are on the wall clock.
@test "a step of the clock has no effect" {
	local so=$BUILD/tests/clock-step.so before start
	export CLOCK_STEP=$PWD/step ASAN_OPTIONS=verify_asan_link_order=0
	echo 0 >step
	start compare env LD_PRELOAD="$so" "$BIN/colo-compare" \
		--primary-in unix-listen:p.sock --secondary-in unix-listen:s.sock \
		--outdev - --compare-timeout 1000 --expired-scan-cycle 10 >>out
	feed_sides
	start=$(uptime_ms)
	primary "$(udp 1 one)"
	wait_for stat_is compare held 1
	before=$(date +%s)
	echo 3600 >step
	[ "$(LD_PRELOAD=$so date +%s)" -ge $((before + 3600)) ]
	# a step of an hour ahead does not make the timeout run out at once
	wait_for came_out "$(udp 1 one)"
	[ $(($(uptime_ms) - start)) -ge 990 ]
	primary "$(udp 2 two)"
	wait_for stat_is compare held 1
	echo -3600 >step
	# a step back does not keep the timeout from running out
	wait_for came_out "$(udp 1 one)" "$(udp 2 two)"
	stop compare
}

@test "after failover the primary's frames pass, after a restart, too" {
	mkdir state
	start_compare --state-dir state
	primary "$(udp 1 one)"
	secondary "$(udp 1 xxx)" "$(udp 1 yyy)"
	kill -USR2 "${PIDS[compare]}"
	wait_for logged compare 'event: failover'
	primary "$(udp 2 two)"
	wait_for came_out "$(udp 1 one)" "$(udp 2 two)"
	crash compare
	rm out
	start_compare --state-dir state
	primary "$(udp 3 three)"
	wait_for came_out "$(udp 3 three)"
	stop compare
}

@test "after kill -9 a checkpoint is asked for, after SIGTERM none is" {
	mkdir state
	start_compare --state-dir state --checkpoint 'exec:echo $COLO_REASON >>why'
	stop compare
	start_compare --state-dir state --checkpoint 'exec:echo $COLO_REASON >>why'
	crash compare
	[ ! -e why ]
	start_compare --state-dir state --checkpoint 'exec:echo $COLO_REASON >>why'
	# inputs that come back ask once more: their frames may be older
	wait_for grep -qx interrupted why
	[ "$(head -n 1 why)" = restart ]
	stop compare
}

@test "what was released at the end is not lost; a start that fails loses nothing" {
	mkdir state
	start_compare --state-dir state
	primary "$(udp 1 one)"
	wait_for stat_is compare held 1
	stop compare
	came_out "$(udp 1 one)"
	[ ! -e state/RUNNING ]
	fails() {
		run -1 colo-compare --state-dir state --primary-in null: \
			--secondary-in null: --outdev null: \
			--control no/such/c.ctl
		[[ $output == *'control: no/such/c.ctl: no such file'* ]]
	}
	fails
	[ ! -e state/RUNNING ]
	# and what was lost before is still lost
	start_compare --state-dir state
	crash compare
	fails
	[ -e state/RUNNING ]
}

@test "a state directory is one process's: another one neither starts nor is told of an end" {
	mkdir state
	start_compare --state-dir state
	refused 1 'error: state-dir: state: another process uses it$' \
		colo-compare --state-dir state --primary-in unix-listen:p2 \
		--secondary-in unix-listen:s2 --outdev null:
	[ -e state/RUNNING ]
	crash compare
	start_compare --state-dir state
	logged compare 'event: restarted: after an unclean end'
	stop compare
	[ ! -e state/RUNNING ]
}

@test "SIGTERM: with checkpoints, held frames do not leave" {
	mkdir state
	start_compare --state-dir state --compare-timeout 60000 \
		--log-level info --checkpoint 'exec:echo $COLO_REASON >>why'
	primary "$(udp 1 one)" "$(udp 2 two)"
	secondary "$(udp 1 one)"
	wait_for came_out "$(udp 1 one)"
	wait_for stat_is compare held 1
	[ ! -e why ]
	stop compare
	came_out "$(udp 1 one)"
	logged compare 'in=3 .* out=1 merged=0 held=1 dropped=1'
	start_compare --state-dir state --checkpoint 'exec:echo $COLO_REASON >>why'
	wait_for test -s why
	[ "$(head -n 1 why)" = restart ]
	stop compare
}

@test "frames stay held while the secondary's input is away" {
	start_compare
	primary "$(udp 1 one)"
	wait_for stat_is compare held 1
	feeder s UNIX-CONNECT:s.sock,retry=100,interval=0.05
	exec 6>s
	secondary "$(udp 1 one)"
	wait_for came_out "$(udp 1 one)"
	stop compare
}

@test "an input that comes back asks for a checkpoint, as frames may be lost" {
	start_compare --log-level info --compare-timeout 60000 \
		--checkpoint 'exec:echo $COLO_REASON >>why'
	primary "$(udp 1 one)"
	secondary "$(udp 1 one)"
	wait_for came_out "$(udp 1 one)"
	[ ! -e why ]
	primary "$(udp 2 two)"
	wait_for stat_is compare held 1
	exec 6>&-
	kill_other s
	wait_for logged compare 'event: lost: secondary-in: .*: it closed the connection'
	[ ! -e why ]
	feeder s UNIX-CONNECT:s.sock
	exec 6>s
	wait_for came_out "$(udp 1 one)" "$(udp 2 two)"
	[ "$(cat why)" = interrupted ]
	exec 5>&-
	kill_other p
	wait_for logged compare 'event: lost: primary-in: .*: it closed the connection'
	feeder p UNIX-CONNECT:p.sock
	exec 5>p
	both() { [ "$(grep -c interrupted why)" -eq 2 ]; }
	wait_for both
	stop compare
}

@test "a checkpoint's command inherits no descriptors, and dies with colo-compare" {
	frames gen --count 1 >in
	colo-mirror --guest-out pcap:s.pcap --outdev null: <in
	mkfifo held
	exec 8<>held
	start compare colo-compare --primary-in fd:8 --secondary-in pcap:s.pcap \
		--outdev fd:7 --compare-timeout 20 --checkpoint \
		'exec:ls -l /proc/self/fd >fds; echo $$ >pid; exec sleep 1000' 7>out
	wire "$(udp 1 one)" >&8
	wait_for test -s pid
	[ "$(grep -c -- ' -> ' fds)" -eq 4 ]
	grep -q ' 0 -> /dev/null' fds
	grep -q ' 1 -> .*/fds' fds
	grep -q ' 2 -> .*/compare.log' fds
	grep -q ' 3 -> /proc/' fds
	crash compare
	wait_for is_gone "$(cat pid)"
	exec 8>&-
}

@test "captures: exit status 0 means the same, 1 different, 2 trouble" {
	pcap 1 1000 "$(udp 1 one)" "$(udp 2 two)" >p.pcap
	pcap 9 1000 "$(udp 8 one)" "$(udp 9 two)" >s.pcap
	pcap 5 1000 "$(udp 8 one)" "$(udp 9 too)" >other.pcap
	pcap 5 1000 "$(udp 8 one)" >less.pcap
	compare() {
		colo-compare --primary-in pcap:p.pcap \
			--secondary-in "pcap:$1" "${@:2}"
	}
	run -0 compare s.pcap
	grep -qE '^total +0$' <<<"$output"
	compare s.pcap --outdev - 2>/dev/null |
		cmp - <(wire "$(udp 1 one)" "$(udp 2 two)")
	run -1 compare other.pcap --report report
	[ "${lines[0]}" = '0.001000 udp 10.0.0.1:80 > 10.0.0.2:1000 offset 1: payload, 1 byte' ]
	[ "${lines[1]}" = "  primary   frame 2  wo" ]
	[ "${lines[2]}" = "  secondary frame 2  oo" ]
	grep -qE '^compared +2 +2$' <<<"$output"
	grep -qE '^payload +1 +0 +0$' <<<"$output"
	[ "$(jq -r '.kind + " " + .primary.bytes' report)" = 'payload 776f' ]
	run -0 compare other.pcap --ignore payload@1+1
	grep -qE '^payload +0 +1 +0$' <<<"$output"
	run -1 compare less.pcap
	[[ $output = *'offset 0: missing, 3 bytes'* ]]
	run -1 compare other.pcap --from 10.0.0.1:80
	# nobody's address: nothing was compared
	run -2 compare other.pcap --from 10.0.0.1:81
	[[ ${lines[-1]} = *': error: report: '* ]]
	grep -qE '^compared +0 +0$' <<<"$output"
	grep -qE '^not selected +2 +2$' <<<"$output"
	run -2 compare none.pcap
	run -2 compare s.pcap --from nowhere
	run -2 compare s.pcap --ignore noise
}

@test "--dry-run holds nothing and reports differences" {
	start_compare --dry-run --compare-timeout 100
	primary "$(udp 1 one)"
	wait_for came_out "$(udp 1 one)"
	wait_for logged compare 'offset 0: timeout, primary only, 3 bytes'
	stop compare
	logged compare '^timeout +1 +0 +0$'
}

@test "bad usage ends with status 2 and one line" {
	run -2 colo-compare
	[ "${#lines[@]}" -eq 1 ]
	run -2 colo-compare --primary-in null: --secondary-in null: \
		--outdev null: --checkpoint maybe
	[[ $output = *'maybe is not one of'* ]]
	run -2 colo-compare --primary-in null: --secondary-in null: \
		--outdev null: --checkpoint notify
	[ "${#lines[@]}" -eq 1 ]
}

# shown FILE: interface and comments of each packet
shown() {
	tshark -r "$1" -T fields -e frame.interface_name -e frame.comment 2>/dev/null
}

@test "--diff-pcap, live: what cannot be written is told of at once, and once" {
	start_compare --checkpoint 'exec:echo >>why' --diff-pcap /dev/full
	primary "$(udp 1 one)"
	secondary "$(udp 1 two)"
	wait_for logged compare \
		'error: diff-pcap: /dev/full: No space left on device: nothing more'
	wait_for came_out "$(udp 1 one)"
	primary "$(udp 2 one)"
	secondary "$(udp 2 two)"
	wait_for came_out "$(udp 1 one)" "$(udp 2 one)"
	logged_n 1 compare 'nothing more is written'
	stop compare 1
}

@test "--diff-pcap, live: the differences that asked, in a ring of two files" {
	local one two i lines
	printf -v one '%65507s' x
	printf -v two '%65507s' y
	wire "$(udp 1 "$one")" >one.wire
	wire "$(udp 1 "$two")" >two.wire
	start_compare --checkpoint 'exec:echo >>why' --quarantine off \
		--max-checkpoint-rate 0 --max-checkpoint-share 0 \
		--diff-pcap ring.pcapng
	n_asked() { [ -e why ] && mapfile -t lines <why && [ ${#lines[@]} -ge "$1" ]; }
	i=0
	# a file that has more than 8 MiB makes place for another one
	until [ -e ring.pcapng.1 ] && [ $i -ge 70 ]; do
		i=$((i + 1))
		[ $i -lt 200 ]
		cat one.wire >&5
		cat two.wire >&6
		wait_for n_asked $i
		if [ $i -eq 1 ]; then
			shown ring.pcapng >first
		fi
	done
	[ "$(wc -l <first)" -eq 2 ]
	grep -q '^primary	primary: udp 10.0.0.1:80 > 10.0.0.2:1000 offset 65506: payload$' first
	grep -q '^secondary	secondary: udp ' first
	stop compare
	[ $(($(shown ring.pcapng | wc -l) + $(shown ring.pcapng.1 | wc -l))) -eq $((i * 2)) ]
	[ "$(stat -c %s ring.pcapng.1)" -le $((9 << 20)) ]
}
