#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2030,SC2031
# colo-compare when somebody is slow, silent or gone.

load helpers

N=20000
GEN=(--seed 9 --count "$N" --min 60 --max 1500)

compare() {
	start c colo-compare --primary-in unix-listen:p.sock \
		--secondary-in unix-listen:s.sock --non-ip compare "$@"
}

# Output waits for its reader, and nothing moves any more.
is_blocked() {
	[ "$(value "$(stats c)" outdev.queued)" -gt 0 ] && is_stalled c
}

# QEMU fault 1: behind a slow reader the output left in reverse.
@test "a reader that stops stops the primary, and nothing is reordered" {
	compare --outdev unix-listen:o.sock,send-buffer=262144 --max-queue-size 100000 \
		--compare-timeout 60000
	spawn reader socat -u UNIX:o.sock CREATE:out
	wait_for test -e out
	kill -STOP "${PIDS[reader]}"
	# the secondary first: what the primary says then waits for nobody else
	spawn s dial UNIX:s.sock frames gen "${GEN[@]}"
	wait_for stat_is c secondary-in.in "$N"
	spawn p dial UNIX:p.sock frames gen "${GEN[@]}"
	wait_for is_blocked
	[ "$(value "$(stats c)" primary-in.in)" -lt "$N" ]
	kill -CONT "${PIDS[reader]}"
	wait_for stat_is c out "$N"
	check_account "$(stats c)"
	[ "$(value "$(stats c)" compare.episodes)" -eq 0 ]
	stop reader 143
	frames check "${GEN[@]}" <out
}

@test "a silent secondary: one request, nothing lost, bounded memory" {
	compare --outdev unix-listen:o.sock --max-queue-bytes 4194304 \
		--max-flow-bytes 0 --max-client-bytes 0 \
		--checkpoint 'exec:echo asked >>asked; false'
	spawn reader socat -u UNIX:o.sock CREATE:out
	spawn p dial UNIX:p.sock frames gen "${GEN[@]}"
	wait_for is_stalled c
	wait_for test -s asked
	[ ! -s out ]
	[ "$(value "$(stats c)" held.bytes)" -lt 4194304 ]
	# a checkpoint lets go, again and again
	until stat_is c out "$N"; do kill -HUP "${PIDS[c]}"; done
	check_account "$(stats c)"
	is_asan "$BIN/colo-compare" || [ "$(vm_hwm_kib c)" -lt 65536 ]
	stop reader 143
	frames check "${GEN[@]}" <out
}

# latency RATE [BYTES]: of the flow that agrees, in microseconds
latency() {
	run noisy . "$1" "${SECONDS_EACH:-2}" "${2:-60}"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output =~ median\ ([0-9]+)\ us,\ p99\ ([0-9]+)\ us ]]
	MEDIAN=${BASH_REMATCH[1]} P99=${BASH_REMATCH[2]}
}

# Half a second until each checkpoint: what waits for the noise has so long.
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

# 40 MB a second for 4 seconds, of which no checkpoint comes in the first 3.
@test "a flow that waits holds its share, and nobody else waits for it" {
	local alone
	compare --outdev unix-listen:out.sock --checkpoint 'exec:sleep 3'
	SECONDS_EACH=4
	latency 0
	alone=$P99
	latency 28000 1400
	echo "alone $alone us, beside it $P99 us"
	[ "$P99" -lt $((200000 + 10 * alone)) ]
	[ "$(value "$(stats c)" dropped.over-share)" -gt 0 ]
	logged_n 1 c 'event: over-share: udp 10.0.0.1:53 > 10.0.0.2:9: .* it holds'
	check_account "$(stats c)"
}

# Checkpoints of 0.3 s, 100 differing answers a second: they could be made all
# the time. A tenth of the time, and what ten seconds without any had saved.
@test "differing answers get the share of time that checkpoints may take" {
	local begin=${EPOCHREALTIME/./} spent most
	compare --outdev unix-listen:out.sock --checkpoint 'exec:sleep 0.3' \
		--max-checkpoint-share 10 --quarantine off
	SECONDS_EACH=6
	latency 100
	spent=$(value "$(stats c)" checkpoint.spent-ms)
	most=$(((${EPOCHREALTIME/./} - begin) / 10000 + 1000 + 600))
	echo "$spent ms of at most $most ms spent, p99 beside it $P99 us"
	[ "$spent" -gt 1000 ]
	[ "$spent" -le "$most" ]
	[ "$P99" -lt 300000 ]
	[ "$(value "$(stats c)" checkpoint.put-off)" -gt 0 ]
	check_account "$(stats c)"
}

n_writes() { awk '/^syscw/ { print $2 }' "/proc/${PIDS[c]}/io"; }

# QEMU fault 17: three writes, one malloc and one copy for each frame. How long
# they take is a matter of `make bench`.
@test "batches: far fewer writes than frames" {
	compare --outdev unix-listen:o.sock --max-queue-size 100000
	spawn reader socat -u -b 1048576 UNIX:o.sock CREATE:out
	spawn s dial UNIX:s.sock frames gen "${GEN[@]}"
	wait_for stat_is c secondary-in.in "$N"
	spawn p dial UNIX:p.sock frames gen "${GEN[@]}"
	wait_for stat_is c out "$N"
	[ "$(n_writes)" -lt $((N / 4)) ]
	stop reader 143
	frames check "${GEN[@]}" <out
}
