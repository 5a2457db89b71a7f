#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Endpoints: frames of every length pass byte for byte over every kind of stream,
# wherever the stream is cut; slow readers; who may connect, and when.

load helpers

# relay_case KIND SHAPE N_FRAMES MAX_LEN SPLIT: sends N_FRAMES frames of up to
# MAX_LEN bytes, in pieces of up to SPLIT bytes, through a program. SHAPE says
# which of its inputs and outputs the frames use; both are of KIND.
relay_case() {
	local kind=$1 shape=$2 n=$3 max=$4 split=$5
	local in out in_peer out_peer in_port out_port dir
	local frames="--count $n --min 1 --max $max --seed $n"

	dir=$(mktemp -d ./XXXXXX)
	cat >"$dir/produce" <<-END
		frames gen $frames | frames split --max $split
	END
	cat >"$dir/consume" <<-END
		frames check $frames >$dir/verdict
	END
	in_port=$(free_port)
	out_port=$(free_port)
	case $kind in
	unix)
		in=unix:$dir/in,reconnect=0.02 in_peer=UNIX-LISTEN:$dir/in
		out=unix:$dir/out,reconnect=0.02 out_peer=UNIX-LISTEN:$dir/out
		;;
	unix-listen)
		in=unix-listen:$dir/in in_peer=UNIX:$dir/in
		out=unix-listen:$dir/out out_peer=UNIX:$dir/out
		;;
	tcp)
		in=tcp:127.0.0.1:$in_port,reconnect=0.02
		in_peer=TCP4-LISTEN:$in_port,bind=127.0.0.1
		out=tcp:localhost:$out_port,reconnect=0.02
		out_peer=TCP4-LISTEN:$out_port,bind=127.0.0.1
		;;
	tcp-listen)
		in=tcp-listen:127.0.0.1:$in_port in_peer=TCP4:127.0.0.1:$in_port
		out=tcp-listen:127.0.0.1:$out_port
		out_peer=TCP4:127.0.0.1:$out_port
		;;
	tcp6)
		in="tcp:[::1]:$in_port,reconnect=0.02"
		in_peer="TCP6-LISTEN:$in_port,bind=[::1]"
		out="tcp-listen:[::1]:$out_port"
		out_peer="TCP6:[::1]:$out_port"
		;;
	fd)
		in=fd:7 out=fd:8
		;;
	esac
	case $shape in
	mirror)
		set -- colo-mirror --net-in "$in" --guest-out "$out" \
			--outdev null: --queue rx
		;;
	divert)
		set -- colo-redirector --net-in "$in" --guest null: \
			--outdev "$out,queue=tx"
		;;
	inject)
		set -- colo-redirector --net null: --indev "$in,queue=tx" \
			--guest-out "$out"
		;;
	esac
	if [ "$kind" = fd ]; then
		bash "$dir/produce" | timeout "$WAIT_S" "$@" 7<&0 8>&1 |
			bash "$dir/consume"
	else
		relay_sockets "$dir" "$in_peer" "$out_peer" "$n" "$@"
	fi || fail "$kind $shape: $(cat "$dir/verdict")" || return
	[ "$(cat "$dir/verdict")" = "frames=$n lost=0 first-bad=none" ] ||
		fail "$kind $shape $n $max $split: $(cat "$dir/verdict")"
}

# relay_sockets DIR IN_PEER OUT_PEER N COMMAND...: runs COMMAND between two socats.
# A socat that listens starts before COMMAND, one that dials after it.
relay_sockets() {
	local dir=$1 in_peer=$2 out_peer=$3 n=$4 first second

	shift 4
	first=$([[ $out_peer != *LISTEN* ]] || echo yes)
	second=$([[ $in_peer != *LISTEN* ]] || echo yes)
	[ -z "$first" ] ||
		spawn consumer socat "$out_peer" "EXEC:bash $dir/consume,nofork"
	[ -z "$second" ] ||
		spawn producer socat "$in_peer" "EXEC:bash $dir/produce,nofork"
	start tool "$@"
	[ -n "$first" ] ||
		spawn consumer socat "$out_peer" "EXEC:bash $dir/consume,nofork"
	[ -n "$second" ] ||
		spawn producer socat "$in_peer" "EXEC:bash $dir/produce,nofork"
	ends producer && wait_for stat_is tool out "$n" && stop tool &&
		ends consumer
}

