# shellcheck shell=bash
# SPDX-License-Identifier: ISC
# The section `chain` of run, which has what is used and set here.
#
# shellcheck disable=SC2154

# What the guest sends, to the net: redirector, compare, mirror.
# shellcheck disable=SC2034	# by their names, in chain_once
PRIMARY_OURS=("$BIN/colo-compare" --log-level error
	--primary-in unix-listen:p.sock --secondary-in unix-listen:s.sock
	--outdev unix-listen:c.sock
	-- "$BIN/colo-mirror" --log-level error --net unix-listen:n.sock
	--guest unix-listen:m.sock --outdev null:
	--indev "unix:c.sock,reconnect=0.05"
	-- "$BIN/colo-redirector" --log-level error
	--net "unix:m.sock,reconnect=0.05" --guest unix-listen:g.sock --queue rx
	--outdev "unix:p.sock,reconnect=0.05")

# What the guest sends, to the primary: rewriter, redirector.
# shellcheck disable=SC2034
SECONDARY_OURS=("$BIN/colo-redirector" --log-level error --exclusive
	--net null: --guest unix-listen:w.sock
	--indev 'unix-listen:i.sock,queue=tx'
	--outdev 'unix-listen:o.sock,queue=rx'
	-- "$BIN/colo-rewriter" --log-level error
	--net "unix:w.sock,reconnect=0.05" --guest unix-listen:g.sock)

# A QEMU without a guest: a hub joins the socket of the net, which has the
# filters, with the guest's.
QEMU_WIRE=("${QEMU[0]}" -machine none -nodefaults -display none
	-netdev 'stream,id=net,server=on,addr.type=unix,addr.path=n.sock'
	-netdev 'stream,id=guest,server=on,addr.type=unix,addr.path=g.sock'
	-netdev 'hubport,id=h0,hubid=0,netdev=net'
	-netdev 'hubport,id=h1,hubid=0,netdev=guest')

# qemu_server ID PATH: an argument of -chardev
qemu_server() { echo "socket,id=$1,path=$2,server=on,wait=off"; }

# shellcheck disable=SC2034
PRIMARY_QEMU=("${QEMU_WIRE[@]}" -chardev 'null,id=copy'
	-chardev "$(qemu_server s s.sock)" -chardev "$(qemu_server p p.sock)"
	-chardev "$(qemu_server o c.sock)" -chardev 'socket,id=p0,path=p.sock'
	-chardev 'socket,id=o0,path=c.sock'
	-object 'filter-mirror,id=m,netdev=net,queue=tx,outdev=copy'
	-object 'filter-redirector,id=r0,netdev=net,queue=rx,indev=o0'
	-object 'filter-redirector,id=r1,netdev=net,queue=rx,outdev=p0'
	-object 'iothread,id=t' -object "$COMPARE")
# shellcheck disable=SC2034
SECONDARY_QEMU=("${QEMU_WIRE[@]}"
	-chardev "$(qemu_server i i.sock)" -chardev "$(qemu_server d o.sock)"
	-object 'filter-redirector,id=r0,netdev=net,queue=tx,indev=i'
	-object 'filter-redirector,id=r1,netdev=net,queue=rx,outdev=d'
	-object 'filter-rewriter,id=w,netdev=net,queue=all')

# shellcheck disable=SC2034
PRIMARY_ENDS=(--primary g.sock --secondary s.sock --out n.sock)
# shellcheck disable=SC2034
SECONDARY_ENDS=(--handshake --primary g.sock --shake i.sock --out o.sock)

CHAINS=(primary secondary)
CHAIN_SIZES=(64 1400)
CHAIN_WINDOWS=(1 4 64)
if [ -n "$TARGETS" ]; then
	CHAINS=(primary)
	CHAIN_SIZES=(1400)
	CHAIN_WINDOWS=(1)
fi

# chain_once CHAIN ours|qemu SIZE NAME OPTION...
chain_once() {
	local -n program=${1^^}_${2^^} ends=${1^^}_ENDS
	once "chain.$1.$2.$3.$4" --unpinned --size "$3" "${@:5}" "${ends[@]}" \
		-- "${program[@]}"
}

