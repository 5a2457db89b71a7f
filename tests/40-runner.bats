#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# colo-run with real processes. `colo-fake` stands for a program of ours: it says
# on its notify descriptor that it is ready, and writes the signals that it gets
# to the file `events`.
# shellcheck disable=SC2030,SC2031	# each test is a subshell

load helpers
load packets

setup() {
	colo_setup
	mkdir fakes control
	PATH=$PWD/fakes:$PATH
	cat >fakes/colo-fake <<-'END'
		#!/bin/sh
		# colo-fake NAME [silent|stubborn] --notify-fd N [-n]
		for last; do :; done
		[ "$last" != -n ] || exit 0
		for sig in HUP USR1 USR2; do
			trap "echo $1 $sig >>events" $sig
		done
		trap 'echo "$1 stopped" >>events; kill $!; exit 0' TERM
		[ "$2" = stubborn ] && trap 'echo "$1 told" >>events' TERM
		echo "$1 started" >>events
		echo "$1 speaks"
		[ "$2" = silent ] || eval "echo >&$last"
		while :; do sleep 1000 & wait; done
	END
	chmod +x fakes/colo-fake
	: >events
}

# runs LINE...: starts a runner in the background with a file of these lines
runs() {
	printf '%s\n' "$@" >proc
	spawn runner colo-run --control-dir control proc
}

# relatives: the processes that inherited the variable RELATIVES from the test: the
# runner and all that it started, directly or not
relatives() {
	env -u RELATIVES grep -lsz "^RELATIVES=$RELATIVES" /proc/[0-9]*/environ
}
have_no_relatives() { [ -z "$(relatives)" ]; }

# plain: takes the time and number off the runner's own lines
plain() { sed -E 's/^20[0-9T:.-]+Z colo-run\[[0-9]+\]: /colo-run: /'; }

is_up() { logged runner '^20[^ ]*Z colo-run\[[0-9]*\]: info: all ready'; }
happened() { grep -q -- "$1" events; }
happened_n() { [ "$(grep -c -- "$2" events)" -eq "$1" ]; }
new_pid() {
	local pid
	pid=$(pid_of "$1") && [ -n "$pid" ] && [ "$pid" != "$2" ]
}

# pid_of NAME: nothing while it does not live
pid_of() { sed -n 's/.* pid=\([0-9]*\).*/\1/p' "control/$1.process"; }
has_pid() { [ -n "$(pid_of "$1")" ]; }

@test "processes start in order, their output gets their name, they stop in reverse order" {
	runs '# three of them' '' 'one: colo-fake 1' \
		$'two: colo-fake \\\n     2' '   three:colo-fake 3'
	wait_for is_up
	logged runner '^one: 1 speaks$'
	logged runner '^two: 2 speaks$'
	logged runner '^three: 3 speaks$'
	stop runner
	diff - events <<-END
		1 started
		2 started
		3 started
		3 stopped
		2 stopped
		1 stopped
	END
	[ -z "$(ls control)" ]
}

@test "a process starts when the one before it is ready" {
	mkfifo gate
	runs 'one: sh -c "read line <gate; echo >&7; exec sleep 1000" --notify-fd 7' \
		'two: colo-fake 2'
	wait_for has_pid one
	[ ! -s events ]
	run ! has_pid two
	echo go >gate
	wait_for happened '2 started'
}

@test "a process that is killed is started again, and only that one" {
	runs 'one: colo-fake 1' 'two: colo-fake 2'
	wait_for is_up
	one=$(pid_of one) two=$(pid_of two)
	kill -9 "$one"
	wait_for new_pid one "$one"
	wait_for logged runner 'warn: one: ended by signal 9'
	[ "$(pid_of two)" = "$two" ]
	wait_for happened_n 2 '1 started'
	happened_n 1 '2 started'
	stop runner
}

@test "what a killed process started is gone before it starts again" {
	runs 'one: sh -c "sleep 1000 & echo \$! >left.\$\$; wait"'
	wait_for has_pid one
	one=$(pid_of one)
	wait_for test -s "left.$one"
	kill -9 "$one"
	wait_for new_pid one "$one"
	is_gone "$(cat "left.$one")"
}

