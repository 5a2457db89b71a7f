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
#	vnet			--vnet-hdr-support for taps with GSO; may be unset
#	timestamps, sack	0 or 1, on either guest
#	scaling			0 or 1, of windows; as timestamps where unset
#
# shellcheck disable=SC2034,SC2154,SC2317 # set, called, read by the scene

GUEST=10.83.0.1 CLIENT=10.83.0.2 MAC=52:54:00:c0:10:03
CLIENT_MAC=52:54:00:c0:10:04

vnet=${vnet-}
SPACES="primary secondary pguest sguest net client"
# shellcheck source=examples/scene.bash
. "$TOP/examples/scene.bash"
scene_begin
mkdir "$DIR/state"

# --- namespaces ---

make_net() {
	make_spaces
	make_link primary 10.84.0.1 secondary 10.84.0.2
	make_switch client primary secondary
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
		compare: $BIN/colo-compare $vnet $compare_options \
			--primary-in unix-listen:$DIR/primary-in \
			--secondary-in tcp-listen:10.84.0.1:9002,allow=10.84.0.2/32 \
			--outdev unix-listen:$DIR/released 2>$DIR/compare.log
		redirector: $BIN/colo-redirector $vnet --queue rx --when-down drop \
			--net unix-listen:$DIR/pwire \
			--guest tap:eth0,netns=$(ns pguest) \
			--outdev unix:$DIR/primary-in
		copy: $IMPAIR $vnet $copy_wire --net-in unix-listen:$DIR/copy \
			--net-out null: --guest-in null: \
			--guest-out tcp:10.84.0.2:9001
		mirror: $BIN/colo-mirror $vnet --queue tx --indev unix:$DIR/released \
			--net tap:primary,netns=$(ns net) \
			--guest unix:$DIR/pwire --outdev unix:$DIR/copy
	END
	local guest wire=''
	guest=tap:eth0,netns=$(ns sguest)
	if [ -n "${guest_wire-}" ]; then
		wire="wire: $IMPAIR $vnet $guest_wire --net unix-listen:$DIR/gwire --guest $guest"
		guest=unix:$DIR/gwire
	fi
	cat >"$DIR/secondary.proc" <<-END
		$wire
		output: $IMPAIR $vnet $output_wire --net-in unix-listen:$DIR/output \
			--net-out null: --guest-in null: \
			--guest-out tcp:10.84.0.1:9002
		redirector: $BIN/colo-redirector $vnet --exclusive \
			--net tap:secondary,netns=$(ns net) \
			--guest unix-listen:$DIR/swire \
			--indev tcp-listen:10.84.0.2:9001,queue=tx,allow=10.84.0.1/32 \
			--outdev unix:$DIR/output,queue=rx
		rewriter: $BIN/colo-rewriter $vnet $rewriter_options \
			--state-dir $DIR/state --net unix:$DIR/swire \
			--guest $guest
	END
}

start_host() { start_runner "$1" "$DIR/$1.proc"; }

start_client_link() {
	# shellcheck disable=SC2086
	exec_in client "$IMPAIR" $vnet $client_wire \
		--net "tap:client,netns=$(ns net)" --guest tap:eth0 \
		2>"$DIR/link.log" &
	disown
}

is_linked() { has_connections secondary 2; }

# --- the end of a host ---

# What colo-compare let go of that the secondary had not said, as it counts it:
# nothing, before a takeover without checkpoints.
ask_compare() {
	local answers
	answers=$(grep -c 'stats: in=' "$DIR/compare.log") || true
	kill -USR1 "$(pid_of primary compare)"
	until_true has_answered $((answers + 1))
	kill -USR1 "$(pid_of primary compare)"
	until_true has_answered $((answers + 2)) # so the first one is whole
	LET_GO=$(sed -nE 's/.*stats: compare\.((flushed|passed)=[1-9].*)/\1/p' \
		"$DIR/compare.log" | tail -n 1)
}
has_answered() { [ "$(grep -c 'stats: in=' "$DIR/compare.log")" -ge "$1" ]; }

# The power goes: nothing of this host runs any more when its links go down,
# and nobody hears a FIN or a RST from it.
cut_power() {
	ask_compare
	cut_host primary
}

# cut_host primary|secondary
cut_host() {
	# shellcheck disable=SC2046
	kill -STOP $(pids_in "$1") $(pids_in "$(guest_of "$1")")
	cut_piece wire
	ip_in net link set "$1" down
	kill_in "$1"
	kill_in "$(guest_of "$1")"
}

guest_of() { echo "${1:0:1}guest"; }

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
	*) kill -9 "$(pid_of primary "$1")" ;;
	esac
}
