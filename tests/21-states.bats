#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The verdict of each program: every state of the table in colo-ctl(1), with every
# reason that the program has for it.
# shellcheck disable=SC2030,SC2031

load helpers
load packets
load sides
load qmp

# status_is PATTERN
status_is() {
	local said
	said=$(colo-ctl -s x.ctl status) || true	# 1: not protected
	# shellcheck disable=SC2053	# a pattern
	[[ $said == $1 ]]
}

# become PATTERN: status is, within the time that a test has
become() { wait_for status_is "$1"; }

# come NAME PATH, go NAME: a peer at PATH
come() { spawn_other "$1" socat -u FILE:/dev/null,ignoreeof "UNIX:$2"; }
take() { spawn_other "$1" socat -u "UNIX:$2" -; }
go() { kill_other "$1"; }

@test "a mirror: PROTECTED, UNPROTECTED for each reason, FAILOVER" {
	mkfifo slow
	start x colo-mirror --net unix-listen:net --guest unix-listen:guest \
		--outdev unix-listen:copy,send-buffer=64k --indev unix-listen:indev \
		--control x.ctl
	become 'UNPROTECTED * s: net is gone'
	come net net
	become 'UNPROTECTED * s: guest is gone'
	come guest guest
	become 'UNPROTECTED * s: indev is gone'
	come indev indev
	become 'UNPROTECTED * s: nobody takes the copies'
	# it takes them, but nobody reads what it says
	exec 9<>slow
	spawn_other copies socat -u -b 4096 UNIX:copy PIPE:slow
	become 'PROTECTED since *'
	go net
	frames gen --count 20000 | send net
	come net net
	become 'UNPROTECTED * s: copies are lost: the outdev is slow'
	colo-ctl -s x.ctl failover
	status_is 'FAILOVER since *'
}

# a_device: the namespace $ns with a veth and a tap, both up
a_device() {
	ip netns add "$ns"
	ip -n "$ns" link add veth0 type veth peer name veth1
	ip -n "$ns" link set veth0 up
	ip -n "$ns" link set veth1 up
	ip netns exec "$ns" ip tuntap add tap0 mode tap
	ip -n "$ns" link set tap0 up
}

n_descriptors() {
	local all=("/proc/${PIDS[x]}/fd/"*)
	echo "${#all[@]}"
}
has_descriptors() { [ "$(n_descriptors)" = "$1" ]; }

@test "a device: UNPROTECTED when it is down, gone, or in another namespace than its name" {
	local n ns=colo-$$-device

	NETNS+=("$ns")
	a_device
	start x colo-mirror --net "packet:veth0,netns=$ns" --outdev null: \
		--guest "tap:tap0,netns=$ns" --control x.ctl
	become 'PROTECTED since *'
	n=$(n_descriptors)
	ip -n "$ns" link set veth0 down
	become 'UNPROTECTED * s: net is down'
	colo-ctl -s x.ctl links | grep -E '^net .* down '
	ip -n "$ns" link set veth0 up
	become 'PROTECTED since *'
	ip -n "$ns" link set veth1 down
	become 'UNPROTECTED * s: net has no carrier'
	ip -n "$ns" link set veth1 up
	become 'PROTECTED since *'
	ip -n "$ns" link set tap0 down
	become 'UNPROTECTED * s: guest is down'
	ip -n "$ns" link set tap0 name tap1
	ip -n "$ns" link set tap1 up
	become 'PROTECTED since *'
	ip -n "$ns" link del tap1
	become 'UNPROTECTED * s: guest is gone'
	logged x 'lost: guest: tap:tap0,netns=.*: no such device$'
	ip netns exec "$ns" ip tuntap add tap0 mode tap
	ip -n "$ns" link set tap0 up
	become 'PROTECTED since *'
	ip -n "$ns" link del veth0
	become 'UNPROTECTED * s: net is gone'
	logged x 'lost: net: packet:veth0,netns=.*: its interface: no such device$'
	ip netns del "$ns"
	a_device
	become 'PROTECTED since *'
	wait_for logged x 'lost: guest: .*: its network namespace is another one now'
	wait_for has_descriptors "$n"
	ip netns del "$ns"
	become 'UNPROTECTED * s: net is in a network namespace that was removed'
}

@test "a redirector: UNPROTECTED for each reason, and SYNCING after frames have passed" {
	start x colo-redirector --net unix-listen:net --guest unix-listen:guest \
		--outdev unix-listen:outdev,queue=tx --indev unix-listen:indev \
		--when-down-grace 1h --control x.ctl
	become 'UNPROTECTED * s: net is gone'
	come net net
	become 'UNPROTECTED * s: guest is gone'
	take guest guest
	become 'UNPROTECTED * s: outdev is gone'
	colo-ctl -s x.ctl set when-down-grace 0
	become 'UNPROTECTED * s: outdev is gone: frames pass uncompared'
	go net
	frames gen --count 5 | send net
	wait_for stat_is x redirector.uncompared 5
	come net net
	# a checkpoint meanwhile ends nothing: more will pass
	colo-ctl -s x.ctl flush
	stat_is x redirector.uncompared 5
	take outdev outdev
	become 'UNPROTECTED * s: indev is gone'
	come indev indev
	become 'SYNCING * s: frames have passed uncompared: a checkpoint is wanted'
	colo-ctl -s x.ctl flush
	become 'PROTECTED since *'
	# what passes while the status is off is uncompared, too
	colo-ctl -s x.ctl set status off
	go net
	frames gen --count 5 | send net
	wait_for stat_is x redirector.uncompared 5
	come net net
	colo-ctl -s x.ctl set status on
	become 'SYNCING * s: frames have passed uncompared: a checkpoint is wanted'
	colo-ctl -s x.ctl flush
	become 'PROTECTED since *'
	colo-ctl -s x.ctl failover
	status_is 'FAILOVER since *'
}

