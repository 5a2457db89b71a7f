#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# QEMU's own tests of its filters (test-filter-mirror.c, test-filter-redirector.c),
# with our processes in place of its objects: a netdev's chain is processes whose
# sides are joined by sockets.

load helpers

WORD=48656c6c6f212100	# "Hello!!" and its NUL, which is what they send
WORD2=48656c6c6f32212100

ctl() { colo-ctl -s x.ctl "$@"; }
has() { cmp -s "$1" <(wire "${@:2}"); }

# listen NAME: somebody connects to the socket NAME.sock, what it sends is in NAME.got
listen() {
	rm -f "$1.sock"
	spawn_other "$1" socat -u "UNIX-LISTEN:$1.sock" "OPEN:$1.got,creat,append"
	wait_for [ -S "$1.sock" ]
}

# arrived N: the process at x.ctl has read N frames, and none of them is on its way
arrived() {
	wait_for stat_is x in "$1"
	wait_for stat_is x held 0
}

@test "mirror: a frame towards the guest goes there, and a copy to outdev" {
	listen guest
	listen copy
	start x colo-mirror --net unix-listen:net.sock --guest unix:guest.sock \
		--queue tx --outdev unix:copy.sock
	wire $WORD | send net.sock
	wait_for has copy.got $WORD
	wait_for has guest.got $WORD
}

@test "redirector tx: through an outdev, an indev and another outdev" {
	listen end
	start rd2 colo-redirector --net unix-listen:n2.sock --guest null: \
		--queue tx --outdev unix:end.sock
	start rd1 colo-redirector --net unix-listen:n1.sock --guest unix:n2.sock \
		--queue tx --indev unix-listen:r0.sock
	start rd0 colo-redirector --net unix-listen:net.sock \
		--guest unix:n1.sock --queue tx --outdev unix:r0.sock
	wire $WORD | send net.sock
	wait_for has end.got $WORD
}

@test "redirector rx: the same from the guest's side, by two indevs" {
	listen net
	start rd0 colo-redirector --net unix:net.sock --guest unix-listen:n1.sock \
		--queue rx --indev unix-listen:r0.sock
	start rd1 colo-redirector --net unix:n1.sock --guest unix-listen:n2.sock \
		--queue rx --outdev unix:r0.sock
	start rd2 colo-redirector --net unix:n2.sock --guest null: \
		--queue rx --indev unix-listen:r1.sock
	wire $WORD | send r1.sock
	wait_for has net.got $WORD
}

# start_rx OPTION...: frames of the indev go to the net; descriptor 5 leads to it
start_rx() {
	listen net
	start x colo-redirector --net unix:net.sock --guest null: --queue rx \
		--indev unix-listen:in.sock --control x.ctl "$@"
	feeder f UNIX-CONNECT:in.sock
	exec 5>f
}

# are_waiting: bytes for the indev are in its socket, and nobody reads them
are_waiting() {
	ss -Hxn | awk '
		$2 == "ESTAB" && $5 ~ /in[.]sock$/ && $3 > 0 { n = 1 } END { exit !n }'
}

# nothing_comes: the counters are asked twice behind the bytes, so that the process
# has had a turn in which it could have read them
nothing_comes() {
	wait_for are_waiting
	stat_is x in 0
	are_waiting
	[ ! -s net.got ]
}

@test "redirector_status: off reads no indev, on reads it again" {
	start_rx
	ctl set status off
	wire $WORD >&5
	nothing_comes
	ctl set status on
	wire $WORD2 >&5
	# QEMU's loses nothing either: what was sent meanwhile waits in the socket
	wait_for has net.got $WORD $WORD2
}

@test "redirector_init_status_off: off from the start" {
	start_rx --status off
	wire $WORD >&5
	nothing_comes
	[[ $(ctl -j status | jq -r .result.text) = *'status is off'* ]]
	ctl set status on
	wait_for has net.got $WORD
	logged x 'event: status: on: 0 frames passed uncompared$'
}

@test "redirector_rx_event_opened: a peer that connects again is heard again" {
	start_rx
	wire $WORD >&5
	wait_for has net.got $WORD
	feeder f UNIX-CONNECT:in.sock
	exec 5>f
	wire $WORD2 >&5
	wait_for has net.got $WORD $WORD2
}

# --- what QEMU's netfilter does that is off: frames pass it ---

@test "a redirector that is off lets pass what it would divert, and says so" {
	listen guest
	listen out
	start x colo-redirector --net unix-listen:net.sock --guest unix:guest.sock \
		--queue tx --outdev unix:out.sock --control x.ctl
	feeder f UNIX-CONNECT:net.sock
	exec 5>f
	wire $WORD >&5
	wait_for has out.got $WORD
	ctl set status off
	wire $WORD2 >&5
	wait_for has guest.got $WORD2
	ctl set status on
	logged x 'event: status: on: 1 frames passed uncompared: a checkpoint is wanted$'
	wire $WORD >&5
	wait_for has out.got $WORD $WORD
	check_account "$(stats x)"
}

@test "frames that are held for an outdev go on when the redirector is off" {
	listen guest
	start x colo-redirector --net unix-listen:net.sock --guest unix:guest.sock \
		--queue tx --outdev unix:absent.sock --when-down-grace 86400 \
		--control x.ctl
	wire $WORD | send net.sock
	wait_for stat_is x held 1
	ctl set status off
	wait_for has guest.got $WORD
	check_account "$(stats x)"
}

@test "a mirror that is off copies nothing, also what waited, and says so" {
	listen guest
	start x colo-mirror --net unix-listen:net.sock --guest unix:guest.sock \
		--queue tx --outdev unix:copy.sock,reconnect=0.05 --when-slow block \
		--control x.ctl
	feeder f UNIX-CONNECT:net.sock
	exec 5>f
	wire $WORD >&5
	wait_for has guest.got $WORD
	ctl set status off
	wire $WORD2 >&5
	wait_for has guest.got $WORD $WORD2
	[[ $(ctl -j status | jq -r .result.text) = *'status is off'* ]]
	listen copy
	ctl set status on
	logged x 'event: status: on: 2 frames were not mirrored: a checkpoint is wanted$'
	wire $WORD >&5
	wait_for has copy.got $WORD
	check_account "$(stats x)"
}

@test "a failover of a redirector that is off joins net and guest as any other" {
	start_rx --status off
	wire $WORD >&5
	nothing_comes
	ctl failover
	wait_for has net.got $WORD
	ctl set status on
	run ! logged x 'event: status: on'
}

@test "who is off stays so when it protects again" {
	start_rx --status off
	ctl failover
	ctl protect
	feeder f UNIX-CONNECT:in.sock
	exec 5>f
	wire $WORD >&5
	nothing_comes
	ctl set status on
	wait_for has net.got $WORD
}
