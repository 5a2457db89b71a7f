#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# QEMU's own filter-mirror and filter-redirector as peers of our programs: in both
# directions, in both wire forms, with QEMU dialling or listening.
#
#	n0.sock > netdev n0 > filter f0 > hub > netdev n1 > n1.sock
#	                      |outdev  ^ indev
#	                      v c0     | c0
# shellcheck disable=SC2119,SC2120

load helpers

N=1500
SEED=2026

chardev_is_up() {
	qmp '{"execute":"query-chardev"}' |
		grep -qE '"filename": "unix:[^"]*", "label": "c0"'
}

# qemu_start FILTER server|client: starts a QEMU with this filter, whose chardev c0
# listens at c0.sock or dials it
qemu_start() {
	local how=server=on,wait=off n nets=()

	[ "$2" = server ] || how=server=off,reconnect=1
	for n in 0 1; do
		nets+=(-netdev "stream,id=n$n,server=on,addr.type=unix,addr.path=n$n.sock"
			-netdev "hubport,id=h$n,hubid=0,netdev=n$n")
	done
	spawn qemu qemu-system-x86_64 -machine none -nodefaults -display none \
		-qmp unix:qmp.sock,server=on,wait=off "${nets[@]}" \
		-chardev "socket,id=c0,path=c0.sock,$how" \
		-object "$1,id=f0,netdev=n0,queue=tx"
	wait_for qmp_answers
}

# read_netdev: what comes out of QEMU's filter, on n1.sock, goes to n1.out
netdev_is_read() {
	qmp '{"execute":"human-monitor-command","arguments":{"command-line":"info network"}}' |
		grep -q 'n1: index=0,type=stream,unix:'
}

read_netdev() {
	spawn n1 socat -u UNIX-CONNECT:n1.sock CREATE:n1.out
	wait_for netdev_is_read
}

feed_netdev() { socat -u - UNIX-CONNECT:n0.sock; }

# without_vnet_len: takes the second length word out of a stream in the vnet form.
# QEMU's netdev does not know that word: it sends the header as part of the frame.
without_vnet_len() {
	perl -e '
		binmode STDIN; binmode STDOUT;
		while (read(STDIN, my $head, 8) == 8) {
			my ($len) = unpack("N", $head);
			read(STDIN, my $frame, $len) == $len or die;
			print pack("N", $len), $frame;
		}'
}

has_size_of() { [ "$(stat -c %s "$1")" -ge "$(stat -c %s "$2")" ]; }

# same_bytes OUTPUT: waits until it is as long as the file `want`; both are equal
same_bytes() {
	wait_for has_size_of "$1" want || {
		cmp "$1" want
		return 1
	}
	cmp "$1" want
}

# our_end server|client: our endpoint for a chardev of QEMU's that listens or dials
our_end() {
	if [ "$1" = server ]; then
		echo unix:c0.sock,reconnect=0.1
	else
		echo unix-listen:c0.sock
	fi
}

# start_both FILTER server|client OUR-COMMAND...: starts the one that listens first
start_both() {
	local filter=$1 how=$2

	shift 2
	[ "$how" = client ] || qemu_start "$filter" "$how"
	start ours "$@" --log-level info
	[ "$how" = server ] || qemu_start "$filter" "$how"
	wait_for chardev_is_up
	wait_for logged ours 'event: connected: '
}

# account_is COUNTER...: each of them is N, and the account is balanced
account_is() {
	local s name

	s=$(stats ours) || return
	check_account "$s" || return
	for name; do
		[ "$(value "$s" "$name")" -eq $N ] ||
			fail "$name is not $N: $s" || return
	done
}

# from_qemu FILTER server|client [,OPTION-OF-INDEV]: frames that enter QEMU at n0
# leave our redirector in the plain form, unchanged
from_qemu() {
	start_both "$1,outdev=c0" "$2" colo-redirector --net null: \
		--guest-out fd:5 --indev "$(our_end "$2"),queue=tx${3:-}" 5>got
	frames gen --seed $SEED --count $N --min 14 --max 69632 >want
	feed_netdev <want
	same_bytes got
	frames check --seed $SEED --count $N --min 14 --max 69632 <got
	account_is in out indev.in guest-out.out
	stop ours
	stop qemu
}

