#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# `colo-ctl failover` and `protect`: into the failover role, and back to the COLO role
# when there is a peer again. The answer says what was done.
# shellcheck disable=SC2016,SC2030,SC2031

load helpers
load packets
load answers
load sides
load qmp

SYN=2 SYNACK=18 ACK=16

ctl() { colo-ctl -s m.ctl "$@"; }
role_is() { [ "$(cat state/ROLE)" = "$1" ]; }

is_in() { (ctl -j status || true) | says ".result.role == \"$1\""; }

# fails_over WHAT RELEASED ANNOUNCED: it does, says so, and it is on the disk
fails_over() {
	ctl -j failover >said
	says ".result == {role: \"failover\", changed: true, written: true,
		released: $2, announced: $3, done: \"$1\"}" <said
	role_is failover
	logged m "event: failover: done: $1"
}

# protects WHAT: it goes back, says so, and it is on the disk
protects() {
	ctl -j protect >said
	says ".result == {role: \"colo\", changed: true, written: true,
		done: \"$1\"}" <said
	role_is colo
	logged m "event: protect: done: $1"
	# once more changes nothing
	ctl -j protect | says '.result | .role == "colo" and (.changed | not)'
	logged_n 1 m 'event: protect'
}

# stays WORDS: it does not go back, because WORDS
stays() {
	run -1 ctl protect
	[[ $output == "colo-ctl: m: "$1 ]]
	is_in failover
	logged_n 0 m 'event: protect'
}

start_mirror() {
	mkdir -p state
	start m colo-mirror --state-dir state --net unix-listen:net \
		--guest null: --control m.ctl "$@"
}

@test "a mirror makes copies again" {
	start_mirror --outdev unix-listen:copy
	spawn_other first socat -u UNIX:copy -
	wait_for logged m 'event: connected: outdev: '
	fails_over 'outdev is closed' 0 0
	protects 'outdev is open again'
	spawn copies socat -u UNIX:copy CREATE:copies
	wait_for logged_n 2 m 'event: connected: outdev: '
	frames gen --count 50 | send net
	wait_for stat_is m outdev.out 50
	frames check --count 50 <copies
	check_account "$(stats m)"
	# and after a restart, too
	stop m
	ends copies
	start_mirror --outdev unix-listen:copy
	is_in colo
	[ -S copy ]
}

@test "a mirror that started in the failover role makes copies when it is told to" {
	mkdir state
	echo failover >state/ROLE
	start_mirror --outdev unix-listen:copy
	[ ! -e copy ]
	ctl protect
	[ -S copy ]
	role_is colo
}

@test "what cannot be opened again keeps the process in the failover role" {
	start_mirror --outdev fd:7 7>copies
	ctl failover
	stays 'fd:7 cannot be opened again'
	stop m
	: >m.log
	rm state/ROLE
	start_mirror --outdev unix-listen:copy
	ctl failover
	spawn_other thief socat -u UNIX-LISTEN:copy -
	wait_for test -S copy
	stays 'outdev: address already in use'
	kill_other thief
	role_is failover
}

@test "a role that cannot be written is not acted on" {
	start_mirror --outdev unix-listen:copy
	ctl failover
	rm -r state
	stays 'state: no such file or directory'
	[ ! -e copy ]
	mkdir state
	ctl protect
	[ -S copy ]
}

@test "a failover that could not be written says so, and once more writes it" {
	start_mirror --outdev unix-listen:copy
	rm -r state
	ctl -j failover | says '.result | .changed and (.written | not) and
		.done == "outdev is closed"'
	logged m 'event: failover: done, not written: outdev is closed'
	mkdir state
	ctl -j failover | says '.result | (.changed | not) and .written and
		.done == "the role, which was failover already, is written"'
	role_is failover
	ctl -j failover | says '.result | .written and
		.done == "nothing: the role is failover"'
	logged_n 1 m 'event: failover'
	# one that begins so has nothing to write
	crash m
	start_mirror --outdev unix-listen:copy
	ctl -j failover | says '.result | (.changed | not) and .written'
}

