#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# colo-compare --checkpoint qmp:PATH, with events in every order that a real QEMU was
# seen to send them in.
# shellcheck disable=SC2030,SC2031

load helpers
load packets
load sides
load qmp

start_compare() {
	start compare colo-compare --primary-in "unix-listen:$PWD/p.sock" \
		--secondary-in unix-listen:s.sock --outdev - \
		--checkpoint qmp:qmp.sock --checkpoint-retry 60000 \
		--markers on "$@" >>out
	feed_sides
}
requests() { commands_are migrate-set-parameters "$1"; }
has_requested() { [ "$(commands migrate-set-parameters)" -ge "$1" ]; }
stops() { stat_is compare qmp.stops "$1"; }

# differ ID [N]: makes a difference, waits until N (1) requests were wanted
differ() {
	primary "$(udp "$1" one)"
	secondary "$(udp "$1" two)"
	wait_for stat_is compare asked.payload "${2:-1}"
}

@test "one request is sent for an episode; RESUME answers it, STOP does not" {
	peer 'colo primary none'
	start_compare --checkpoint-period 7000
	wait_for asked 1
	differ 1
	wait_for requests 1
	grep -q '"x-checkpoint-delay":7000' qmp.said
	primary "$(udp 2 more)"
	secondary "$(udp 2 other)"
	peer 'status colo' 'event STOP'
	wait_for stops 1
	primary "$(udp 3 late)"		# it was under way when the guest stopped
	wait_for stat_is compare in 5
	[ ! -s out ]
	peer 'status running' 'event RESUME'
	wait_for came_out "$(udp 1 one)" "$(udp 2 more)" "$(udp 3 late)"
	wait_for logged compare 'event: checkpoint: asked for, [0-9]+ ms, the primary stood still for [0-9]+ ms, 3 frames released'
	requests 1
	s=$(stats compare)
	check_account "$s"
	[ "$(value "$s" checkpoint.made)" -eq 1 ]
	[ "$(value "$s" checkpoint.unasked)" -eq 0 ]
	stop compare
}

@test "a checkpoint that QEMU makes by itself releases all held frames" {
	peer 'colo primary none'
	start_compare --compare-timeout 60000
	wait_for asked 1
	primary "$(udp 1 one)"
	wait_for stat_is compare held 1
	peer 'status colo' 'event STOP' 'status running' 'event RESUME'
	wait_for came_out "$(udp 1 one)"
	wait_for logged compare 'event: checkpoint: by itself, the primary stood still for [0-9]+ ms, 1 frames released'
	requests 0
	stop compare
}

@test "without a connection or COLO the request waits, with one event" {
	peer hang-up
	start_compare --checkpoint-retry 50
	differ 1
	wait_for logged compare 'event: checkpoint-pending: QMP is not connected'
	peer let-in
	wait_for asked 3
	requests 0
	peer 'colo primary none'
	wait_for has_requested 1
	[ ! -s out ]
	logged_n 1 compare 'event: checkpoint-pending'
	stop compare
}

# colo-compare finds that frame before it reads RESUME.
@test "a frame that the primary sends after RESUME is not released with the others" {
	peer 'colo primary none'
	start_compare
	wait_for asked 1
	differ 1
	peer 'status colo' 'event STOP'
	wait_for stops 1
	kill -STOP "${PIDS[compare]}"
	primary "$(udp 2 new)"
	wait_for has_unread "$PWD/p.sock"
	peer 'status running' 'event RESUME'
	kill -CONT "${PIDS[compare]}"
	wait_for came_out "$(udp 1 one)"
	wait_for stat_is compare held 1
	secondary "$(udp 2 new)"
	wait_for came_out "$(udp 1 one)" "$(udp 2 new)"
	stop compare
}

@test "killed and restarted between STOP and RESUME: RESUME answers its request" {
	mkdir state
	peer 'colo primary none'
	start_compare --state-dir state
	wait_for asked 1
	peer 'status colo' 'event STOP'
	wait_for stops 1
	crash compare
	kill_other p
	kill_other s
	start_compare --state-dir state
	wait_for stops 1
	differ 1
	requests 0
	[ ! -s out ]
	peer 'status running' 'event RESUME'
	wait_for came_out "$(udp 1 one)"
	logged compare 'event: checkpoint: asked for'
	requests 0
	stop compare
}

@test "a request that QEMU refuses or does not answer is repeated" {
	peer 'colo primary none' 'refuse on'
	start_compare --checkpoint-retry 50
	wait_for asked 1
	differ 1
	wait_for logged compare 'migrate-set-parameters: GenericError: not now'
	peer 'refuse off'
	wait_for logged compare 'event: checkpoint-unanswered'
	[ ! -s out ]
	stop compare
}