@test "frames of 1 to 69632 bytes pass over every kind of stream" {
	for kind in unix unix-listen tcp tcp-listen tcp6 fd; do
		for shape in mirror divert inject; do
			relay_case $kind $shape 300 69632 60000
		done
	done
}

@test "a stream may be cut at every byte, over every kind of stream" {
	for kind in unix unix-listen tcp tcp-listen tcp6 fd; do
		relay_case $kind mirror 40 1500 1
	done
	relay_case unix inject 4 69632 1
	relay_case unix divert 100 300 3
}

@test "frames of every length from 1 to 69632 pass" {
	local max=69632 s
	[ -n "${SOAK_N:-}" ] || max=4096
	s="--sweep --min 1 --max $max --count $max"
	# shellcheck disable=SC2086
	frames gen $s | colo-mirror --outdev null: | frames check $s
	s='--sweep --min 69000 --max 69632 --count 633'
	# shellcheck disable=SC2086
	frames gen $s | colo-redirector --outdev null: --queue rx |
		frames check $s
}

@test "both wire forms pass, and each is turned into the other" {
	local s='--min 1 --max 69620 --count 300'
	# through <form in> <form out> <options of the tool>
	through() {
		local from=$1 to=$2
		shift 2
		# shellcheck disable=SC2086
		frames gen $s $from | frames split --max 60000 |
			timeout "$WAIT_S" colo-mirror --outdev null: "$@" |
			frames check $s $to || fail "$from to $to with $*"
	}
	through '--vnet 12 --noise' '--vnet 12 --noise' --vnet-hdr-support
	through '--vnet 10 --noise' '--vnet 10 --noise' \
		--net-in -,vnet-hdr=10 --guest-out -,vnet-hdr=10
	through '--vnet 12' '' --net-in -,vnet-hdr
	through '--vnet 10' '' --net-in -,vnet-hdr=10
	through '--vnet 0' '' --net-in -,vnet-hdr
	through '' '--vnet 12' --guest-out -,vnet-hdr
	through '' '--vnet 10' --guest-out -,vnet-hdr=10
	through '--vnet 10' '--vnet 12' --vnet-hdr-support
	through '--vnet 12' '--vnet 10' --net-in -,vnet-hdr \
		--guest-out -,vnet-hdr=10
	through '' '' --net-in -,vnet-hdr=off --guest-out -,vnet-hdr=off \
		--vnet-hdr-support
	# shellcheck disable=SC2086
	frames gen $s --vnet 12 |
		colo-mirror --outdev null: --net-in -,vnet-hdr |
		colo-mirror --outdev null: --guest-out -,vnet-hdr |
		frames check $s --vnet 12
	# the two bytes that only the longer header has are dropped
	# shellcheck disable=SC2086
	frames gen $s --vnet 10 --noise |
		colo-mirror --outdev null: --net-in -,vnet-hdr=10 \
			--guest-out -,vnet-hdr=12 |
		colo-mirror --outdev null: --net-in -,vnet-hdr=12 \
			--guest-out -,vnet-hdr=10 |
		frames check $s --vnet 10 --noise
}

# chunks_kib SEND-BUFFER N-INPUTS: the memory that queued frames may take, as
# README.md computes it: the output's send-buffer, two chunks for each input (one
# read before the input stopped, one being filled), and one chunk being written.
# A chunk is given up when less than one longest frame fits into its rest, so at
# least 192504 of its 262144 bytes are used.
chunks_kib() {
	local send_buffer=$1 n_inputs=$2 chunk=$((256 << 10))

	echo $(((send_buffer * chunk / (chunk - 69640) +
		 (2 * n_inputs + 1) * chunk) / 1024))
}

