#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The load generator of `make bench`: it finds what is wrong, and our programs pass.
# How fast they are is not tested here.
# shellcheck disable=SC2154  # run sets stderr

load helpers

setup() {
	colo_setup
	BENCH=$BUILD/tests/bench
	ENDS=(--primary p.sock --secondary s.sock --out o.sock)
	FEW=(--warm 200 --packets 3000 --unpinned)
	COMPARE=(colo-compare --log-level error
		--primary-in unix-listen:p.sock
		--secondary-in unix-listen:s.sock --outdev unix-listen:o.sock)
}

# sends OPTION... -- PROGRAM...: runs a few packets through PROGRAM
sends() { run --separate-stderr "$BENCH/bench" "${FEW[@]}" "$@"; }

# faulty FAULT [OPTION...]: the program is a pump that spoils packet number 1000, and
# this is found
faulty() {
	sends "${ENDS[@]}" "${@:2}" -- "$BENCH/pump" -f "$1" p.sock s.sock : o.sock
	[ "$status" -eq 1 ]
}

@test "bench: a good pump passes" {
	sends "${ENDS[@]}" -- "$BENCH/pump" p.sock s.sock : o.sock
	[ "$status" -eq 0 ]
	[[ $output = *' ns='*' pps='*' hwm_kib='* ]]
}

@test "bench: a pump that waits lets go what the second input has brought, and no more" {
	sends "${ENDS[@]}" --lag 500 -- "$BENCH/pump" -w p.sock s.sock : o.sock
	[ "$status" -eq 0 ]
	# a second input that is silent: the first pump waits for somebody at x.sock
	sends --primary p.sock --out o.sock --packets 800 \
		-- "$BENCH/pump" x.sock : s.sock \
		-- "$BENCH/pump" -w p.sock +s.sock : o.sock
	[ "$status" -eq 1 ]
	[[ $stderr = *'200 of 200 packets are missing'* ]]
}

@test "bench: a flipped bit, a changed order and a missing frame are found" {
	for fault in corrupt swap drop; do
		faulty "$fault"
		[[ $stderr = *'packet 999: not the bytes that have to come next'* ]]
	done
	for fault in corrupt drop; do
		faulty "$fault" --any-order
		[[ $stderr = *'not the bytes its flow has to send next'* ]]
	done
}

@test "bench: with --any-order only a changed order within a flow is a fault" {
	sends "${ENDS[@]}" --any-order -- "$BENCH/pump" -f swap p.sock s.sock : o.sock
	[ "$status" -eq 0 ]
	faulty swap --any-order --flows 1
}

@test "bench: a packet that never comes is reported as missing" {
	faulty drop --packets 800
	[[ $stderr = *'1 of 1000 packets are missing'* ]]
}

@test "bench: a program that does not start is a failure" {
	sends "${ENDS[@]}" -- "$BENCH/pump"
	[ "$status" -eq 1 ]
}

@test "bench: a program that ends early is reported" {
	sends "${ENDS[@]}" -- sh -c "$BENCH/pump p.sock s.sock : o.sock &
		i=0; while [ \$i -lt 500000 ]; do i=\$((i + 1)); done; kill \$!"
	[ "$status" -eq 1 ]
	[[ $stderr = *'bench: a program has ended'* ]]
}

@test "bench: bad usage is refused" {
	sends --primary p.sock -- true
	[ "$status" -eq 2 ]
	sends "${ENDS[@]}" --size 20 -- true
	[ "$status" -eq 2 ]
	sends "${ENDS[@]}" --packets many -- true
	[ "$status" -eq 2 ]
	sends "${ENDS[@]}" --flows 0 --resegment -- true
	[ "$status" -eq 2 ]
}

@test "bench: colo-compare gets through every kind of row" {
	local row
	for row in '' '--size 64' '--size 9000' '--flows 1' '--flows 5000' \
		'--udp' '--udp --lag 500' '--lag 1000' '--resegment' \
		'--hold 500' '--rate 5000' \
		'--closed --window 1' '--closed --window 64'; do
		# shellcheck disable=SC2086
		sends "${ENDS[@]}" $row -- "${COMPARE[@]}"
		[ "$status" -eq 0 ] || fail "$row: $stderr"
	done
	sends "${ENDS[@]}" --size 65226 --vnet -- "${COMPARE[@]}" \
		--vnet-hdr-support
	[ "$status" -eq 0 ]
}

@test "bench: the rewriter's translation is checked" {
	sends --handshake --primary g.sock --out n.sock -- colo-rewriter \
		--net unix-listen:n.sock --guest unix-listen:g.sock
	[ "$status" -eq 0 ]
	sends --handshake --primary g.sock --out n.sock -- colo-rewriter \
		--net unix-listen:n.sock --guest unix-listen:g.sock \
		--translate off
	[ "$status" -eq 1 ]
	[[ $stderr = *'packet 0: not the bytes'* ]]
}

@test "bench: what a closed run misses is reported" {
	faulty drop --closed --window 1
	[[ $stderr = *'packets are missing'* ]]
}

@test "bench: the client's part of a handshake may go in elsewhere" {
	sends --handshake --closed --window 4 --primary g.sock --shake i.sock \
		--out o.sock -- \
		colo-redirector --exclusive --net null: --guest unix-listen:w.sock \
		--indev unix-listen:i.sock,queue=tx \
		--outdev unix-listen:o.sock,queue=rx -- \
		colo-rewriter --net unix:w.sock,reconnect=0.05 \
		--guest unix-listen:g.sock
	[ "$status" -eq 0 ]
}

@test "bench: the mirror's two outputs are checked" {
	sends --primary n.sock --out g.sock --out o.sock -- colo-mirror \
		--net unix-listen:n.sock --guest unix-listen:g.sock \
		--outdev unix-listen:o.sock --when-slow block
	[ "$status" -eq 0 ]
}
