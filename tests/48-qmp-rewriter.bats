#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# colo-rewriter --qmp, with events in every order that a real QEMU was seen to send
# them in. 45-rewriter.bats says what the numbers are.
# shellcheck disable=SC2030,SC2031

load helpers
load packets
load qmp
SYN=2 SYNACK=18 ACK=16

# run_rewriter OPTION...: as start_rewriter in 45-rewriter.bats, with --qmp
run_rewriter() {
	start rewriter colo-rewriter --net-in unix-listen:n.sock \
		--net-out fd:7 --guest-in "unix-listen:$PWD/g.sock" \
		--guest-out fd:8 --qmp qmp.sock --log-level info "$@" \
		7>>to-net 8>>to-guest
	feeder n UNIX-CONNECT:n.sock
	feeder g UNIX-CONNECT:g.sock
	exec 5>n 6>g
}

# start_rewriter OPTION...: the same, then a client opens a connection
start_rewriter() {
	run_rewriter "$@"
	wait_for asked 1
	tx 1000 0 $SYN && wait_for at_guest "1000 0"
	rx 9000 1001 $SYNACK && wait_for at_net "9000 1001"
	tx 1001 5001 $ACK && wait_for at_guest "1001 9001"
}

tx() { wire "$(segment tx "$@")" >&5; }
rx() { wire "$(segment rx "$@")" >&6; }
at_guest() { [ "$(numbers to-guest | tail -1)" = "$1" ]; }
# at_net NUMBERS: these came last, apart from markers that ask for a checkpoint
at_net() { [ "$(numbers to-net | grep -v '^marker 2' | tail -1)" = "$1" ]; }
has_asked() { [ "$(numbers to-net | grep -cx 'marker 2 0')" -eq "$1" ]; }

# offsets_hold: segments are still translated; offsets_are_zero: they pass unchanged
offsets_hold() {
	rx 9001 1001 $ACK && wait_for at_net "5001 1001" &&
		tx 1001 5001 $ACK && wait_for at_guest "1001 9001"
}
offsets_are_zero() {
	rx 5001 1001 $ACK && wait_for at_net "5001 1001" &&
		tx 1001 5001 $ACK && wait_for at_guest "1001 5001"
}

@test "STOP, RESUME: the old guest's frames leave, then a marker; offsets are 0" {
	peer 'colo secondary none'
	start_rewriter
	[ "$(numbers to-net | head -1)" = 'marker 0 0' ]
	wait_for has_asked 1		# COLO had begun before it started
	# it reads STOP before it reads what the guest had sent
	kill -STOP "${PIDS[rewriter]}"
	peer 'status colo' 'event STOP'
	rx 9001 1001 $ACK
	wait_for has_unread "$PWD/g.sock"
	kill -CONT "${PIDS[rewriter]}"
	wait_for at_net "5001 1001"
	wait_for stat_is rewriter qmp.stops 1
	rx 5001 1002 $ACK		# from the guest after the checkpoint
	tx 1002 5001 $ACK		# for the guest after the checkpoint
	wait_for stat_is rewriter in 4
	at_net "5001 1001"
	at_guest "1001 9001"
	peer 'status running' 'event RESUME'
	wait_for at_net "5001 1002"
	wait_for at_guest "1002 5001"
	[ "$(numbers to-net | tail -2 | head -1)" = 'marker 1 1' ]
	logged rewriter 'checkpoint: the guest stood still'
	s=$(stats rewriter)
	check_account "$s"
	[ "$(value "$s" originated)" -eq 3 ]
	stop rewriter
}

@test "COLO_EXIT, STOP, RESUME: the primary was killed; offsets are kept" {
	peer 'colo secondary none'
	start_rewriter
	peer 'event COLO_EXIT {"mode":"secondary","reason":"error"}' \
		'status colo' 'event STOP' 'status running' 'event RESUME'
	wait_for logged rewriter 'event: colo-exit: secondary, reason error'
	offsets_hold
	peer 'status colo' 'event STOP' 'status running' 'event RESUME'
	offsets_hold
	stop rewriter
}

@test "STOP, COLO_EXIT, RESUME: a checkpoint was torn; offsets are kept" {
	peer 'colo secondary none'
	start_rewriter
	peer 'status colo' 'event STOP'
	wait_for asked 2
	peer 'event COLO_EXIT {"mode":"secondary","reason":"error"}'
	wait_for logged rewriter 'event: colo-exit'
	offsets_hold			# also before RESUME
	peer 'status running' 'event RESUME'
	offsets_hold
	stop rewriter
}

@test "STOP, RESUME, COLO_EXIT at once: a failover; offsets are kept" {
	peer 'colo secondary none'
	start_rewriter
	peer 'mute on' 'event STOP' 'event RESUME' \
		'event COLO_EXIT {"mode":"secondary","reason":"request"}' \
		'mute off'
	wait_for logged rewriter 'event: colo-exit: secondary, reason request'
	offsets_hold
	stop rewriter
}