@test "a slow reader: no frame is lost or overtaken, and memory stays bounded" {
	local n=${SOAK_N:-200000} s rss_idle rss_max
	s="--count $n"
	export ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=1
	mkfifo in out
	spawn check sh -c "frames check $s --slow 65536 <out >verdict"
	start m colo-mirror --guest-out -,send-buffer=1M --outdev null: \
		<>in >out
	rss_idle=$(vm_hwm_kib m)
	# shellcheck disable=SC2086
	frames gen $s >in
	WAIT_S=60 wait_for stat_is m guest-out.out "$n"
	rss_max=$(vm_hwm_kib m)
	check_account "$(stats m)"
	stop m
	ends check
	[ "$(cat verdict)" = "frames=$n lost=0 first-bad=none" ]
	echo "VmHWM: $rss_idle KiB idle, $rss_max KiB at the end"
	# 512 KiB are for the heap itself; sanitizers use memory of their own
	is_asan "$BIN/colo-mirror" ||
		[ "$rss_max" -le $((rss_idle + $(chunks_kib 1048576 1) + 512)) ]
}

# start_sleeper SOCKET [OPTION...]: a peer that listens there and reads nothing until
# wake() is called; then it checks all that comes, with these options of `frames check`
start_sleeper() {
	local name=$1

	shift
	mkfifo "$name.go"
	cat >"$name.script" <<-END
		: >$name.up
		: <$name.go
		frames check $* >$name.verdict
	END
	spawn "$name" socat "UNIX-LISTEN:$name" "EXEC:bash $name.script,nofork"
	wait_for test -S "$name"
}

wake() { : >"$1.go"; }

@test "an outdev whose peer never reads loses copies, and frames on the wire pass" {
	local last lost stats
	start_sleeper copy --count 50001 --subsequence
	frames gen --count 50001 >all
	last=$((4 + $(frames lengths <all | tail -n 1)))
	mkfifo in
	start m colo-mirror --outdev unix:copy,send-buffer=64k <>in >out
	wait_for test -e copy.up
	head -c -$last all >in
	wait_for stat_is m guest-out.out 50000
	stats=$(stats m)
	check_account "$stats"
	lost=$(value "$stats" dropped.full)
	[ "$lost" -gt 0 ]
	logged_n 0 m copies-lost
	# the peer reads again: the next copy ends the episode, with an event
	wake copy
	wait_for stat_is m outdev.queued 0
	tail -c $last all >in
	wait_for stat_is m guest-out.out 50001
	logged m "event: copies-lost: $lost frames"
	stop m
	ends copy
	cmp all out
	[ "$(cat copy.verdict)" = \
		"frames=$((50001 - lost)) lost=$lost first-bad=none" ]
}

@test "--when-slow block: frames on the wire wait, and no copy is lost" {
	start_sleeper copy --count 50000
	frames gen --count 50000 >all
	start m colo-mirror --outdev unix:copy,send-buffer=64k \
		--when-slow block <all >out
	wait_for test -e copy.up
	wait_for is_stalled m
	stats=$(stats m)
	[ "$(value "$stats" in)" -lt 50000 ]
	[ "$(value "$stats" outdev.queued)" -gt 0 ]
	check_account "$stats"
	wake copy
	ends m
	ends copy
	cmp all out
	[ "$(cat copy.verdict)" = 'frames=50000 lost=0 first-bad=none' ]
}

