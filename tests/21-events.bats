#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Events: what the log says at every level, and subscribers are told.

load helpers
load packets
load sides

# events NAME EVENT: the texts of these events, in their order
events() { sed -n "s/.*: event: $2: //p" "$1.log"; }

# shellcheck disable=SC2053	# a pattern
last_is() { [[ $(events "$1" "$2" | tail -n 1) == $3 ]]; }

@test "a peer that comes or goes is an event: which link, who, why" {
	start m colo-mirror --net unix-listen:net --guest null: --outdev null: \
		--log-level error --control m.ctl
	spawn watch colo-ctl -j -s m.ctl watch >told
	wait_for grep -q '"subscribed"' told
	spawn_other peer socat -u FILE:/dev/null,ignoreeof UNIX:net
	wait_for last_is m connected 'net: process [0-9]*, of user 0'
	kill_other peer
	wait_for last_is m lost \
		'net: process [0-9]*, of user 0: it closed the connection'
	wait_for grep -qE '"connected","net: process [0-9]+, of user 0"' told
	wait_for grep -qE '"lost","net: process .*: it closed the connection"' told

	printf '\0\0\0\0' | socat -u - UNIX:net || true
	wait_for last_is m lost 'net: *: bad frame header'
	stop m
	stop watch
	# only these, and each once
	[ "$(grep -cE 'event: (connected|lost)' m.log)" -eq 4 ]
}

@test "over TCP a peer has an address, and a connection that was reset says so" {
	local port
	port=$(free_port)
	start m colo-mirror --net "tcp-listen:127.0.0.1:$port" --guest null: \
		--outdev null: --log-level error
	spawn_other peer socat -u FILE:/dev/null,ignoreeof \
		"TCP4:127.0.0.1:$port,linger=0"
	wait_for last_is m connected 'net: 127.0.0.1:[0-9]*'
	crash peer
	wait_for last_is m lost 'net: 127.0.0.1:*: read: connection reset by peer'
}

@test "a peer that comes and goes all the time fills no log, and the last event is true" {
	start m colo-mirror --net unix-listen:net --guest null: --outdev null:
	# each is gone before the next one comes
	python3 - <<-'END'
		import socket
		for i in range(60):
		    s = socket.socket(socket.AF_UNIX)
		    s.connect("net")
		    s.sendall(bytes(4))
		    while s.recv(100):
		        pass
		    s.close()
	END
	n_told() { grep -cE 'event: (connected|lost)' m.log; }
	are_all_accounted_for() {
		local more
		more=$(sed -nE 's/.* \(([0-9]+) more not shown\)$/\1/p' m.log |
			paste -sd+ | bc)
		[ $(($(n_told) + more)) -eq 120 ]
	}
	wait_for are_all_accounted_for
	grep -E 'event: (connected|lost)' m.log | tail -n 1 |
		grep -q 'event: lost: net: '
	[ "$(n_told)" -lt 120 ]
}

@test "protection that is gained or lost is an event, with a control socket or without" {
	start m colo-mirror --net unix-listen:net --guest null: \
		--outdev unix-listen:copy --log-level error
	spawn_other peer socat -u UNIX:net -
	spawn_other taker socat -u UNIX:copy -
	wait_for last_is m status 'PROTECTED since 20*Z'
	kill_other taker
	wait_for last_is m status 'UNPROTECTED 0 s: nobody takes the copies'
	kill -USR2 "${PIDS[m]}"
	wait_for last_is m failover 'done: outdev is closed'
	[ "$(events m status | wc -l)" -eq 2 ]
}

@test "a checkpoint is two events: wanted, why and where; made, how long, what has left" {
	cat >to-make <<-'END'
		#!/bin/sh
		until [ -e go ]; do sleep 0.02; done
		rm go
	END
	chmod +x to-make
	start c colo-compare --primary-in unix-listen:p.sock \
		--secondary-in unix-listen:s.sock --outdev null: \
		--log-level error --control c.ctl --checkpoint exec:./to-make
	feed_sides
	primary "$(udp 1 same-one)" "$(udp 1 more)"
	secondary "$(udp 1 same-two)"
	wait_for last_is c checkpoint-wanted \
		'payload, udp 10.0.0.1:80 > 10.0.0.2:1000, offset 5'
	[ -z "$(events c checkpoint)" ]
	: >go
	wait_for last_is c checkpoint 'asked for, [0-9]* ms, 2 frames released'
	# one that was made for another reason
	colo-ctl -s c.ctl flush
	wait_for last_is c checkpoint 'by itself, 0 frames released'
	# one that somebody wants
	colo-ctl -s c.ctl checkpoint
	wait_for last_is c checkpoint-wanted control
}

@test "every event of a program stands in its man page" {
	local program dir page name
	for program in mirror redirector rewriter compare; do
		dir=$TOP/$program page=$TOP/$program/colo-$program.1
		sources=("$TOP"/common/{endpoint_told,control_process,control_options,failover}.c)
		case $program in rewriter | compare) sources+=("$TOP/common/qemu.c") ;; esac
		mapfile -t -O "${#sources[@]}" sources < <(find "$dir" -name '*.c')
		grep -ohE 'log_event\("[a-z-]+"' "${sources[@]}" | sort -u |
			cut -d'"' -f2 >names
		[ "$(wc -l <names)" -gt 6 ]
		while read -r name; do
			grep -qE "^\.(It )?(Cm|Ic) ([a-z]+ , )?$name( |\$)" "$page" ||
				fail "$page: the event $name"
		done <names
	done
}