@test "SIGUSR2 between STOP and RESUME: offsets are kept" {
	peer 'colo secondary none'
	start_rewriter
	peer 'status colo' 'event STOP'
	wait_for stat_is rewriter qmp.stops 1
	kill -USR2 "${PIDS[rewriter]}"
	wait_for logged rewriter 'event: translated: 1 connections'
	peer 'status running' 'event RESUME'
	offsets_hold
	run ! grep -q 'marker 1' <(numbers to-net)
	stop rewriter
}

@test "paused, io-error and save-vm are no checkpoints" {
	peer 'colo secondary none'
	start_rewriter
	n=1
	for status in paused io-error save-vm; do
		peer "status $status" 'event STOP'
		n=$((n + 1))
		wait_for asked $n
		offsets_hold		# nothing is held meanwhile
		peer 'status running' 'event RESUME'
		offsets_hold
	done
	[ "$(value "$(stats rewriter)" role.checkpoints)" -eq 0 ]
	stop rewriter
}

@test "the beginning of COLO makes all offsets 0" {
	peer 'status inmigrate'
	start_rewriter
	peer 'status running' 'colo secondary none' 'event RESUME'
	wait_for stat_is rewriter role.checkpoints 1
	offsets_are_zero
	stop rewriter
}

@test "a QEMU that does not answer: after a second STOP and RESUME count as a checkpoint" {
	peer 'colo secondary none'
	start_rewriter
	peer 'mute on' 'event STOP' 'event RESUME'
	wait_for stat_is rewriter role.checkpoints 1
	offsets_are_zero
	stop rewriter
}

@test "killed and restarted between STOP and RESUME: QEMU's answers decide" {
	mkdir state
	peer 'colo secondary none'
	start_rewriter --state-dir state
	peer 'status colo' 'event STOP' 'status running' 'event RESUME'
	wait_for at_net 'marker 1 1'
	tx 1000 0 $SYN 7777 && wait_for at_guest "1000 0"
	rx 9000 1001 $SYNACK 7777 && wait_for at_net "9000 1001"
	tx 1001 5001 $ACK 7777 && wait_for at_guest "1001 9001"
	peer 'status colo' 'event STOP'
	wait_for stat_is rewriter qmp.stops 2
	crash rewriter
	run_rewriter --state-dir state
	wait_for stat_is rewriter qmp.stops 1
	at_net 'marker 0 1'
	rx 5001 1001 $ACK 7777
	peer 'status running' 'event RESUME'
	wait_for at_net "5001 1001"
	[ "$(numbers to-net | tail -2 | head -1)" = 'marker 1 2' ]
	stop rewriter
}

@test "SIGHUP means a checkpoint, too" {
	start_rewriter
	kill -HUP "${PIDS[rewriter]}"
	wait_for at_net 'marker 1 1'
	offsets_are_zero
	stop rewriter
}

@test "a marker has a virtio-net header where frames have one" {
	printf '%08x%08x%024x%s' 72 12 0 "$(marker 0 0)" | xxd -r -p >expected
	colo-rewriter --net-in null: --net-out - --guest null: \
		--qmp qmp.sock --vnet-hdr-support >out
	cmp out expected
}

@test "QMP lost between STOP and RESUME, and back: QEMU's answers decide" {
	peer 'colo secondary none'
	start_rewriter
	peer 'status colo' 'event STOP'
	wait_for stat_is rewriter qmp.stops 1
	peer hang-up 'status running' let-in
	wait_for stat_is rewriter role.checkpoints 1
	offsets_are_zero
	peer 'status colo' 'event STOP'
	wait_for stat_is rewriter qmp.stops 2
	peer hang-up 'colo none request' 'status running' let-in
	wait_for connected_n 3
	offsets_are_zero
	[ "$(value "$(stats rewriter)" role.checkpoints)" -eq 1 ]
	stop rewriter
}

@test "QMP lost between STOP and RESUME for good: frames pass, with an event" {
	peer 'colo secondary none'
	start_rewriter
	peer 'status colo' 'event STOP'
	wait_for stat_is rewriter qmp.stops 1
	peer hang-up
	wait_for logged rewriter 'event: qmp-lost'
	offsets_hold
	peer 'status running' let-in
	wait_for logged rewriter 'event: checkpoint-missed'
	wait_for has_asked 2
	stop rewriter
}

@test "markers that net or guest send are dropped" {
	peer 'colo secondary none'
	start_rewriter
	wire "$(marker 1 7)" "$(segment rx 9001 1001 $ACK)" >&6
	wait_for at_net "5001 1001"
	wire "$(marker 1 7)" "$(segment tx 1001 5001 $ACK)" >&5
	wait_for at_guest "1001 9001"
	s=$(stats rewriter)
	[ "$(value "$s" dropped.marker)" -eq 2 ]
	check_account "$s"
	[ "$(numbers to-net | grep -c marker)" -eq 2 ]
	stop rewriter
}

@test "a QMP path that is too long is bad usage" {
	refused 2 'the path is too long' colo-rewriter -n \
		--qmp "$(printf 'x%.0s' {1..108})"
}