@test "a rewriter: PROTECTED, UNPROTECTED, FAILOVER" {
	start x colo-rewriter --net unix-listen:net --guest unix-listen:guest \
		--control x.ctl
	become 'UNPROTECTED * s: net is gone'
	come net net
	become 'UNPROTECTED * s: guest is gone'
	come guest guest
	become 'PROTECTED since *'
	colo-ctl -s x.ctl failover
	status_is 'FAILOVER since *'
}

# start_compare OPTION...
start_compare() {
	start x colo-compare --primary-in unix-listen:p.sock \
		--secondary-in unix-listen:s.sock --outdev null: --control x.ctl "$@"
	feed_sides
}

@test "a compare: HOLDING while a checkpoint is not answered, waits for its budget, or a flow for the secondary" {
	start_compare --checkpoint 'exec:[ -e go ]' --checkpoint-retry 100 \
		--max-checkpoint-rate 1
	become 'PROTECTED since *'
	primary "$(udp 1 one)"
	secondary "$(udp 1 two)"
	become 'HOLDING * s: checkpoint unanswered (payload, udp 10.0.0.1:80 > 10.0.0.2:1000)'
	: >go
	become 'PROTECTED since *'
	# one a minute is what the budget has
	primary "$(udp 2 one)"
	secondary "$(udp 2 two)"
	become 'HOLDING * s: a checkpoint waits for its budget (payload, udp 10.0.0.1:80 > 10.0.0.2:1000)'
	colo-ctl -s x.ctl flush
	become 'PROTECTED since *'
	stop x

	start_compare --checkpoint hold --compare-timeout 50
	primary "$(udp 1 one)"
	become 'HOLDING * s: 1 flows wait for the secondary'
	secondary "$(udp 1 one)"
	become 'PROTECTED since *'
}

@test "a compare: SYNCING after a restart that lost frames" {
	mkdir state
	start_compare --state-dir state --checkpoint 'exec:[ -e go ]' \
		--checkpoint-retry 100
	become 'PROTECTED since *'
	crash x
	rm -f x.ctl
	start_compare --state-dir state --checkpoint 'exec:[ -e go ]' \
		--checkpoint-retry 100
	become 'SYNCING * s: a checkpoint is wanted (restart)'
	: >go
	become 'PROTECTED since *'
}

@test "a compare: UNPROTECTED for each reason" {
	start x colo-compare --primary-in unix-listen:p.sock \
		--secondary-in unix-listen:s.sock --outdev unix-listen:outdev \
		--control x.ctl
	become 'UNPROTECTED * s: primary-in is gone'
	come p p.sock
	become 'UNPROTECTED * s: secondary-in is gone'
	come s s.sock
	become 'UNPROTECTED * s: outdev is gone'
	take outdev outdev
	become 'UNPROTECTED * s: with --checkpoint none what differs leaves'
	stop x
	go p
	go s
	start_compare --dry-run >report
	become 'UNPROTECTED * s: --dry-run'
}

@test "a compare with QEMU's checkpoints: UNPROTECTED without COLO" {
	local id
	peer 'mute on'
	start_compare --checkpoint qmp:qmp.sock
	wait_for connected_n 1
	status_is 'UNPROTECTED * s: QMP is not connected'
	# the capabilities are agreed on, the questions wait
	id=$(sed -n 's/.*qmp_capabilities.*"id":\([^,}]*\).*/\1/p;
		s/.*"id":\([^,}]*\).*qmp_capabilities.*/\1/p' qmp.said)
	peer "raw {\"return\":{},\"id\":$id}"
	become 'UNPROTECTED * s: QEMU has not said yet whether it is in COLO'
	peer 'mute off' hang-up let-in
	become 'UNPROTECTED * s: QEMU is not in COLO'
	peer 'colo primary none' hang-up let-in
	become 'PROTECTED since *'
	# and then it is over, which is also why the secondary goes
	peer 'event COLO_EXIT {"mode":"primary","reason":"error"}'
	become 'UNPROTECTED * s: QEMU is not in COLO'
	exec 6>&-
	kill_other s
	wait_for logged x 'event: lost: secondary-in: '
	status_is 'UNPROTECTED * s: QEMU is not in COLO'
}

@test "a director: UNPROTECTED while the net or a destination is gone" {
	start x colo-redirector --net unix-listen:net --dest a=unix-listen:a \
		--service tcp:10.0.0.1:80 --control x.ctl
	become 'UNPROTECTED * s: a is gone'
	come a a
	become 'UNPROTECTED * s: net is gone'
	come net net
	become 'PROTECTED since *'
	go a
	become 'UNPROTECTED * s: a is gone'
}

# sleeps NAME: the process waits for events, without a limit of time
sleeps() {
	local max timeout
	# epoll_wait() or epoll_pwait(), of which these are two arguments
	read -r _ _ _ max timeout _ <"/proc/${PIDS[$1]}/syscall" || return
	[[ $max = 0x400 && $timeout =~ ^0x(ffffffff)+$ ]]
}

@test "a process to which nothing happens is not woken" {
	start m colo-mirror --net unix-listen:net --guest null: --outdev null: \
		--control m.ctl
	start r colo-redirector --net unix-listen:n --guest null: \
		--outdev unix-listen:o --indev unix-listen:i --control r.ctl
	for name in m r; do
		wait_for sleeps $name
	done
	spawn watch colo-ctl -s m.ctl watch >seen
	wait_for grep -q 'UNPROTECTED .* net is gone' seen
	wait_for sleeps m
	# and notices what happens then, though nobody asks
	come peer net
	wait_for grep -q 'status: PROTECTED since ' seen
	wait_for sleeps m
	stop watch
}
