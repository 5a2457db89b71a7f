# shellcheck shell=bash
# SPDX-License-Identifier: ISC
# A pair of hosts with a guest on each, in namespaces: primary, primary-guest,
# secondary and secondary-guest, with the pair's name and a dash in front of each
# when it has a name. It stands on ../scene.bash. What sources this sets PAIR_FILES,
# the folder of primary.proc and secondary.proc.
#
# shellcheck disable=SC2034,SC2154,SC2317 # used, set, called by the scene

# Two stacks in one kernel choose nearly the same sequence numbers and clocks;
# syncookies (2: always) and timestamps without a random offset (2) make the
# secondary's unrelated. Syncookies forget window scaling unless timestamps carry it,
# so there is no window scaling without timestamps.
declare -Ar TIMESTAMPS=([primary]=1 [secondary]=2)
declare -Ar SYNCOOKIES=([primary]=0 [secondary]=2)
readonly GUEST_ADDR=10.81.0.1 GUEST_MAC=52:54:00:c0:10:01 GUEST_PORT=80
declare -Ar HOST_ADDR=([primary]=10.82.0.1 [secondary]=10.82.0.2)
declare -Ar OTHER=([primary]=secondary [secondary]=primary)

# pair_spaces PAIR: the names of its namespaces
pair_spaces() {
	echo "$1primary $1secondary $1primary-guest $1secondary-guest"
}

# pair_make PAIR: the link between its hosts, and its guests
pair_make() {
	make_link "$1primary" "${HOST_ADDR[primary]}" \
		"$1secondary" "${HOST_ADDR[secondary]}"
	pair_make_guest "$1primary-guest" primary
	pair_make_guest "$1secondary-guest" secondary
}

# pair_make_guest SPACE HOST: both guests have the same address and MAC
pair_make_guest() {
	set_in "$1" net.ipv4.tcp_timestamps="${TIMESTAMPS[$2]}" \
		net.ipv4.tcp_window_scaling=$((TIMESTAMPS[$2] > 0)) \
		net.ipv4.tcp_sack=1 \
		net.ipv4.tcp_syncookies="${SYNCOOKIES[$2]}"
	ip_in "$1" tuntap add eth0 mode tap
	ip_in "$1" link set eth0 address "$GUEST_MAC" mtu 1500 \
		txqueuelen "$QUEUE_LEN"
	ip_in "$1" addr add "$GUEST_ADDR/24" dev eth0
	ip_in "$1" link set eth0 up
}

# pair_start_host PAIR HOST NET [VARIABLE=VALUE...]: its processes, with NET as the
# endpoint of the net side
pair_start_host() {
	start_runner "$1$2" "$PAIR_FILES/$2.proc" DIR="$DIR/$1$2" \
		HERE="${HOST_ADDR[$2]}" PEER="${HOST_ADDR[${OTHER[$2]}]}" \
		NET="$3" GUEST="$(ns "$1$2-guest")" "${@:4}"
}

# pair_start PAIR PRIMARY_NET SECONDARY_NET [VARIABLE=VALUE...]: both hosts, until
# they are linked
pair_start() {
	pair_start_host "$1" secondary "$3" "${@:4}"
	pair_start_host "$1" primary "$2" "${@:4}"
	until_true has_connections "$1secondary" 2
}
