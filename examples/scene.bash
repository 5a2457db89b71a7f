# shellcheck shell=bash
# SPDX-License-Identifier: ISC
# Hosts, guests and clients, each a network namespace: what the demos, and the
# scenes of the tests, have in common. What sources this has set -euo pipefail and
#
#	SCENE	the name it speaks with; its namespaces begin with it, too
#	SPACES	the names of its namespaces
#	BIN	where the programs are
#
# scene_begin sets DIR, a directory for the scene's files. When the scene ends, that
# directory, the namespaces and all that runs in them are removed; with SCENE_KEEP
# the directory stays.
#
# shellcheck disable=SC2034,SC2317 # used, called by the scene

readonly START_S=60		# for whatever a scene waits for
# How many packets a tap has room for. A fast connection has more than the kernel's
# default of 1000 under way, and those without room are lost.
readonly QUEUE_LEN=20000

say() { echo "$SCENE: $*"; }

die() {
	echo "$SCENE: error: $*" >&2
	[ -z "${DIR-}" ] || tell_all >&2 2>/dev/null || true
	exit 1
}

# What the programs have said and say, and what the kernels know of their connections.
tell_all() {
	local name
	tail -n 20 "$DIR"/*.log
	for name in $SPACES; do
		echo "==> $name <=="
		run_in "$name" ss -Htino
		[ ! -d "$DIR/$name" ] || ask "$name" --timeout 2 status
	done
}

# until_true COMMAND...: waits until it succeeds
until_true() {
	local end=$((SECONDS + START_S))
	until "$@"; do
		[ $SECONDS -lt $end ] || die "waited in vain for: $*"
		sleep 0.02
	done
}

# become_root ARGUMENT...: a user who is not root runs the scene again, with these
# arguments, in a user namespace where he is root, with a /run of its own for the names
# that ip keeps there.
become_root() {
	[ "$(id -u)" -ne 0 ] || return 0
	[ -w /dev/net/tun ] || die "neither root nor allowed to open /dev/net/tun"
	# shellcheck disable=SC2016
	exec unshare -Urnm sh -c 'mount -t tmpfs tmpfs /run && exec "$0" "$@"' \
		"$0" "$@"
}

# --- namespaces ---

ns() { echo "$PREFIX-$1"; }
ip_in() { ip -n "$(ns "$1")" "${@:2}"; }
exec_in() { exec ip netns exec "$(ns "$1")" "${@:2}"; }	# with & behind it
run_in() { ip netns exec "$(ns "$1")" "${@:2}"; }
pids_in() { ip netns pids "$(ns "$1")" 2>/dev/null || true; }
set_in() { run_in "$1" sysctl -q -w "${@:2}"; }

# kill_in SPACE...: kills all that runs there; only the scene starts something there
kill_in() {
	local name pids=
	for name; do
		pids+=" $(pids_in "$name")"
	done
	# shellcheck disable=SC2086
	[ -z "${pids// /}" ] || kill -9 $pids 2>/dev/null || true
}

is_empty() {
	local name
	for name in $SPACES; do
		[ -z "$(pids_in "$name")" ] || return 1
	done
}

scene_end() {
	local name
	trap '' INT TERM
	until is_empty; do
		# shellcheck disable=SC2086
		kill_in $SPACES
	done
	for name in $SPACES; do
		ip netns del "$(ns "$name")" 2>/dev/null || true
	done
	[ -n "${SCENE_KEEP-}" ] || rm -rf "$DIR"
}

scene_begin() {
	PREFIX=$SCENE-$$
	DIR=$(mktemp -d "${TMPDIR:-/tmp}/$PREFIX.XXXXXX")
	trap scene_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

make_space() { # NAME
	ip netns add "$(ns "$1")"
	set_in "$1" net.ipv6.conf.all.disable_ipv6=1 \
		net.ipv6.conf.default.disable_ipv6=1
	ip_in "$1" link set lo up
}

make_spaces() {
	local name
	for name in $SPACES; do
		make_space "$name"
	done
}

# make_link SPACE ADDRESS SPACE ADDRESS: a wire between two hosts
make_link() {
	ip_in "$1" link add wire type veth peer name wire netns "$(ns "$3")"
	ip_in "$1" addr add "$2/24" dev wire
	ip_in "$3" addr add "$4/24" dev wire
	ip_in "$1" link set wire up
	ip_in "$3" link set wire up
}

# make_switch PORT...: the namespace net is a switch, its ports are taps
make_switch() {
	local port
	ip_in net link add br0 type bridge mcast_snooping 0
	ip_in net link set br0 up
	for port; do
		ip_in net tuntap add "$port" mode tap
		ip_in net link set "$port" txqueuelen $QUEUE_LEN master br0 up
	done
}

# make_client ADDRESS: the namespace client is at the switch
make_client() {
	ip_in net link add client type veth \
		peer name eth0 netns "$(ns client)"
	ip_in net link set client txqueuelen $QUEUE_LEN master br0 up
	ip_in client addr add "$1/24" dev eth0
	ip_in client link set eth0 up
}

# --- processes ---

declare -A RUNNER	# of each namespace

# start_runner SPACE FILE [VARIABLE=VALUE...]: colo-run with that Procfile, until all
# is ready. Its sockets, and what it says of its processes, are in DIR/SPACE.
start_runner() {
	rm -f "$DIR/$1/ready"
	mkdir -p "$DIR/$1"
	mkfifo "$DIR/$1/ready"
	exec_in "$1" env "${@:3}" "$BIN/colo-run" --control-dir "$DIR/$1" \
		--notify-fd 3 "$2" \
		2>>"$DIR/$1.log" 3>"$DIR/$1/ready" &
	RUNNER[$1]=$!
	disown	# bash would tell of its death
	read -r -t "$START_S" <"$DIR/$1/ready" || die "$1 did not come up"
}

# pid_of SPACE NAME: of that process of its runner; nothing while it does not live
pid_of() { sed -n 's/.* pid=\([0-9]*\).*/\1/p' "$DIR/$1/$2.process"; }

# has_listener SPACE [PORT]
has_listener() {
	[ -n "$(run_in "$1" ss -Htln ${2:+"sport = $2"})" ]
}

# has_connections SPACE N
has_connections() {
	[ "$(run_in "$1" ss -Htn state established | wc -l)" -eq "$2" ]
}

# ask SPACE ARGUMENT...: colo-ctl with the processes of that namespace
ask() { COLO_CONTROL_DIR="$DIR/$1" "$BIN/colo-ctl" "${@:2}"; }