@test "a primary's redirector diverts again, and takes what comes back" {
	mkdir state
	start m colo-redirector --state-dir state --net-in null: \
		--net-out pcap:net.pcap --guest unix-listen:guest \
		--outdev unix-listen:outdev,queue=rx \
		--indev unix-listen:indev,queue=rx --control m.ctl
	fails_over 'guest and net are joined, 0 frames released' 0 0
	protects 'indev and outdev are open again'
	spawn_other diverted socat -u UNIX:outdev CREATE:diverted
	wait_for logged m 'event: connected: outdev: '
	frames gen --count 50 | send guest
	wait_for stat_is m outdev.out 50
	frames check --count 50 <diverted
	frames gen --count 20 | send indev
	wait_for stat_is m net-out.out 20
	check_account "$(stats m)"
}

@test "a primary's redirector goes on reading its indev for a second" {
	start m colo-redirector --net-in null: --net-out null: \
		--guest unix-listen:guest --outdev unix-listen:outdev,queue=rx \
		--indev unix-listen:indev,queue=rx --control m.ctl
	spawn compare socat -u UNIX:indev -
	wait_for logged m 'event: connected: indev: '
	before=$(uptime_ms)
	ctl failover
	ends compare
	[ $(($(uptime_ms) - before)) -ge 990 ]
}

@test "a secondary's redirector is cut off from the net again, and announces at the next failover" {
	mkdir state
	start m colo-redirector --exclusive --announce 1 --state-dir state \
		--net-in unix-listen:net --net-out pcap:net.pcap \
		--guest-in unix-listen:guest --guest-out null: \
		--indev unix-listen:indev,queue=tx \
		--outdev unix-listen:outdev,queue=rx --control m.ctl
	mac='02 00 00 00 00 05'
	wire "ff ff ff ff ff ff $mac 0806 0001 0800 06 04 0002 $mac 0a000005 \
		ff ff ff ff ff ff 0a000001" | send guest
	wait_for stat_is m guest-in.in 1
	# nobody was at the outdev: what the guest said waited there. Its MAC and
	# its address are announced
	fails_over 'guest and net are joined, 1 frames released, 2 announced, round 1 of 1' 1 2
	protects 'indev and outdev are open again'
	[ -S indev ]
	[ -S outdev ]
	before=$(value "$(stats m)" originated)
	[ "$before" -gt 0 ]
	frames gen --count 10 | send net
	wait_for stat_is m dropped.isolated 10
	ctl failover
	wait_for stat_is m originated $((before * 2))
	check_account "$(stats m)"
}

@test "a redirector that cannot go back goes on announcing the guest" {
	mkdir state
	start m colo-redirector --exclusive --announce 1000 --state-dir state \
		--net-in null: --net-out null: --guest-in unix-listen:guest \
		--guest-out null: --indev unix-listen:indev,queue=tx \
		--outdev unix-listen:outdev,queue=rx --control m.ctl
	frames gen --count 1 | send guest
	wait_for stat_is m guest-in.in 1
	ctl failover
	spawn_other thief socat -u UNIX-LISTEN:outdev -
	wait_for test -S outdev
	stays 'indev or outdev: address already in use: the log says which'
	[ ! -e indev ]
	n=$(value "$(stats m)" originated)
	[ "$n" -gt 0 ]
	goes_on() { [ "$(value "$(stats m)" originated)" -gt "$n" ]; }
	wait_for goes_on
}

