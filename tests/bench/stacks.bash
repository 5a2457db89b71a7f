# shellcheck shell=bash
# SPDX-License-Identifier: ISC
# The sections `iperf3` and `answers` of run, which has what is used here: two kernel
# stacks, and on the way between them the chain, or less. The program `namespaces` is
# what measures.
#
# shellcheck disable=SC2154

IPERF3_WAYS=(none floor chain floor-gso moved-gso chain-gso)
ANSWERS_WAYS=(none floor chain qemu)

# can_join PROGRAM: or says why not
can_join() {
	[ "$(id -u)" -ne 0 ] || ! command -v "$1" >/dev/null || return 0
	say "$1: needs root and $1: left out"
	return 1
}

# joined SECONDS KEY OPTION...: one more measurement
joined() {
	COLO_BIN=$BIN COLO_BENCH=$BENCH SECONDS_EACH=$1 \
		"$HERE/namespaces" "${@:3}" >>"$2" 2>"$2.err" || {
		say "$2: failed"
		tail -5 "$2.err" >&2
	}
}

name_of_way() {
	local name
	case $1 in
	none) name='no chain: a veth pair' ;;
	floor*) name='two taps, joined' ;;
	moved*) name='the same way as the chain, moved only' ;;
	chain*) name='the primary chain with compare' ;;
	qemu) name="QEMU's chain" ;;
	esac
	[ "${1%-gso}" = "$1" ] || name+=', GSO'
	echo "$name"
}

section_iperf3() {
	local run way
	can_join iperf3 || return 0
	for ((run = 1; run <= RUNS; run++)); do
		for way in "${IPERF3_WAYS[@]}"; do
			say "run $run of $RUNS: iperf3, $way"
			joined "$((QUICK ? 1 : 3))" "iperf3.$way" "$way"
		done
	done
	cat <<-'END'
		## iperf3

		One TCP stream from a server in a namespace (the guest) to a client in
		another one. *Joined*: the guest's tap and the client's tap with a mirror
		between them that has nobody to copy for, the least that can join two taps.
		*Chain*: the primary's: client tap, mirror, redirector, guest tap; the
		redirector sends the guest's packets to colo-compare as the primary's, and
		through a tee (a second mirror) as the secondary's too, so every packet is
		compared with its own copy before the client's mirror gets it. Four
		processes and iperf3's two share the processors. *Moved* is the same chain with
		pumps, which look at nothing, for colo-compare and the tee: what any processes on
		this way cost. With GSO, as the veth pair has it, too, the taps hand over 64 KiB
		segments in the vnet form. CPU is that of the processes between the two taps.

		| | Gbit/s from the guest | of the two taps joined | CPU us for 64 KiB |
		|---|--:|--:|--:|
	END
	for way in "${IPERF3_WAYS[@]}"; do
		iperf3_line "$way"
	done
	echo
}

iperf3_line() {
	local gbps
	gbps=$(median "iperf3.$1" gbps)
	cells "$(name_of_way "$1")" "$(show "$gbps" %.2f)" \
		"$(ratio "$gbps" \
		"$(median "iperf3.floor${1#"${1%-gso}"}" gbps)")" \
		"$(show "$(median "iperf3.$1" cpu_us)" %.1f)"
}

# They take turns, three times a run, as the whole chains do.
answers_turns() {
	local way
	for _ in 1 2 3; do
		for way in "${ANSWERS_WAYS[@]}"; do
			joined 1 "answers.$way" --ask "$way"
		done
	done
}

section_answers() {
	local run way
	can_join sockperf || return 0
	has_qemu || ANSWERS_WAYS=(none floor chain)
	for ((run = 1; run <= RUNS; run++)); do
		say "run $run of $RUNS: requests and answers"
		answers_turns
	done
	cat <<-'END'
		## Requests and answers

		Between the same namespaces a request of 64 bytes and an answer of as many, one
		after the other over one TCP connection (sockperf), through taps in the plain
		form. *QEMU's chain* has the same filters, the tee, too, in one process without a
		guest, and colo-compare in an iothread: our tee is a process more to be woken, which
		no secondary would be. Microseconds are the client's, there and
		back; CPU is that of the processes between the two taps.

		| | p50 | p99 | p99.9 | CPU us |
		|---|--:|--:|--:|--:|
	END
	for way in "${ANSWERS_WAYS[@]}"; do
		answers_line "$way"
	done
	answers_ratio
	echo
}

answers_line() {
	local key=answers.$1
	cells "$(name_of_way "$1")" "$(show "$(median "$key" p50_us)" %.1f)" \
		"$(show "$(median "$key" p99_us)" %.1f)" \
		"$(show "$(median "$key" p999_us)" %.1f)" \
		"$(show "$(median "$key" cpu_us)" %.1f)"
}

answers_ratio() {
	local name line=("the chain / QEMU's")
	for name in p50_us p99_us p999_us cpu_us; do
		line+=("$(ratio "$(median answers.chain $name)" \
			"$(median answers.qemu $name)")")
	done
	cells "${line[@]}"
}