@test "a pause is no checkpoint: the request is sent again" {
	peer 'colo primary none'
	start_compare
	wait_for asked 1
	differ 1
	wait_for requests 1
	peer 'status paused' 'event STOP'
	wait_for requests 2
	peer 'status running' 'event RESUME'
	[ ! -s out ]
	peer 'status colo' 'event STOP' 'status running' 'event RESUME'
	wait_for came_out "$(udp 1 one)"
	stop compare
}

@test "STOP, COLO_EXIT, RESUME: frames are held until SIGUSR2" {
	peer 'colo primary none'
	start_compare
	wait_for asked 1
	differ 1
	peer 'status colo' 'event STOP' \
		'event COLO_EXIT {"mode":"primary","reason":"error"}' \
		'colo none error' 'status running' 'event RESUME'
	wait_for logged compare 'event: colo-exit: primary, reason error'
	logged compare 'held until a failover'
	wait_for stat_is compare held 1
	[ ! -s out ]
	kill -USR2 "${PIDS[compare]}"
	wait_for came_out "$(udp 1 one)"
	stop compare
}

@test "a marker before RESUME: frames behind it belong to the next epoch" {
	peer 'colo primary none'
	start_compare
	wait_for asked 1
	secondary "$(marker 0 4)"
	wait_for stat_is compare dropped.marker 1
	differ 1
	peer 'status colo' 'event STOP'
	wait_for stops 1
	secondary "$(udp 5 old)" "$(marker 1 5)" "$(udp 6 new)"
	wait_for stat_is compare held 2		# `old` is of a flow that differs
	peer 'status running' 'event RESUME'
	wait_for came_out "$(udp 1 one)"
	primary "$(udp 7 new)"
	wait_for came_out "$(udp 1 one)" "$(udp 7 new)"
	s=$(stats compare)
	check_account "$s"
	[ "$(value "$s" held)" -eq 0 ]
	[ "$(value "$s" dropped.matched)" -eq 1 ]
	stop compare
}

@test "a marker after RESUME: the secondary's frames before it are discarded" {
	peer 'colo primary none'
	start_compare
	wait_for asked 1
	secondary "$(marker 0 4)"
	wait_for stat_is compare dropped.marker 1
	differ 1
	peer 'status colo' 'event STOP' 'status running' 'event RESUME'
	wait_for came_out "$(udp 1 one)"
	secondary "$(udp 5 old)" "$(marker 1 4)" "$(udp 5 old)"
	wait_for stat_is compare dropped.epoch 2
	secondary "$(marker 1 5)" "$(udp 6 new)"
	primary "$(udp 7 new)"
	wait_for came_out "$(udp 1 one)" "$(udp 7 new)"
	check_account "$(stats compare)"
	stop compare
}

@test "a marker that asks for a checkpoint gets one that begins later" {
	peer 'colo primary none'
	start_compare --log-level info
	wait_for asked 1
	secondary "$(marker 0 4)" "$(marker 2 4)"
	wait_for requests 1
	logged compare 'secondary-in: frames may be lost: asking for a checkpoint'
	peer 'status colo' 'event STOP'
	wait_for stops 1
	secondary "$(marker 2 4)"
	wait_for stat_is compare dropped.marker 3
	requests 1
	peer 'status running' 'event RESUME'
	wait_for requests 2
	check_account "$(stats compare)"
	stop compare
}

@test "--markers off: markers have no effect, as a guest could make them up" {
	peer 'colo primary none'
	start_compare --markers off
	wait_for asked 1
	secondary "$(marker 0 4)" "$(marker 2 4)"
	wait_for stat_is compare dropped.marker 2
	logged_n 1 compare 'event: marker: .* say --markers on'
	requests 0
	differ 1
	peer 'status colo' 'event STOP' 'status running' 'event RESUME'
	wait_for came_out "$(udp 1 one)"
	# no frame is discarded or kept because of a marker
	secondary "$(marker 1 9)" "$(udp 6 new)"
	primary "$(udp 7 new)"
	wait_for came_out "$(udp 1 one)" "$(udp 7 new)"
	stat_is compare dropped.epoch 0
	check_account "$(stats compare)"
	stop compare
}

@test "a marker that does not come is waited for once" {
	peer 'colo primary none'
	start_compare --compare-timeout 300
	wait_for asked 1
	secondary "$(marker 0 4)"
	wait_for stat_is compare dropped.marker 1
	peer 'status colo' 'event STOP' 'status running' 'event RESUME'
	wait_for logged compare 'no marker has followed the checkpoint'
	primary "$(udp 7 new)"
	secondary "$(udp 6 new)"
	wait_for came_out "$(udp 7 new)"
	stop compare
}