@test "the delay before each new start doubles" {
	runs 'one: false'
	wait_for logged runner 'starts again in 800 ms'
	diff <(grep -o 'in [0-9].*' runner.log | head -n 4) - <<-END
		in 100 ms
		in 200 ms
		in 400 ms
		in 800 ms
	END
}

@test "signals reach all processes that are ready, and the others later" {
	mkfifo gate
	runs 'one: colo-fake 1' 'plain: sleep 1000' 'two: colo-fake 2 silent'
	wait_for happened '2 started'
	plain=$(pid_of plain)
	kill -USR1 "${PIDS[runner]}"
	wait_for happened '1 USR1'
	kill -USR2 "${PIDS[runner]}"
	wait_for happened '1 USR2'
	kill -HUP "${PIDS[runner]}"
	wait_for happened '1 HUP'
	run ! happened '^2 [HU]'
	sed -i 's/= silent/= never/' fakes/colo-fake
	kill -9 "$(pid_of two)"
	wait_for happened '2 HUP'
	wait_for happened '2 USR2'
	run ! happened '2 USR1'
	[ "$(pid_of plain)" = "$plain" ]
}

@test "a signal to all processes called colo-run is handled by the runner" {
	runs 'one: colo-fake 1'
	wait_for is_up
	# only children of this runner: other tests have runners, too
	pids=$(pgrep -x -P "${PIDS[runner]}" colo-run)
	[ -n "$pids" ]
	# shellcheck disable=SC2086	# words
	kill -USR2 "${PIDS[runner]}" $pids
	wait_for happened '1 USR2'
	# shellcheck disable=SC2086
	kill -TERM $pids "${PIDS[runner]}"
	ends runner
	logged runner '^20[^ ]*Z colo-run\[[0-9]*\]: info: one: ended with status 0'
}

@test "a signal is not taken for the end of a process" {
	for n in {1..30}; do
		echo "n$n: sleep 1000"
	done >proc
	spawn runner colo-run proc
	wait_for is_up
	kill "${PIDS[runner]}"
	wait_for logged runner 'n30: ended'
	spawn_other signals sh -c "while kill -s USR1 ${PIDS[runner]}; do sleep 0.02; done"
	ends runner
	logged_n 30 runner 'ended by signal 15'
}

# Bash 5.2 runs no trap between `continue` or `break` and the end of the command around
# it, and forgets the signal: of runners on a busy machine a sixth never heard of it.
@test "the runner has no command behind which Bash drops a signal" {
	run ! grep -nE '^[^#]*\<(continue|break)\>' "$BIN/colo-run"
}

@test "a process that does not stop is killed after ten seconds, and the status says so" {
	runs 'one: colo-fake 1' 'two: colo-fake 2 stubborn'
	wait_for is_up
	before=$SECONDS
	stop runner 12
	[ $((SECONDS - before)) -ge 9 ]
	logged runner 'warn: two: does not stop: killed'
	happened '1 stopped'
}

@test "what a process writes without ever ending the line hides nothing that the runner says" {
	local n own='^20[^ ]*Z colo-run\[[0-9]*\]'
	runs "one: sh -c 'while printf xxxxxxx; do :; done'"
	for n in 1 2 3 4 5; do
		wait_for logged_n $n runner "$own: info: one: ready, process [0-9]*\$"
		kill -9 "$(pid_of one)"
		wait_for logged_n $n runner "$own: warn: one: ended by signal 9\$"
	done
	stop runner
	logged_n 5 runner "$own: info: one: starts again in [0-9]* ms\$"
}

@test "a second SIGTERM kills at once" {
	runs 'one: colo-fake 1' 'two: colo-fake 2 stubborn'
	wait_for is_up
	two=$(pid_of two)
	before=$SECONDS
	kill "${PIDS[runner]}"
	wait_for happened '2 told'
	stop runner 12
	[ $((SECONDS - before)) -lt 8 ]
	is_gone "$two"
}