# to_qemu VNET-LEN server|client OUR-COMMAND...: frames that enter our command leave
# QEMU at n1, unchanged. VNET-LEN 0 is the plain form; with `made` the frames are
# plain and ours adds the headers.
to_qemu() {
	local vnet=$1 how=$2 filter=filter-redirector,indev=c0
	local stream=(--seed "$SEED" --count "$N" --min 1 --max 69620)

	shift 2
	[ "$vnet" = 0 ] || filter+=,vnet_hdr_support=on
	mkfifo in
	start_both "$filter" "$how" "$@" --outdev "$(our_end "$how")" <>in
	read_netdev
	if [ "$vnet" = 0 ]; then
		frames gen "${stream[@]}" | tee in >want
	elif [ "$vnet" = made ]; then
		frames gen "${stream[@]}" >in
		frames gen "${stream[@]}" --vnet 12 | without_vnet_len >want
	else
		frames gen "${stream[@]}" --vnet "$vnet" --noise | tee in |
			without_vnet_len >want
	fi
	same_bytes n1.out
	account_is in outdev.out
	stop ours
	stop qemu
	ends n1
}

mirror=(colo-mirror --net-in - --guest-out null: --when-slow block)
redirector=(colo-redirector --net-in - --guest-out null: --queue tx)

@test "QEMU's mirror, listening, reaches our indev" {
	from_qemu filter-mirror server
}

@test "QEMU's mirror, dialling, reaches our indev" {
	from_qemu filter-mirror client
}

@test "QEMU's mirror in the vnet form reaches our indev" {
	from_qemu filter-mirror,vnet_hdr_support=on server ,vnet-hdr=on
}

@test "QEMU's mirror in the vnet form, dialling, reaches our indev" {
	from_qemu filter-mirror,vnet_hdr_support=on client ,vnet-hdr=on
}

@test "QEMU's redirector, listening, reaches our indev" {
	from_qemu filter-redirector server
}

@test "QEMU's redirector, dialling, reaches our indev" {
	from_qemu filter-redirector client
}

@test "QEMU's redirector in the vnet form reaches our indev" {
	from_qemu filter-redirector,vnet_hdr_support=on server ,vnet-hdr=on
}

@test "QEMU's redirector in the vnet form, dialling, reaches our indev" {
	from_qemu filter-redirector,vnet_hdr_support=on client ,vnet-hdr=on
}

@test "our mirror reaches QEMU's redirector, listening" {
	to_qemu 0 server "${mirror[@]}"
}

@test "our mirror reaches QEMU's redirector, dialling" {
	to_qemu 0 client "${mirror[@]}"
}

@test "our mirror reaches QEMU's redirector in the vnet form" {
	to_qemu 12 server "${mirror[@]}" --vnet-hdr-support
}

@test "our mirror reaches QEMU's redirector in the vnet form, dialling" {
	to_qemu 12 client "${mirror[@]}" --vnet-hdr-support
}

@test "our mirror adds the vnet headers that QEMU's redirector expects" {
	mirror[2]=-,vnet-hdr=off
	to_qemu made server "${mirror[@]}" --vnet-hdr-support
}

@test "our redirector reaches QEMU's redirector, listening" {
	to_qemu 0 server "${redirector[@]}"
}

@test "our redirector reaches QEMU's redirector, dialling" {
	to_qemu 0 client "${redirector[@]}"
}

@test "our redirector reaches QEMU's redirector in the vnet form" {
	to_qemu 12 server "${redirector[@]}" --vnet-hdr-support
}

@test "our redirector reaches QEMU's redirector in the vnet form, dialling" {
	to_qemu 12 client "${redirector[@]}" --vnet-hdr-support
}

# QEMU's chardev dials again. Both sides forget half a frame that was under way.
@test "QEMU's mirror finds our indev again after a crash" {
	local indev=(--indev 'unix-listen:c0.sock,queue=tx')

	start_both filter-mirror,outdev=c0 client colo-redirector --net null: \
		--guest-out fd:5 "${indev[@]}" 5>got
	frames gen --seed 1 --count 100 >want
	feed_netdev <want
	same_bytes got
	crash ours
	start ours colo-redirector --net null: --guest-out fd:5 "${indev[@]}" \
		--log-level info 5>got
	wait_for chardev_is_up
	wait_for logged_n 2 ours 'event: connected: '
	frames gen --seed 2 --count 100 >want
	feed_netdev <want
	same_bytes got
	stop ours
	stop qemu
}