@test "unix-listen: the socket has the mode asked for, and is removed at the end" {
	start m colo-mirror --net unix-listen:private --outdev null: \
		--guest unix-listen:shared,mode=660
	[ "$(stat -c %a private)" = 600 ]
	[ "$(stat -c %a shared)" = 660 ]
	stop m
	[ ! -e private ]
	[ ! -e shared ]
	# a socket that another process has bound there since is left alone
	start m colo-mirror --net unix-listen:path --outdev null: --guest null:
	rm path
	start other colo-mirror --net unix-listen:path --outdev null: \
		--guest null:
	stop m
	[ -S path ]
	stop other
	[ ! -e path ]
}

@test "unix-listen: a second peer is refused, the first one goes on" {
	mkfifo first
	start m colo-mirror --net unix-listen:s --outdev null: --guest null:
	spawn one socat -u - UNIX:s <>first
	frames gen >first
	wait_for stat_is m net.in 1000
	dial UNIX:s 'frames gen --seed 2' 2>/dev/null || true
	wait_for logged m 'warn: net: refused process [0-9]*, of user 0: a peer is there'
	frames gen >first
	wait_for stat_is m net.in 2000
	# when the first one has gone, another may connect
	kill_other one
	wait_for dial UNIX:s 'frames gen --count 1'
	wait_for stat_is m net.in 2001
}

# talker NAME ADDRESS: a peer that stays connected; it sends what is written to the
# FIFO NAME.in, and writes what it gets to NAME.out. One that may be gone is written to
# with 1<>, which waits for no reader.
talker() {
	rm -f "$1.in"
	mkfifo "$1.in"
	spawn_other "$1" socat "OPEN:$1.in,rdwr!!CREATE:$1.out" "$2"
}

# is_talking NAME: its connection is made. Connections are accepted in that order.
is_talking() { ss -Hxp state connected | grep -q "pid=${PIDS[$1]},"; }

@test "unix-listen: a first peer that sends nothing is replaced by one that does" {
	start c colo-compare --primary-in unix-listen:p --secondary-in null: \
		--outdev null:
	talker mute UNIX:p
	wait_for is_talking mute
	talker second UNIX:p
	wait_for is_talking second
	talker third UNIX:p
	wait_for logged c 'primary-in: refused process .*: another one came'
	# the peer that sends first gets the place, whoever connected first
	frames gen --count 10 >third.in
	wait_for stat_is c primary-in.in 10
	logged c 'warn: primary-in: process .* replaces the peer that has said nothing'
	# and it keeps the place
	talker fourth UNIX:p
	wait_for logged c 'primary-in: refused process .*: a peer is there'
	frames gen --count 10 1<>fourth.in
	frames gen --count 10 >third.in
	wait_for stat_is c primary-in.in 20
}

@test "tcp-listen: a peer that sends keeps its place" {
	local port
	port=$(free_port)
	start m colo-mirror --net "tcp-listen:127.0.0.1:$port" --outdev null: \
		--guest null:
	talker one "TCP:127.0.0.1:$port"
	frames gen >one.in
	wait_for stat_is m net.in 1000
	talker two "TCP:127.0.0.1:$port"
	frames gen --count 10 1<>two.in
	wait_for logged m 'warn: net: refused 127.0.0.1:[0-9]*, of user 0: a peer is there'
	frames gen >one.in
	wait_for stat_is m net.in 2000
	stat_is m net.refused 1
	# when the first one has gone, another may connect
	kill_other one
	talker three "TCP:127.0.0.1:$port"
	frames gen >three.in
	wait_for stat_is m net.in 3000
}

@test "tcp-listen: an address that other hosts can reach needs allow=" {
	local host
	for host in 0.0.0.0 '[::]' example.org; do
		refused 2 'can be reached from other hosts: add ,allow=' \
			colo-mirror --guest null: --outdev null: -n \
			--net "tcp-listen:$host:7000"
	done
	colo-mirror --guest null: --outdev null: -n \
		--net tcp-listen:0.0.0.0:7000,allow=10.0.0.0/8
}