@test "a command that cannot be run ends the start, and the status says so" {
	runs 'one: colo-fake 1' 'two: colo-there-is-none' 'three: colo-fake 3'
	ends runner 12
	logged runner 'warn: two: ended with status 127'
	happened '1 stopped'
	run ! happened '3 started'
}

@test "a lone program that is missing ends the runner" {
	runs 'one: there-is-none --at-all'
	ends runner 11
	logged runner 'warn: one: ended with status 127'
}

@test "a variable that is not set ends the start" {
	runs 'one: colo-fake 1' 'two: sleep $NOT_SET'
	ends runner 12
	logged runner '^two: .*NOT_SET'
	run -2 colo-run -n proc2 3< <(echo 'one: colo-fake $NOT_SET' >proc2)
	one_line "$output" '^colo-run: error: proc2: one: .*NOT_SET'
}

ignoring() {
	trap '' HUP INT QUIT PIPE USR1
	exec "$@"
}

@test "SIGINT stops it, too, and signals that the runner ignored are not ignored by the processes" {
	cat >proc <<-'END'
		one: grep -h SigIgn /proc/self/status /proc/thread-self/status
		two: colo-fake 2
	END
	spawn runner ignoring colo-run --control-dir control proc
	wait_for is_up
	# signals 32 and 33 belong to the C library: no program can set them
	[ "$(grep -cE '^one: SigIgn:[[:space:]]*0*[01][08]0{7}$' runner.log)" -ge 2 ]
	kill -USR1 "${PIDS[runner]}"
	wait_for happened '2 USR1'
	kill -INT "${PIDS[runner]}"
	ends runner
	happened '2 stopped'
}

@test "a runner that is killed leaves no process" {
	runs 'one: sleep 1000' 'two: sleep 1000'
	wait_for is_up
	one=$(pid_of one) two=$(pid_of two)
	crash runner
	wait_for is_gone "$one"
	wait_for is_gone "$two"
}

@test "a runner that is killed with all its shells leaves no process" {
	runs 'one: sleep 1000'
	wait_for is_up
	one=$(pid_of one)
	wait_for grep -qx sleep "/proc/$one/comm"
	pgrep -x -P "${PIDS[runner]}" colo-run >shells
	[ "$(wc -l <shells)" -ge 2 ]
	xargs kill -9 <shells
	[ -d "/proc/$one" ]
	crash runner
	wait_for is_gone "$one"
}

@test "a runner that is killed leaves nothing that its processes started" {
	export RELATIVES=$BATS_TEST_TMPDIR
	runs 'one: sh -c "sleep 1000 & echo \$! >left; wait"' 'two: colo-fake 2' \
		'three: false'
	wait_for happened '2 started'
	wait_for test -s left
	[ "$(relatives | wc -l)" -gt 2 ]
	crash runner
	wait_for have_no_relatives
}

@test "a runner that is killed lets no held frame leave" {
	spawn_other out socat -u UNIX-LISTEN:o.sock CREATE:out
	wait_for test -S o.sock
	runs "compare: colo-compare --primary-in unix-listen:p.sock \
--secondary-in unix-listen:s.sock --outdev unix:o.sock"
	wait_for is_up
	feeder p UNIX-CONNECT:p.sock
	feeder s UNIX-CONNECT:s.sock
	exec 5>p 6>s
	wire "$(udp 1 one)" "$(udp 2 two)" >&5
	wire "$(udp 7 one)" >&6
	is_held() {
		kill -USR1 "${PIDS[runner]}"
		logged runner 'compare.*: stats: in=3 .* held=1 '
	}
	wait_for is_held
	crash runner
	wait_for is_gone "${PIDS[out]}"
	cmp out <(wire "$(udp 1 one)")
}

@test "--notify-fd gets a line when all processes are ready" {
	printf 'one: colo-fake 1\ntwo: colo-fake 2\n' >proc
	start runner colo-run proc
	happened '1 started'
	happened '2 started'
}