@test "a rewriter tracks connections again, and forgets the offsets of before" {
	mkdir state
	start m colo-rewriter --state-dir state --net-in unix-listen:n.sock \
		--net-out fd:7 --guest-in unix-listen:g.sock --guest-out fd:8 \
		--control m.ctl 7>>to-net 8>>to-guest
	feeder n UNIX-CONNECT:n.sock
	feeder g UNIX-CONNECT:g.sock
	exec 5>n 6>g
	last_is() { [ "$(numbers "$1" | tail -1)" = "$2" ]; }
	connects() { # PORT
		wire "$(segment tx 1000 0 $SYN "$1")" >&5
		wait_for last_is to-guest '1000 0'
		wire "$(segment rx 9000 1001 $SYNACK "$1")" >&6
		wait_for last_is to-net '9000 1001'
		wire "$(segment tx 1001 5001 $ACK "$1")" >&5
	}
	connects 1024
	wait_for last_is to-guest '1001 9001'
	fails_over '1 connections go on with their offsets' 0 0
	protects 'connections are tracked again, all offsets are 0'
	wire "$(segment tx 1005 5001 $ACK)" >&5
	wait_for last_is to-guest '1005 5001'
	connects 1025
	wait_for last_is to-guest '1001 9001'
	check_account "$(stats m)"
}

start_compare() {
	mkdir -p state
	start m colo-compare --state-dir state --primary-in unix-listen:p.sock \
		--secondary-in unix-listen:s.sock --outdev - --control m.ctl \
		"$@" >>out
	feed_sides
}

status_is() {
	local said
	said=$(ctl status) || true	# 1: not protected
	# shellcheck disable=SC2053	# a pattern
	[[ $said == $1 ]]
}

@test "a compare begins anew: a checkpoint is asked for, and only then it is protected" {
	cat >to-make <<-'END'
		#!/bin/sh
		echo "$COLO_REASON" >>why
		until [ -e go ]; do sleep 0.02; done
		rm go
	END
	chmod +x to-make
	start_compare --checkpoint exec:./to-make --compare-timeout 60000
	primary "$(udp 1 one)"
	wait_for stat_is m held 1
	fails_over '1 frames released, the primary passes' 1 0
	protects 'frames are compared again, a checkpoint is asked for'
	wait_for status_is 'SYNCING * s: a checkpoint is wanted (protect)'
	wait_for grep -qx protect why
	wait_for logged m 'event: checkpoint-wanted: protect'
	# what was held at the failover has left; what comes now is held
	primary "$(udp 2 two)"
	wait_for stat_is m held 1
	came_out "$(udp 1 one)"
	: >go
	wait_for came_out "$(udp 1 one)" "$(udp 2 two)"
	wait_for status_is 'PROTECTED since *'
	primary "$(udp 3 three)"
	secondary "$(udp 3 three)"
	wait_for came_out "$(udp 1 one)" "$(udp 2 two)" "$(udp 3 three)"
	check_account "$(stats m)"
}

@test "a compare does not go back while a command of before still runs" {
	cat >to-make <<-'END'
		#!/bin/sh
		trap '' TERM
		: >began
		until [ -e go ]; do sleep 0.02; done
	END
	chmod +x to-make
	start_compare --checkpoint 'exec:exec ./to-make'
	ctl checkpoint
	wait_for test -e began
	ctl failover
	stays 'the command of the last checkpoint has not ended yet'
	: >go
	wait_for ctl protect
}

@test "a compare asks QEMU again" {
	peer 'colo primary none'
	start_compare --checkpoint qmp:qmp.sock --checkpoint-retry 60000
	wait_for asked 1
	ctl failover
	ctl protect
	wait_for commands_are migrate-set-parameters 1
	status_is 'SYNCING * s: a checkpoint is wanted (protect)'
	peer 'status colo' 'event STOP' 'status running' 'event RESUME'
	wait_for logged m 'event: checkpoint: asked for'
	wait_for status_is 'PROTECTED since *'
}

@test "a director has no role to go back to" {
	start m colo-redirector --net unix-listen:net --dest a=unix-listen:a \
		--service tcp:10.0.0.1:80 --control m.ctl
	ctl -j failover | says '.result |
		.done == "nothing: to take over is the matter of the pairs"'
	stays 'this program has no role to go back to'
}