@test "tcp: another user's process on this host is neither served nor sent to" {
	local port host ip as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	for ip in 4 6; do
		[ $ip = 4 ] && host=127.0.0.1 || host='[::1]'
		port=$(free_port)
		start m colo-mirror --net-in null: --net-out "tcp-listen:$host:$port" \
			--guest-in unix-listen:g --guest-out null: --outdev null: \
			--queue tx
		spawn_other stranger "${as[@]}" socat -u "TCP:$host:$port" - >stolen
		wait_for logged m "refused .*, of user 65534: a process of this host"
		frames gen | send g
		wait_for stat_is m guest-in.in 1000
		# a process of our own user gets the frames
		talker ours "TCP:$host:$port"
		wait_for size_is ours.out "$(frames gen | wc -c)"
		[ ! -s stolen ]
		stop m
		kill_other ours
		rm m.log ours.out
		# another user's process that listens in place of a dead peer gets none
		port=$(free_port)
		spawn_other stranger "${as[@]}" socat -u \
			"TCP$ip-LISTEN:$port,bind=$host,fork,reuseaddr" - >stolen
		wait_for listens "$port"
		start m colo-mirror --net-in null: --guest-out null: --outdev null: \
			--net-out "tcp:$host:$port,reconnect=0.02" --guest-in unix-listen:g
		wait_for logged m "refused .*$port, of user 65534: a process of this host"
		frames gen | send g
		wait_for stat_is m guest-in.in 1000
		[ ! -s stolen ]
		kill_other stranger
		spawn_other ours socat -u "TCP$ip-LISTEN:$port,bind=$host,reuseaddr" \
			CREATE:ours.out
		wait_for size_is ours.out "$(frames gen | wc -c)"
		stop m
		kill_other ours
		rm m.log ours.out
	done
}

@test "tcp-listen: allow= refuses other addresses, with a warning" {
	local port
	port=$(free_port)
	start m colo-mirror --guest null: --outdev null: \
		--net "tcp-listen:127.0.0.1:$port,allow=127.0.0.2/31"
	talker other "TCP:127.0.0.1:$port,bind=127.0.0.9"
	wait_for logged m 'warn: net: refused 127.0.0.9:[0-9]*, of user 0: allow= does not list it'
	stat_is m net.in 0
	talker one "TCP:127.0.0.1:$port,bind=127.0.0.3"
	frames gen >one.in
	wait_for stat_is m net.in 1000
	logged_n 1 m warn
}

@test "input peers may come and go: no frame of any is lost" {
	mkfifo out
	start m colo-mirror --net unix-listen:s --outdev null: --guest null:
	for i in 1 2 3 4 5; do
		wait_for dial UNIX:s "frames gen --seed $i"
		wait_for stat_is m net.in $((1000 * i))
	done
	logged_n 0 m '(error|warn|event: copies-lost):'
}

@test "a frame that was cut when its peer went is sent whole to the next peer" {
	for _ in 1 2 3; do
		rm -f m.log
		frames gen --count 50000 >all
		start m colo-mirror --guest-out unix-listen:s --outdev null: <all
		# it reads a part; up to 2 MiB in the kernel's buffers are lost with it
		socat UNIX:s 'EXEC:head -c 300001,nofork' >/dev/null || true
		spawn two socat -u UNIX:s CREATE:rest
		ends m
		ends two
		frames check --count 50000 --subsequence <rest
		[ -s rest ]
		cmp <(tail -c "$(stat -c %s rest)" all) rest
	done
}

@test "a peer that comes late gets all frames from the beginning" {
	frames gen --count 5000 >all
	start m colo-mirror --guest-out unix:late,reconnect=0.02 \
		--outdev null: <all
	wait_for logged m 'guest-out: late: no such file .*trying again every'
	spawn late socat -u UNIX-LISTEN:late CREATE:got
	ends m
	ends late
	cmp all got
	logged_n 1 m '(error|warn|event: copies-lost):'
}

