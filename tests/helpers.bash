# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# For the tests with real processes: `load helpers`. It says where the
# programs are, starts them, waits for them, and looks after them.
#
# COLO_BIN	directory of the programs (../bin)
# COLO_BUILD	directory of what was built for the tests (../build)
# SOAK_N	how long the long tests are: README.md
#
# Every test has a directory of its own and stands in it. Nothing sleeps to
# give something time: what is waited for has a name, and a limit that fails.

bats_require_minimum_version 1.5.0

# bats looks at every command of a test to be able to say which one failed, with
# some fifty commands of its own. It need not look into the helpers.
bats_add_debug_exclude_path "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

# untraced: nor into any command of this subshell, such as $(...) or a part of a
# pipe. For functions with loops.
untraced() { [ "$BASHPID" -eq $$ ] || trap - DEBUG; }

# Only what hangs reaches these limits: a slow machine takes five times as long as a
# quick one.
export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-300}
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1}
WAIT_S=${WAIT_S:-90}

# Call it from setup().
colo_setup() {
	local top
	top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
	BIN=$(cd "$top" && cd "${COLO_BIN:-bin}" && pwd)
	BUILD=$(cd "$top" && cd "${COLO_BUILD:-build}" && pwd)
	# shellcheck disable=SC2034  # tests use it
	TOP=$top
	PATH=$BIN:$BUILD/tests:$PATH
	declare -gA PIDS=() OTHERS=()
	NETNS=()
	cd "$BATS_TEST_TMPDIR" || return
	set -o pipefail
}

# The same for scenes in namespaces, which are programs of their own: with what
# they need to know, and a place for what they leave behind.
scene_setup() {
	colo_setup
	mkdir tmp
	export COLO_BIN=$BIN COLO_BUILD=$BUILD TMPDIR=$BATS_TEST_TMPDIR/tmp
}

