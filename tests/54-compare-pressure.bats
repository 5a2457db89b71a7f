#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2030,SC2031
# colo-compare when its reader is slow, its secondary silent, or a flow noisy.

load helpers

N=20000
GEN=(--seed 9 --count "$N" --min 60 --max 1500)

compare() {
	start c colo-compare --primary-in unix-listen:p.sock \
		--secondary-in unix-listen:s.sock --non-ip compare "$@"
}

# is_blocked: output waits for its reader, and no frame moves any more
is_blocked() {
	[ "$(value "$(stats c)" outdev.queued)" -gt 0 ] && is_stalled c
}

# QEMU fault 1: behind a slow reader its output leaves in reverse order.
@test "a reader that stops stops the primary, and nothing is reordered" {
	compare --outdev unix-listen:o.sock,send-buffer=262144 --max-queue-size 100000 \
		--compare-timeout 60000
	spawn reader socat -u UNIX:o.sock CREATE:out
	wait_for test -e out
	kill -STOP "${PIDS[reader]}"
	# the secondary sends first, so the primary's frames wait only for the reader
	spawn s dial UNIX:s.sock frames gen "${GEN[@]}"
	wait_for stat_is c secondary-in.in "$N"
	spawn p dial UNIX:p.sock frames gen "${GEN[@]}"
	wait_for is_blocked
	[ "$(value "$(stats c)" primary-in.in)" -lt "$N" ]
	kill -CONT "${PIDS[reader]}"
	wait_for stat_is c out "$N"
	check_account "$(stats c)"
	[ "$(value "$(stats c)" compare.episodes)" -eq 0 ]
	stop c
	ends reader
	frames check "${GEN[@]}" <out
}

@test "with a silent secondary one checkpoint is asked for, nothing is lost, memory is bounded" {
	compare --outdev unix-listen:o.sock --max-queue-bytes 4194304 \
		--max-flow-bytes 0 --max-client-bytes 0 \
		--checkpoint 'exec:echo asked >>asked; false'
	spawn reader socat -u UNIX:o.sock CREATE:out
	spawn p dial UNIX:p.sock frames gen "${GEN[@]}"
	wait_for is_stalled c
	wait_for test -s asked
	[ ! -s out ]
	[ "$(value "$(stats c)" held.bytes)" -lt 4194304 ]
	# each checkpoint releases what is held
	until stat_is c out "$N"; do kill -HUP "${PIDS[c]}"; done
	check_account "$(stats c)"
	is_asan "$BIN/colo-compare" || [ "$(vm_hwm_kib c)" -lt 65536 ]
	stop c
	ends reader
	frames check "${GEN[@]}" <out
}

# latency RATE [BYTES]: MEDIAN and P99 become the latency in microseconds of a flow
# whose replicas agree, beside one of RATE datagrams a second that do not
latency() {
	run noisy . "$1" "${SECONDS_EACH:-2}" "${2:-60}"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output =~ median\ ([0-9]+)\ us,\ p99\ ([0-9]+)\ us ]]
	MEDIAN=${BASH_REMATCH[1]} P99=${BASH_REMATCH[2]}
}

# A checkpoint takes half a second here: a flow that waited for it would be as late.
@test "a flow of 100000 mismatches a second does not delay the others" {
	local alone more=100000		# microseconds
	[ -z "${SOAK_N-}" ] || { SECONDS_EACH=10 && more=1000; }
	compare --outdev unix-listen:out.sock --checkpoint 'exec:sleep 0.5'
	latency 0
	alone=$MEDIAN
	latency 100000
	[ "$MEDIAN" -lt $((alone + more)) ]
	[ "$(value "$(stats c)" compare.flows-different)" -gt 0 ]
	check_account "$(stats c)"
}

# The noise is 40 MB a second for 4 seconds; the first checkpoint takes 3 seconds.
@test "a flow that waits fills only its share of memory, and no other flow waits" {
	local alone
	compare --outdev unix-listen:out.sock --checkpoint 'exec:sleep 3'
	SECONDS_EACH=4
	latency 0
	alone=$P99
	latency 28000 1400
	echo "alone $alone us, beside it $P99 us"
	[ "$P99" -lt $((200000 + 10 * alone)) ]
	[ "$(value "$(stats c)" dropped.over-share)" -gt 0 ]
	logged_n 1 c 'event: over-share: udp 10.0.0.1:53 > 10.0.0.2:9: .* the flow holds'
	check_account "$(stats c)"
}

# With checkpoints of a second and 100 differing answers a second, checkpoints could be
# made all the time. Allowed are a fifth of the time, and what ten seconds without any
# had saved. A flow that waited for them would be late by up to a second.
@test "checkpoints take at most their share of the time" {
	local begin=${EPOCHREALTIME/./} spent most
	compare --outdev unix-listen:out.sock --checkpoint 'exec:sleep 1' \
		--max-checkpoint-share 20 --quarantine off
	SECONDS_EACH=6
	latency 100
	spent=$(value "$(stats c)" checkpoint.spent-ms)
	most=$(((${EPOCHREALTIME/./} - begin) / 5000 + 2000 + 2000))
	echo "$spent ms of at most $most ms spent, p99 beside it $P99 us"
	[ "$spent" -gt 1000 ]
	[ "$spent" -le "$most" ]
	[ "$P99" -lt 900000 ]
	[ "$(value "$(stats c)" checkpoint.put-off)" -gt 0 ]
	check_account "$(stats c)"
}

n_writes() { awk '/^syscw/ { print $2 }' "/proc/${PIDS[c]}/io"; }

# QEMU fault 17: it has three writes, one malloc and one copy for each frame.
# `make bench` measures how long that takes.
@test "batches: far fewer writes than frames" {
	compare --outdev unix-listen:o.sock --max-queue-size 100000
	spawn reader socat -u -b 1048576 UNIX:o.sock CREATE:out
	spawn s dial UNIX:s.sock frames gen "${GEN[@]}"
	wait_for stat_is c secondary-in.in "$N"
	spawn p dial UNIX:p.sock frames gen "${GEN[@]}"
	wait_for stat_is c out "$N"
	[ "$(n_writes)" -lt $((N / 4)) ]
	stop c
	ends reader
	frames check "${GEN[@]}" <out
}