@test "a full pipe for the log does not stop the processes" {
	mkfifo pipe
	exec 8<>pipe
	printf 'one: sh -c "seq 100000; echo over >>events; exec sleep 1000"\n' >proc
	colo-run --control-dir control proc 2>pipe 3>&- 8>&- &
	PIDS[runner]=$!
	wait_for happened over
	cat <pipe >runner.log 3>&- 8>&- &
	exec 8>&-
	# before the next line that finds room stands how many were lost
	kill -9 "$(pid_of one)"
	wait_for logged runner 'warn: [0-9]* lines lost, standard error was full'
	logged runner '^one: 1$'
	stop runner
}

@test "a message about the end of a process stands behind its last line" {
	runs 'one: sh -c "seq 300; printf half; exit 3"'
	wait_for logged_n 3 runner '^one: half$'
	sed -n '/ready/d; /^one: 1$/,/starts again/p; /starts again/q' runner.log |
		plain >first
	diff first <(seq 300 | sed 's/^/one: /'; cat <<-END
		one: half
		colo-run: warn: one: ended with status 3
		colo-run: info: one: starts again in 100 ms
	END
	)
}

@test "a process's line is not written through a link" {
	echo mine >precious
	ln -s ../precious control/one.process~
	ln -s ../precious control/one.process
	runs 'one: colo-fake 1'
	wait_for is_up
	[ "$(cat precious)" = mine ]
	[ ! -L control/one.process ]
	[ -d "/proc/$(pid_of one)" ]
}

@test "each process has a line when all are ready, and a warning says when it cannot be written" {
	runs 'one: sleep 1000' 'two: sleep 1000'
	wait_for is_up
	[ "$(cat "/proc/$(pid_of two)/comm")" ]
	diff <(grep -E 'two: ready|all ready' runner.log | plain) - <<-END
		colo-run: info: two: ready, process $(pid_of two)
		colo-run: info: all ready
	END
	stop runner
	mkdir control/one.process
	runs 'one: sleep 1000'
	wait_for logged runner "^20[^ ]*Z colo-run\\[[0-9]*\\]: warn: one: cannot write $PWD/control/one.process$"
	stop runner
}

@test "a process may have any notify descriptor from 3 to 255, and gets none of the runner's" {
	for n in {3..30} 100 255; do
		echo "n$n: bash -c 'ls /proc/\$\$/fd; echo >&$n; exec sleep 1000'" \
			"bash --notify-fd $n"
	done >proc
	echo "plain: sh -c 'ls /proc/\$\$/fd; echo over; exec sleep 1000'" >>proc
	spawn runner colo-run --notify-fd 40 proc 40>ready
	wait_for is_up
	[ "$(wc -l <ready)" -eq 1 ]
	wait_for logged runner '^plain: over$'
	run ! logged runner '^plain: 40$'
	for n in {3..30} 100 255; do
		diff <(said "n$n") <({ said plain && echo "$n"; } | sort -u)
	done
}
said() { sed -n "s/^$1: \([0-9]*\)$/\1/p" runner.log | sort -u; }

@test "long lines are cut, and half a line at the end is completed" {
	cat >script <<-'END'
		printf "%09000d\nhalf" 7
		exec sleep 1000
	END
	runs 'one: sh script'
	wait_for has_pid one
	wait_for logged runner '^one: 0*7$'
	kill -9 "$(pid_of one)"
	wait_for logged runner '^one: half$'
	[ "$(grep '^one: 0' runner.log | head -n 3 | sed 's/^one: //' | tr -d '\n' |
		wc -c)" -eq 9000 ]
}

