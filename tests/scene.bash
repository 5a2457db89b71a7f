# shellcheck shell=bash
# SPDX-License-Identifier: ISC
# Two hosts with the whole chain, their guests, a net and a client, each a
# network namespace with a kernel stack of its own, for the scenes of this
# directory. What sources this has set -euo pipefail and
#
#	SCENE			the name it speaks with
#	BIN, IMPAIR		where the programs are
#	compare_options		of colo-compare
#	rewriter_options	of colo-rewriter
#	client_wire, copy_wire, output_wire
#				of colo-impair: between client and net, on the
#				mirror's copy, behind the secondary
#	guest_wire		another, between rewriter and guest; may be unset
#	timestamps, sack	0 or 1, on either guest
#	scaling			0 or 1, of windows; as timestamps where unset
#
# shellcheck disable=SC2034,SC2154,SC2317 # set, called, read by the scene

GUEST=10.83.0.1 CLIENT=10.83.0.2 MAC=52:54:00:c0:10:03
CLIENT_MAC=52:54:00:c0:10:04
START_S=60			# for what the scene waits for
# Packets that wait at a tap: the kernel's 1000 are less than what one fast
# connection has under way, and what does not find room is lost.
QUEUE_LEN=20000

say() { echo "$SCENE: $*"; }
die() {
	echo "$SCENE: error: $*" >&2
	tail -n 20 "$DIR"/*.log >&2
	exit 1
}

PREFIX=$SCENE-$$
DIR=$(mktemp -d "${TMPDIR:-/tmp}/$PREFIX.XXXXXX")
mkdir "$DIR/state"
SPACES="primary secondary pguest sguest net client"

ns() { echo "$PREFIX-$1"; }
run_in() { ip netns exec "$(ns "$1")" "${@:2}"; }
exec_in() { exec ip netns exec "$(ns "$1")" "${@:2}"; }
ip_in() { ip -n "$(ns "$1")" "${@:2}"; }

pids_in() { ip netns pids "$(ns "$1")" 2>/dev/null || true; }

kill_in() {
	local pids
	pids=$(pids_in "$1")
	# shellcheck disable=SC2086
	[ -z "$pids" ] || kill -9 $pids 2>/dev/null || true
}

cleanup() {
	local space
	trap '' INT TERM
	for space in $SPACES; do
		kill_in "$space"
		ip netns del "$(ns "$space")" 2>/dev/null || true
	done
	[ -n "${SCENE_KEEP-}" ] || rm -rf "$DIR"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

until_true() {
	local end=$((SECONDS + START_S))
	until "$@"; do
		[ $SECONDS -lt $end ] || die "waited in vain for: $*"
		sleep 0.02
	done
}

# --- namespaces ---

make_spaces() {
	local space
	for space in $SPACES; do
		ip netns add "$(ns "$space")"
		run_in "$space" sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 \
			net.ipv6.conf.default.disable_ipv6=1
		ip_in "$space" link set lo up
	done
	ip_in primary link add wire type veth peer name wire \
		netns "$(ns secondary)"
	ip_in primary addr add 10.84.0.1/24 dev wire
	ip_in secondary addr add 10.84.0.2/24 dev wire
	ip_in primary link set wire up
	ip_in secondary link set wire up
	ip_in net link add br0 type bridge mcast_snooping 0
	ip_in net link set br0 up
	for space in client primary secondary; do
		ip_in net tuntap add "$space" mode tap
		ip_in net link set "$space" txqueuelen $QUEUE_LEN master br0 up
	done
	ip_in client tuntap add eth0 mode tap
	ip_in client link set eth0 address $CLIENT_MAC txqueuelen $QUEUE_LEN
	ip_in client addr add $CLIENT/24 dev eth0
	ip_in client link set eth0 up
}

# make_guest SPACE COOKIES: 2 makes its ISNs and its clock others
make_guest() {
	local clock=1
	[ "$2" = 0 ] || clock=2
	run_in "$1" sysctl -q -w net.ipv4.tcp_syncookies="$2" \
		net.ipv4.tcp_timestamps=$((timestamps * clock)) \
		net.ipv4.tcp_window_scaling="${scaling-$timestamps}" \
		net.ipv4.tcp_sack="$sack"
	ip_in "$1" tuntap add eth0 mode tap
	ip_in "$1" link set eth0 address $MAC txqueuelen $QUEUE_LEN
	ip_in "$1" addr add $GUEST/24 dev eth0
	ip_in "$1" link set eth0 up
	# a tap whose process dies has no carrier, and with it the guest forgets
	# its neighbours; the secondary's own question would not leave the host
	ip_in "$1" neigh replace $CLIENT lladdr $CLIENT_MAC dev eth0 \
		nud permanent
}

# --- processes ---

write_procfiles() {
	cat >"$DIR/primary.proc" <<-END
		compare: $BIN/colo-compare $compare_options \
			--primary-in unix-listen:$DIR/primary-in \
			--secondary-in tcp-listen:10.84.0.1:9002,allow=10.84.0.2/32 \
			--outdev unix-listen:$DIR/released 2>$DIR/compare.log
		redirector: $BIN/colo-redirector --queue rx --when-down drop \
			--net unix-listen:$DIR/pwire \
			--guest tap:eth0,netns=$(ns pguest) \
			--outdev unix:$DIR/primary-in
		copy: $IMPAIR $copy_wire --net-in unix-listen:$DIR/copy \
			--net-out null: --guest-in null: \
			--guest-out tcp:10.84.0.2:9001
		mirror: $BIN/colo-mirror --queue tx --indev unix:$DIR/released \
			--net tap:primary,netns=$(ns net) \
			--guest unix:$DIR/pwire --outdev unix:$DIR/copy
	END
	local guest wire=''
	guest=tap:eth0,netns=$(ns sguest)
	if [ -n "${guest_wire-}" ]; then
		wire="wire: $IMPAIR $guest_wire --net unix-listen:$DIR/gwire --guest $guest"
		guest=unix:$DIR/gwire
	fi
	cat >"$DIR/secondary.proc" <<-END
		$wire
		output: $IMPAIR $output_wire --net-in unix-listen:$DIR/output \
			--net-out null: --guest-in null: \
			--guest-out tcp:10.84.0.1:9002
		redirector: $BIN/colo-redirector --exclusive \
			--net tap:secondary,netns=$(ns net) \
			--guest unix-listen:$DIR/swire \
			--indev tcp-listen:10.84.0.2:9001,queue=tx,allow=10.84.0.1/32 \
			--outdev unix:$DIR/output,queue=rx
		rewriter: $BIN/colo-rewriter $rewriter_options \
			--state-dir $DIR/state --net unix:$DIR/swire \
			--guest $guest
	END
}

declare -A RUNNER		# the runner of each host
start_host() {
	rm -f "$DIR/$1.ready"
	mkdir -p "$DIR/$1"
	mkfifo "$DIR/$1.ready"
	exec_in "$1" "$BIN/colo-run" --pid-dir "$DIR/$1" --notify-fd 3 \
		"$DIR/$1.proc" \
		2>"$DIR/$1.log" 3>"$DIR/$1.ready" &
	RUNNER[$1]=$!
	disown
	read -r -t $START_S <"$DIR/$1.ready" || die "$1 did not come up"
}

start_client_link() {
	# shellcheck disable=SC2086
	exec_in client "$IMPAIR" $client_wire \
		--net "tap:client,netns=$(ns net)" --guest tap:eth0 \
		2>"$DIR/link.log" &
	disown
}

is_linked() {
	[ "$(run_in secondary ss -Htn state established | wc -l)" -eq 2 ]
}

# --- the end of the primary ---

# What colo-compare let go of that the secondary had not said, as it counts it:
# nothing, before a takeover without checkpoints.
ask_compare() {
	local answers
	answers=$(grep -c 'stats: in=' "$DIR/compare.log") || true
	kill -USR1 "$(cat "$DIR/primary/compare.pid")"
	until_true has_answered $((answers + 1))
	kill -USR1 "$(cat "$DIR/primary/compare.pid")"
	until_true has_answered $((answers + 2)) # so the first one is whole
	LET_GO=$(sed -nE 's/.*stats: compare\.((flushed|passed)=[1-9].*)/\1/p' \
		"$DIR/compare.log" | tail -n 1)
}
has_answered() { [ "$(grep -c 'stats: in=' "$DIR/compare.log")" -ge "$1" ]; }

# The power goes: nothing of this host runs any more when its links go down,
# and nobody hears a FIN or a RST from it.
cut_power() {
	ask_compare
	# shellcheck disable=SC2046
	kill -STOP $(pids_in primary) $(pids_in pguest)
	cut_piece wire
	cut_piece net
	kill_in primary
	kill_in pguest
}

# cut_slowly MS PIECE...: the host dies in pieces, MS apart. What dies does not
# come back: the runner stands still.
cut_slowly() {
	local piece apart=${1}e-3
	kill -STOP "${RUNNER[primary]}"
	shift
	for piece; do
		[ "$piece" != compare ] || ask_compare
		cut_piece "$piece"
		[ "$piece" = "${*: -1}" ] || sleep "$apart"
	done
	kill_in primary
}

# cut_piece wire|net|guest|PROCESS: the link between the hosts, the port of the
# switch, the guest, or a process of the primary
cut_piece() {
	case $1 in
	wire) ip_in primary link set wire down ;;
	net) ip_in net link set primary down ;;
	guest)
		ip_in pguest link set eth0 down
		kill_in pguest
		;;
	*) kill -9 "$(cat "$DIR/primary/$1.pid")" ;;
	esac
}