# chain_full CHAIN SIZE: as many under way as fit, in QEMU as it survives
chain_full() {
	local window=64
	[ "$2" -ne 64 ] || window=48
	chain_once "$1" ours "$2" full --packets "$(scaled 200000)"
	! has_qemu || chain_once "$1" qemu "$2" full --window "$window" \
		--packets "$(scaled 20000)" || true
}

# The two take turns, three times a run: what else the machine does
# changes by the second.
chain_turns() {
	local size window who n
	for _ in 1 2 3; do
		for size in "${CHAIN_SIZES[@]}"; do
			for window in "${CHAIN_WINDOWS[@]}"; do
				n=$(scaled $((4000 + 200 * window)))
				for who in ours qemu; do
					[ $who = ours ] || has_qemu || continue
					chain_once "$1" "$who" "$size" "$window" \
						--closed --packets "$n" \
						--window "$window" || true
				done
			done
		done
	done
}

section_chain() {
	local run chain size
	for ((run = 1; run <= RUNS; run++)); do
		for chain in "${CHAINS[@]}"; do
			say "run $run of $RUNS: the $chain's chain"
			chain_turns "$chain"
			[ -z "$TARGETS" ] || continue
			for size in "${CHAIN_SIZES[@]}"; do
				chain_full "$chain" "$size"
			done
		done
	done
	for chain in "${CHAINS[@]}"; do
		chain_table "$chain"
	done
}

chain_table() {
	local size window
	echo "## The $1's chain, whole"
	echo
	[ "$1" = secondary ] || cat <<-'END'
		What the guest sends, as far as the net: ours through redirector, compare
		and mirror, three processes; QEMU's through the same filters and
		colo-compare in one process without a guest, colo-compare in an iothread.
		Latency is from the send of the secondary's copy to the packet in the
		reader's hands; so many packets are under way all the time. CPU is that of
		all processes. In *full* as many are under way as fit into ours, and as
		QEMU survives; latency is then the length of the queue, and is left out.

	END
	[ "$1" = primary ] || cat <<-'END'
		What the guest sends, as far as the primary: ours through rewriter and
		redirector, two processes; QEMU's in one thread.

	END
	cells 'under way' p50 'QEMU' 'ours / QEMU' p99 'QEMU' 'ours / QEMU' \
		p99.9 'QEMU' 'CPU us' 'QEMU' 'ours / QEMU' 'packets/s' 'QEMU'
	echo '|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|'
	for size in "${CHAIN_SIZES[@]}"; do
		for window in "${CHAIN_WINDOWS[@]}"; do
			chain_line "$1" "$size" "$window" paced_ns
		done
		[ -n "$TARGETS" ] || chain_line "$1" "$size" full ns
	done
	echo
}

# chain_value CHAIN WHO SIZE WINDOW NAME
chain_value() { median "chain.$1.$2.$3.$4" "$5"; }

# of_qemu CHAIN SIZE WINDOW NAME [FORMAT]
of_qemu() {
	ratio "$(chain_value "$1" ours "$2" "$3" "$4")" \
		"$(chain_value "$1" qemu "$2" "$3" "$4")" "${5:-%.9f}"
}

# chain_line CHAIN SIZE WINDOW NAME-OF-CPU
chain_line() {
	local name who line=("$2 B, $3")
	for name in p50_us p99_us p999_us "$4" pps; do
		for who in ours qemu; do
			line+=("$(chain_cell "$1" "$who" "$2" "$3" "$name")")
		done
		case $name in
		p999_us | pps) ;;
		*) line+=("$(of_qemu "$1" "$2" "$3" "$name" %.2f)") ;;
		esac
	done
	cells "${line[@]}"
}

chain_cell() {
	local value
	value=$(chain_value "$@")
	case $5 in
	*ns) show "$value" %.2f 0.001 ;;
	pps) show "$value" ;;
	*) show "$value" %.1f ;;
	esac
}