@test "files of packets can be read by their owner only, and are not made through links" {
	umask 022
	frames gen --count 3 >in
	colo-mirror --guest-out pcap:in.pcap --outdev null: <in
	colo-compare --primary-in pcap:in.pcap --secondary-in pcap:in.pcap \
		--report report --diff-pcap diff.pcapng
	for f in in.pcap report diff.pcapng; do
		[ "$(stat -c %a $f)" = 600 ]
	done
	echo mine >target
	ln -s target link
	refused 1 'guest-out: link: too many symbolic links' \
		colo-mirror --guest-out pcap:link --outdev null: <in
	for option in --report --diff-pcap; do
		refused 2 'link: Too many levels' colo-compare \
			--primary-in pcap:in.pcap --secondary-in pcap:in.pcap \
			$option link
	done
	[ "$(cat target)" = mine ]
	# /dev/stdout is a link, too, and still works
	for out in /dev/stdout -; do
		colo-mirror --guest-out pcap:$out --outdev null: <in |
			tcpdump -c 3 -r - 2>/dev/null
	done
}

# --- captures through pipes ---

# pieces FILE N...: the file in pieces of so many bytes, each to descriptor 7 when the
# one before was read, and the process m answers in between
pieces() {
	local file=$1 at=0 n
	for n in "${@:2}"; do
		tail -c +$((at + 1)) "$file" | head -c "$n" >&7
		at=$((at + n))
		stats m >/dev/null
	done
	tail -c +$((at + 1)) "$file" >&7
}

@test "a capture's frames come through a pipe as they are written, and nothing waits" {
	local kind
	frames gen --count 5 --min 100 --max 100 >in
	colo-mirror --guest-out pcap:a.pcap --outdev null: <in
	editcap -F pcapng a.pcap a.pcapng
	mkfifo fifo
	for kind in pcap pcapng; do
		# no writer, part of a header, of a record, of a frame
		start m colo-mirror --net-in pcap:fifo --guest-out - \
			--outdev null: >out
		stats m >/dev/null
		exec 7>fifo
		pieces a.$kind 1 20 10 70 50 90
		wait_for stat_is m in 5
		cmp in out
		# no end of the file is needed
		stop m
		exec 7>&-
	done
}

@test "what a pipe of a capture ends with is as in a file" {
	frames gen --count 5 --min 100 --max 100 >in
	colo-mirror --guest-out pcap:a.pcap --outdev null: <in
	# shellcheck disable=SC2002	# it has to be a pipe
	cat a.pcap | colo-mirror --net-in pcap:- --outdev null: | cmp in -
	gzip -c a.pcap | colo-mirror --net-in pcap:- --outdev null: | cmp in -
	refused 1 'net-in: -: truncated' bash -c \
		'head -c -7 a.pcap | colo-mirror --net-in pcap:- --outdev null: --guest null:'
	refused 1 'net-in: -: no capture' bash -c \
		'echo some text that is none | colo-mirror --net-in pcap:- --outdev null: --guest null:'
	refused 1 'net-in: -: no capture' bash -c \
		'colo-mirror --net-in pcap:- --outdev null: --guest null: < <(:)'
	refused 1 'net-in: -: link type 147 is not supported' bash -c \
		'{ head -c 20 a.pcap && printf "\223\0\0\0" && tail -c +25 a.pcap; } |
		colo-mirror --net-in pcap:- --outdev null: --guest null:'
}

@test "a capture that has come through a pipe waits for the time of the other" {
	frames gen --count 4 --min 100 --max 100 >in
	colo-mirror --guest-out pcap:a.pcap --outdev null: <in
	mkfifo fifo
	start m colo-redirector --net-in pcap:a.pcap --indev pcap:fifo,queue=tx \
		--guest-out - --net-out null: >out
	exec 7>fifo
	# its first frame may be older than all of the other's
	head -c 30 a.pcap >&7
	stat_is m in 0
	tail -c +31 a.pcap >&7
	wait_for stat_is m in 8
	exec 7>&-
	ends m
	size_is out $((2 * $(stat -c %s in)))
}