@test "-n checks the file, and bad files and bad usage end with status 2" {
	check() {
		printf %b "$1" >proc
		run -"$2" colo-run -n proc
		[[ $output == *"$3"* ]] || { echo "$1: $output"; return 1; }
	}
	check 'one: colo-fake 1\n' 0 ''
	check 'one: a \\\n b\n\n# c \\\ntwo: d' 0 ''
	check 'one colo-fake\n' 2 'proc:1: not NAME: COMMAND'
	check '# x\none: a\none: b\n' 2 'proc:3: name given twice'
	check 'one: a\ntwo:\n' 2 'proc:2: no command'
	check 'one: a \\\n b\n/x: c' 2 'proc:3: not NAME: COMMAND'
	check "$(printf 'n%.0s' {1..33}): a" 2 'name too long'
	check 'one: a --notify-fd 2\n' 2 '--notify-fd takes'
	check '\n# nothing\n' 2 'names no process'
	check 'one: sleep 1\ntwo: colo-mirror --colour\n' 2 'proc: two: colo-mirror: '
	check 'one: colo-mirror --net null: --outdev null:\n' 0 ''
	check 'one: sh -c "\n' 2 'proc: one: '
	run -2 colo-run -n nowhere
	[ "$output" = 'colo-run: error: nowhere: No such file or directory' ]
	run -2 colo-run
	run -2 colo-run --notify-fd 77 proc
	run -2 colo-run --notify-fd '' proc
	run -2 colo-run --colour proc
	run -0 colo-run --help
	[[ $output == usage:* ]]
	run -0 colo-run --version
	[ "$output" = "$(colo-mirror --version | sed s/mirror/run/)" ]
}

@test "with --control-dir each program has a control socket, and status finds them" {
	cat >proc <<-'END'
		first: colo-mirror --net unix-listen:$PWD/a --guest null: --outdev null:
		second: colo-mirror --net unix:$PWD/a --guest null: --outdev null:
		own: colo-mirror --net unix-listen:$PWD/b --guest null: --outdev null: --control own.ctl
		asks: sh -c 'colo-ctl -t 30 version >asked; exec sleep 1000'
	END
	colo-run -n --control-dir control proc
	run -2 colo-run --control-dir nowhere proc
	[[ $output == *'--control-dir: '*': no such directory' ]]
	spawn runner colo-run --control-dir control proc
	wait_for is_up
	[ "$(cd control && echo *.ctl)" = 'first.ctl second.ctl' ]
	[ -S own.ctl ]
	COLO_CONTROL_DIR=control colo-ctl -t 30 wait protected
	# the processes know where the others are
	wait_for grep -q '^second  program  colo-mirror$' asked
	stop runner
	[ -z "$(ls control)" ]
}

@test "a line beside each control socket says how its process is, and status shows it" {
	mkfifo gate
	export COLO_CONTROL_DIR=$PWD/control
	runs 'one: sh -c "read line <gate; echo >&7; exec sleep 1000" --notify-fd 7' \
		'two: colo-mirror --net unix-listen:$PWD/a --guest null: --outdev null:' \
		'three: sh -c "exit 3"'
	line_is() { [ "$(cat "control/$1.process")" = "$2 runner=${PIDS[runner]} control=$3" ]; }
	wait_for has_pid one
	line_is one "state=starting pid=$(pid_of one) restarts=0" false
	line_is two 'state=down restarts=0' true
	run -3 colo-ctl status
	[[ ${lines[0]} == "UNREACHABLE: $PWD/control/two.ctl: not started yet" ]]
	[ "${lines[2]}" = "one    starting, process $(pid_of one)" ]
	echo go >gate
	wait_for is_up
	two=$(pid_of two)
	line_is two "state=up pid=$two restarts=0" true
	kill -9 "$two"
	wait_for new_pid two "$two"
	two=$(pid_of two)
	wait_for line_is two "state=up pid=$two restarts=1 last_exit=signal:9" true
	spawn_other peer socat -u UNIX:a -
	colo-ctl -t 30 wait protected
	colo-ctl status >said
	grep -qE "^two    PROTECTED .* \\(up, process $two, restarted 1 time, last exit signal 9\\)$" said
	wait_for grep -q '^state=waiting restarts=[2-9].* last_exit=status:3 ' control/three.process
	stop runner
	[ -z "$(ls control)" ]
}