@test "without markers, a lone frame of the secondary asks for nothing just after a checkpoint" {
	peer 'colo primary none'
	start_compare --compare-timeout 400
	wait_for asked 1
	peer 'status colo' 'event STOP' 'status running' 'event RESUME'
	wait_for logged compare 'event: checkpoint: by itself'
	secondary "$(udp 5 old)"
	wait_for stat_is compare dropped.flushed 1
	[ "$(value "$(stats compare)" asked.timeout)" -eq 0 ]
	secondary "$(udp 5 alone)"
	wait_for stat_is compare asked.timeout 1
	stop compare
}

# QMP says that the primary has stopped, and it goes on sending.
@test "between STOP and RESUME a full comparison reads on, up to a bound" {
	peer 'colo primary none'
	start compare colo-compare --primary-in unix-listen:p.sock \
		--secondary-in null: --outdev null: \
		--checkpoint qmp:qmp.sock --max-queue-bytes 1048576 \
		--max-flow-bytes 0 --max-client-bytes 0 \
		--compare-timeout 60000 --non-ip compare
	wait_for asked 1
	frames gen --count 1500 --min 60000 --max 60000 >in
	spawn_other sender socat -u OPEN:in UNIX-CONNECT:p.sock
	wait_for is_stalled compare
	[ "$(value "$(stats compare)" held.bytes)" -lt 2000000 ]
	peer 'status colo' 'event STOP'
	wait_for is_stalled compare
	n=$(value "$(stats compare)" held.bytes)
	[ "$n" -gt 60000000 ]
	[ "$n" -lt 72000000 ]
	peer 'status running' 'event RESUME'
	wait_for stat_is compare checkpoint.made 1
	wait_for is_stalled compare
	[ "$(value "$(stats compare)" held.bytes)" -lt 2000000 ]
	stop compare
}

@test "rewriter, redirector and comparison agree on a checkpoint" {
	start_peer secondary
	peer 'colo primary none'
	PEER=secondary peer 'colo secondary none'
	start_compare
	start redirector colo-redirector --exclusive --net null: \
		--guest unix-listen:wire --outdev unix:s.sock,queue=rx
	kill_other s
	exec 6>&-
	start rewriter colo-rewriter --net unix:wire --guest-out null: \
		--guest-in unix-listen:g.sock --qmp secondary.sock
	feeder g UNIX-CONNECT:g.sock
	exec 6>g
	wait_for asked 1
	PEER=secondary wait_for asked 1
	# COLO had begun before the rewriter started, so it asks for a checkpoint
	wait_for stat_is compare dropped.marker 2
	wait_for requests 1
	differ 1
	secondary "$(udp 2 before)"
	PEER=secondary peer 'status colo' 'event STOP'
	peer 'status colo' 'event STOP'
	wait_for stops 1
	secondary "$(udp 3 after)"
	PEER=secondary peer 'status running' 'event RESUME'
	wait_for stat_is compare dropped.marker 3
	peer 'status running' 'event RESUME'
	wait_for came_out "$(udp 1 one)"
	primary "$(udp 4 after)"
	wait_for came_out "$(udp 1 one)" "$(udp 4 after)"
	s=$(stats compare)
	check_account "$s"
	[ "$(value "$s" held)" -eq 0 ]
	stop rewriter
	stop redirector
	stop compare
}

@test "a QMP peer that breaks the protocol gets one line and a new connection" {
	peer 'colo primary none'
	n=0
	for bad in '{"event"' '[1]' '{}' '{"return":{},"id":77}' \
		'{"error":{"class":"C","desc":"d"}}' '{"QMP":{}}' \
		"$(printf '[%.0s' {1..3000})" "$(printf 'x%.0s' {1..65536})"; do
		[ $n -eq 0 ] || stop compare
		: >compare.log
		start_compare
		n=$((n + 2))
		wait_for connected_n $((n - 1))
		peer "raw $bad"
		wait_for connected_n $n
		logged_n 1 compare 'qmp: .*: connection closed'
	done
	differ 1
	wait_for requests 1
	stop compare
}

@test "the secondary's QMP socket is recognised as the wrong one" {
	peer 'colo secondary none'
	start_compare
	wait_for logged compare 'qmp.sock: this is the secondary, not the primary'
	stop compare
}

@test "a QMP socket that another client has is waited for" {
	spawn_other other socat -u UNIX-CONNECT:qmp.sock CREATE:busy
	wait_for grep -q QMP busy
	start_compare
	wait_for logged compare 'no greeting: another client may have the socket'
	kill_other other
	wait_for connected_n 1
	stop compare
}

@test "bad checkpoint options are bad usage" {
	refused 2 'the path is too long' colo-compare -n \
		--primary-in - --secondary-in null: --outdev null: \
		--checkpoint "qmp:$(printf 'x%.0s' {1..108})"
	refused 2 'not one of none, hold, notify, exec:CMD, qmp:PATH' colo-compare -n \
		--primary-in - --secondary-in null: --outdev null: \
		--checkpoint qmp:
	refused 2 'checkpoint-period' colo-compare -n --checkpoint-period 0
}