# Call it from teardown(). Ends what still runs, and fails when a program did
# not end well or a sanitizer spoke.
colo_teardown() {
	local name ns result=0

	for name in "${!OTHERS[@]}"; do
		[ -z "${PIDS[$name]:-}" ] || kill_other "$name"
	done
	for name in "${!PIDS[@]}"; do
		stop "$name" || result=1
	done
	# a child of somebody's may have missed that its peer is gone
	for ns in "${NETNS[@]}"; do
		ip netns pids "$ns" | xargs -r kill -9
		ip netns del "$ns"
	done
	if grep -sE 'ERROR: (Address|Leak)Sanitizer|runtime error:' ./*.log; then
		result=1
	fi
	if [ "${BATS_TEST_COMPLETED:-}" != 1 ]; then
		tail -n 20 ./*.log 2>/dev/null
	fi
	return $result
}

setup() { colo_setup; }
teardown() { colo_teardown; }

fail() {
	echo "$*"
	return 1
}

# wait_for COMMAND...: until it succeeds; quietly, but for the last time
wait_for() {
	local end=$((SECONDS + WAIT_S))

	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $end ]; then
			"$@" && return
			fail "never: $*" || return
		fi
		sleep 0.02
	done
}

# --- programs ---

# spawn NAME COMMAND...: in the background; its messages go to NAME.log
spawn() {
	local name=$1

	shift
	"$@" <&0 2>>"$name.log" 3>&- &
	PIDS[$name]=$!
}

# spawn_other NAME COMMAND...: a tool that is not ours and ends as it likes;
# the teardown ends it first and asks for no status
spawn_other() {
	OTHERS[$1]=1
	spawn "$@"
}

# start NAME PROGRAM [OPTION...]: until it says that it is ready
start() {
	local name=$1 ready line

	shift
	rm -f "$name.ready"
	mkfifo "$name.ready"
	spawn "$name" with_fd_9 "$name.ready" "$@" --notify-fd 9
	exec {ready}<"$name.ready"
	line=failed
	read -r -t "$WAIT_S" -u "$ready" line || line=failed
	exec {ready}<&-
	[ -z "$line" ] || fail "$name is not ready: $(cat "$name.log")"
}

with_fd_9() {
	local fifo=$1

	shift
	exec 9>"$fifo"
	exec "$@"
}

is_gone() {
	[ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null ||
		[ ! -e "/proc/$1" ]
}

# ends NAME [STATUS]: it ends by itself, with this exit status (0)
ends() {
	local pid=${PIDS[$1]} status=0

	wait_for is_gone "$pid" || return
	wait "$pid" || status=$?
	unset "PIDS[$1]"
	[ "$status" -eq "${2:-0}" ] ||
		fail "$1: exit status $status, not ${2:-0}: $(cat "$1.log")"
}

# stop NAME [STATUS]: by SIGTERM
stop() {
	kill -CONT "${PIDS[$1]}" 2>/dev/null || true
	kill "${PIDS[$1]}" 2>/dev/null || true
	if ! ends "$@"; then
		[ -z "${PIDS[$1]:-}" ] || kill -9 "${PIDS[$1]}" 2>/dev/null
		unset "PIDS[$1]"
		return 1
	fi
}

# crash NAME: by SIGKILL
crash() {
	kill -9 "${PIDS[$1]}"
	ends "$1" 137
}

# kill_other NAME: a tool that is not ours (socat, a shell)
kill_other() {
	kill "${PIDS[$1]}" 2>/dev/null || true
	wait "${PIDS[$1]}" || true
	unset "PIDS[$1]"
}

# small_disk BYTES: sets DISK to a directory on a file system of that size
small_disk() {
	local unshare_mount=(unshare -m)

	[ "$(id -u)" -eq 0 ] || unshare_mount=(unshare -rm)
	mkdir disk
	spawn_other disk "${unshare_mount[@]}" sh -c "
		mount -t tmpfs -o size=$1 x disk && : >mounted &&
		exec sleep 600"
	wait_for test -e mounted
	# shellcheck disable=SC2034  # tests use it
	DISK=/proc/${PIDS[disk]}/root$PWD/disk
}

# --- what they say ---

logged() { grep -qE -- "$2" "$1.log"; }
logged_n() { [ "$(grep -cE -- "$3" "$2.log")" -eq "$1" ]; }

# one_line TEXT REGEX: that is all that was said
one_line() {
	if [ "$(wc -l <<<"$1")" -ne 1 ] || ! grep -qE -- "$2" <<<"$1"; then
		fail "not one line with \"$2\": $1"
	fi
}

# refused STATUS REGEX PROGRAM [OPTION...]: it says why on one line, and ends
refused() {
	local status=$1 regex=$2

	shift 2
	run -"$status" timeout -k 1 "$WAIT_S" "$@" <&0
	# shellcheck disable=SC2154  # run sets it
	one_line "$output" "$regex"
}

n_totals() { grep -c ': stats: in=' "$1.log" || true; }
has_totals() { [ "$(n_totals "$1")" -ge "$2" ]; }

# stats NAME: ask for the counters; their block goes to standard output. The
# second answer proves that the first one is complete.
stats() {
	local n
	n=$(n_totals "$1")

	for n in $((n + 1)) $((n + 2)); do
		kill -USR1 "${PIDS[$1]}"
		wait_for has_totals "$1" "$n" || return
	done
	awk '{ sub(/^20[0-9T:.-]+Z /, "") }	# of two answers the same
	     /: stats: in=/ { last = block; block = "" }
	     /: stats: / { block = block $0 "\n" }
	     END { printf "%s", last }' "$1.log"
}

# final_stats NAME: what a program with --log-level info said at its end
final_stats() {
	awk '/: stats: in=/ { block = "" }
	     /: stats: / { block = block $0 "\n" }
	     END { printf "%s", block }' "$1.log"
}

# value STATS NAME: of `in`, `out`, or a row such as `dropped.full`; 0 if none
value() {
	[[ $1 =~ " $2="([0-9]+) ]] && echo "${BASH_REMATCH[1]}" || echo 0
}

# stat_is NAME COUNTER N: now
stat_is() {
	local s
	s=$(stats "$1") && [ "$(value "$s" "$2")" -eq "$3" ]
}

# is_stalled NAME: frames are waiting, and between two looks none moved
is_stalled() {
	local before after

	before=$(stats "$1") && after=$(stats "$1") &&
		[ "$(value "$after" held)" -gt 0 ] && [ "$before" = "$after" ]
}

# check_account STATS: in + originated + copied = out + merged + held + dropped,
# and what was dropped is the sum of the reasons
check_account() {
	local name line reasons=0
	local -A n

	[ -n "$1" ] || fail 'no counters' || return
	for name in in originated copied out merged held dropped; do
		n[$name]=$(value "$1" $name)
	done
	while read -r line; do
		[[ $line != *': stats: dropped.'* ]] || ((reasons += ${line##*=})) ||
			:
	done <<<"$1"
	if [ $((n[in] + n[originated] + n[copied])) -ne \
		$((n[out] + n[merged] + n[held] + n[dropped])) ] ||
		[ "$reasons" -ne "${n[dropped]}" ]; then
		fail "the account is off: $1"
	fi
}

# --- peers ---

# dial ADDRESS COMMAND...: socat's address; the command's standard input and
# output are the connection itself. Quotes in the command do not survive.
dial() {
	local address=$1

	shift
	socat "$address" "SYSTEM:exec $*,nofork"
}

# wire HEX...: each argument is a frame; on the wire
wire() {
	{
		untraced
		local hex
		for hex; do
			hex=${hex//[^0-9a-f]/}
			printf '%08x%s' $((${#hex} / 2)) "$hex"
		done
	} | xxd -r -p
}

# pcap SECONDS STEP-US HEX...: each further argument is a frame; a capture, from
# that time on, a frame each step
pcap() {
	local t=$1 step=$2 us=0 hex

	shift 2
	{
		untraced
		printf 'a1b2c3d400020004%016x0001000000000001' 0
		for hex; do
			printf '%08x%08x%08x%08x%s' "$t" "$us" \
				$((${#hex} / 2)) $((${#hex} / 2)) "$hex"
			us=$((us + step))
		done
	} | xxd -r -p
}

# feeder FIFO ADDRESS: what is written to the fifo goes to socat's address, over
# a connection that stays; a second time, over a new one
feeder() {
	[ -z "${PIDS[$1]:-}" ] || kill_other "$1"
	rm -f "$1"
	mkfifo "$1"
	spawn_other "$1" socat -u "PIPE:$1" "$2"
}

# send SOCKET: standard input to it, from a peer that then goes
send() { socat -u - "UNIX:$1"; }

# uptime_ms: milliseconds, by a clock that is never set
uptime_ms() { awk '{ print int($1 * 1000) }' /proc/uptime; }

# qmp COMMAND: to the QEMU at qmp.sock; its answers
qmp() {
	printf '{"execute":"qmp_capabilities"}%s' "$1" |
		socat -t 0.2 - UNIX-CONNECT:qmp.sock 2>/dev/null
}
qmp_answers() { qmp '' | grep -q '"return"'; }

# free_port: a TCP port that nobody listens on, another one each time
free_port() {
	local port used=$BATS_RUN_TMPDIR/ports
	mkdir -p "$used"
	while :; do
		port=$((20000 + RANDOM % 10000))
		mkdir "$used/$port" 2>/dev/null || continue	# one test only succeeds
		listens "$port" || break
	done
	echo "$port"
}

# listens PORT: somebody does
listens() { ss -Htln "sport = :$1" | grep -q .; }

# size_is FILE BYTES: now
size_is() { [ "$(stat -c %s "$1")" -eq "$2" ]; }

# vm_hwm_kib NAME: the most memory it ever had
vm_hwm_kib() { awk '/^VmHWM/ { print $2 }' "/proc/${PIDS[$1]}/status"; }

is_asan() { grep -q __asan_init "$1"; }
