#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Bad usage, bad bytes and bad peers: the program prints one clear line, and ends
# with the right status or goes on with its other peers.
#
# Exit status 2: the command line is wrong. 1: it is right, but what it asks for
# failed.

load helpers

MIRROR=(colo-mirror --guest null: --outdev null:)

long_path() { printf 'x%.0s' $(seq 200); }

# start_sink: a mirror `m` that listens on the socket s and throws frames away
start_sink() { start m "${MIRROR[@]}" --net unix-listen:s; }

# send_hex HEX: sends these bytes to the sink, then closes
send_hex() { xxd -r -p <<<"$1" | socat -u - UNIX:s; }

takes_frames() {
	local before
	before=$(value "$(stats m)" in)
	wait_for dial UNIX:s frames gen
	wait_for stat_is m in $((before + 1000))
}

@test "bad usage ends with status 2 and one line" {
	refused 2 'unknown option --colour' "${MIRROR[@]}" --colour
	refused 2 'unexpected argument "x"' "${MIRROR[@]}" x
	refused 2 '--outdev is required' colo-mirror
	refused 2 '--outdev: "nowhere" is not KIND:ARGUMENT or -' \
		colo-mirror --outdev nowhere
	refused 2 'unknown kind of endpoint "udp:"' \
		colo-mirror --outdev udp:localhost:1
	refused 2 'unknown option "speed" for unix:' \
		colo-mirror --outdev unix:x,speed=1
	refused 2 '--queue: "both" is not one of tx, rx, all' \
		"${MIRROR[@]}" --queue both
	refused 2 '--notify-fd: "x" is not a number' "${MIRROR[@]}" --notify-fd x
	refused 2 '--notify-fd: descriptor 9 is not open' \
		"${MIRROR[@]}" --notify-fd 9
	refused 2 '--outdev given twice' "${MIRROR[@]}" --outdev null:
	refused 2 '--guest goes without --guest-in and --guest-out' \
		"${MIRROR[@]}" --guest-in null:
	refused 2 '--indev goes to the net: queue=rx' \
		colo-mirror --outdev null: --indev unix:x,queue=all
	refused 2 '--indev or --outdev is required' colo-redirector
	refused 2 '--indev and --outdev must differ' \
		colo-redirector --indev unix:x --outdev unix:x
	refused 2 'port "0" is not in 1..65535' colo-mirror --outdev tcp:h:0
	refused 2 'a capture is read or written, not both' \
		colo-mirror --net pcap:x --guest null: --outdev null:
}

@test "a socket path of 200 characters is refused, one of 107 works" {
	path=$(long_path)
	refused 2 '--outdev: unix: path of 200 bytes, the limit is 107' \
		colo-mirror --outdev "unix:$path"
	refused 2 '--net: unix-listen: path of 200 bytes, the limit is 107' \
		"${MIRROR[@]}" --net "unix-listen:$path"
	[ -z "$(ls)" ]
	path=${path:0:107}
	start m "${MIRROR[@]}" --net "unix-listen:$path"
	[ -S "$path" ]
}

@test "two endpoints on one standard stream are refused" {
	refused 2 'indev: standard input is in use by net-in already' \
		colo-redirector --net-in - --indev - --guest null: <<<x
	refused 2 'outdev: standard output is in use by guest-out already' \
		bash -o pipefail -c \
		'colo-mirror --net null: --outdev - | cat'
	refused 2 'net-in: standard input is in use by guest-in already' \
		colo-mirror --guest - --outdev null: <<<x
}

@test "a failure at the start ends with status 1 and one line" {
	refused 1 'net: unix-listen:none/s: no such file or directory' \
		"${MIRROR[@]}" --net unix-listen:none/s
	refused 1 'net-in: .*none.pcap.*[Nn]o such file' \
		"${MIRROR[@]}" --net-in pcap:none.pcap
	refused 1 'outdev: .*none/x.pcap.*[Nn]o such file' \
		colo-mirror --net null: --guest null: --outdev pcap:none/x.pcap
	refused 1 'net: tap:.*: ' "${MIRROR[@]}" \
		--net tap:colo0,netns=colo-there-is-none
	refused 1 'net: packet:colo-none: no such device' "${MIRROR[@]}" \
		--net packet:colo-none
	refused 1 'state-dir: none: no such file or directory' \
		"${MIRROR[@]}" --net null: --state-dir none
	mkdir state
	echo king >state/ROLE
	for tool in colo-mirror colo-redirector; do
		refused 1 'state-dir: state/ROLE: neither' $tool --net null: --guest null: \
			--outdev null: --state-dir state
	done
	echo not a capture at all, that is >text
	refused 1 'net-in: .*' "${MIRROR[@]}" --net-in pcap:text
	port=$(free_port)
	start m "${MIRROR[@]}" --net "tcp-listen:127.0.0.1:$port"
	refused 1 "net: tcp-listen:127.0.0.1:$port: address already in use" \
		"${MIRROR[@]}" --net "tcp-listen:127.0.0.1:$port"
}

@test "a capture that ends inside a packet: whole packets pass, then status 1" {
	frames gen --count 10 >in
	colo-mirror --guest-out pcap:whole.pcap --outdev null: <in
	head -c -7 whole.pcap >cut.pcap
	run --separate-stderr -1 timeout "$WAIT_S" bash -c \
		'colo-mirror --net-in pcap:cut.pcap --outdev null: >out'
	# shellcheck disable=SC2154  # run sets it
	one_line "$stderr" 'error: net-in: cut.pcap: truncated'
	frames check --count 10 --subsequence <out | grep -q '^frames=9 lost=1 '
}

@test "a socket of a live process is refused, one of a dead process is replaced" {
	start_sink
	refused 1 'net: unix-listen:s: address already in use' \
		"${MIRROR[@]}" --net unix-listen:s
	takes_frames
	crash m
	[ -S s ]
	start_sink
	takes_frames
	stop m
	# a file that is no socket is never removed
	echo precious >s
	refused 1 'net: unix-listen:s: file already exists' \
		"${MIRROR[@]}" --net unix-listen:s
	[ "$(cat s)" = precious ]
}

# QEMU fault 14: it reads nothing any more after a bad length.
@test "a bad length closes the connection, the next one starts clean" {
	local n=0
	start_sink
	for hex in 00000000 00011001 ffffffff; do
		send_hex "00000001aa $hex 00000001bb 00000001cc" || true
		n=$((n + 1))
		wait_for stat_is m net.bad $n
		logged m "warn: net: bad frame header, length $((0x$hex)): connection closed"
		# the frame before the bad header counts, those after it do not
		stat_is m in $((1001 * (n - 1) + 1))
		takes_frames
	done
	logged_n 3 m '(error|warn|event: copies-lost):'
	check_account "$(stats m)"
}

@test "a bad header closes the connection in the vnet form, too" {
	start m "${MIRROR[@]}" --net unix-listen:s,vnet-hdr
	send_hex '0000000d 0000000c 000000000000000000000000 aa 0000000c 0000000c' || true
	wait_for logged m 'net: bad frame header, length 12: connection closed'
	send_hex '00000010 0000000b 0000000000000000000000 aa' || true
	wait_for logged m 'net: bad frame header, length 11: connection closed'
	wait_for dial UNIX:s 'frames gen --vnet 12'
	wait_for stat_is m in 1001
}

# QEMU fault 14: it takes the next peer's bytes for the rest of that frame.
@test "half a frame, then close: dropped, the next peer starts clean" {
	start_sink
	send_hex '00000001aa 00000010 bbbb'
	wait_for logged m 'warn: net: the stream ended inside a frame: 6 bytes dropped'
	wait_for stat_is m in 1
	takes_frames
	send_hex '0000'
	wait_for logged m 'inside a frame: 2 bytes dropped'
	takes_frames
	stat_is m net.truncated 2
	check_account "$(stats m)"
	stop m
}

@test "bad bytes on a pipe end the program with status 1 and one line" {
	refused 1 'net-in: bad frame header, length 69633: connection closed' \
		"${MIRROR[@]}" < <(xxd -r -p <<<00011001)
	refused 1 'net-in: bad frame header, length 1819044936' \
		"${MIRROR[@]}" <<<'lllH'
	refused 1 'net-in: the stream ended inside a frame: 5 bytes dropped' \
		"${MIRROR[@]}" < <(xxd -r -p <<<0000000200)
}

@test "an input that stops inside a frame does not stop the others" {
	mkfifo half
	start m colo-redirector --net-in unix-listen:n --net-out null: \
		--guest null: --indev unix-listen:s,queue=tx
	spawn half socat -u - UNIX:s <>half
	xxd -r -p <<<00000010aa >half
	dial UNIX:n frames gen
	wait_for stat_is m guest.out 1000
	kill_other half
	wait_for logged m 'indev: the stream ended inside a frame: 5 bytes'
}

# --- a TCP peer that vanishes without a word ---

# two_hosts: the namespaces $H1 and $H2, linked, 10.99.0.1 and 10.99.0.2
two_hosts() {
	H1=colo-$$-1 H2=colo-$$-2
	for ns in $H1 $H2; do
		ip netns add "$ns"
		NETNS+=("$ns")
	done
	ip -n $H1 link add v type veth peer name v netns $H2
	for n in 1 2; do
		ip -n "colo-$$-$n" addr add 10.99.0.$n/24 dev v
		ip -n "colo-$$-$n" link set v up
	done
	wait_for has_carrier
}

has_carrier() { ip -n $H1 link show v | grep -q LOWER_UP; }
is_listening() { ip netns exec $H2 ss -Htln 'sport = :7000' | grep -q .; }

# cut IN OUT: the link drops what these nft expressions match, coming in and
# going out
cut() {
	ip netns exec $H1 nft -f - <<-END
		table inet cut {
			chain in { type filter hook input priority 0; $1 drop; }
			chain out { type filter hook output priority 0; $2 drop; }
		}
	END
}

mend() { ip netns exec $H1 nft delete table inet cut; }

@test "a TCP peer that listens and vanishes is noticed and dialled again" {
	two_hosts
	mkfifo in
	spawn peer ip netns exec $H2 socat -u \
		TCP4-LISTEN:7000,fork,reuseaddr OPEN:got,creat,append
	wait_for is_listening
	start m ip netns exec $H1 colo-mirror --outdev null: --guest-out \
		tcp:10.99.0.2:7000,reconnect=0.1,keepalive=1,user-timeout=1 <>in
	frames gen --count 10 >in
	wait_for stat_is m guest-out.out 10
	cut 'tcp sport 7000' 'tcp dport 7000'
	# nothing is being sent, so only the keepalive can notice
	wait_for logged m 'warn: guest-out: .*timed out'
	frames gen --count 10 --seed 2 >in
	mend
	wait_for stat_is m guest-out.out 20
	stop m
	{ frames gen --count 10 && frames gen --count 10 --seed 2; } >want
	wait_for cmp got want
	kill_other peer
}

@test "a TCP peer that vanishes and dials again is served again" {
	two_hosts
	mkfifo in
	start m ip netns exec $H1 "${MIRROR[@]}" \
		--net tcp-listen:10.99.0.1:7000,allow=10.99.0.0/24,keepalive=0,user-timeout=0
	spawn old ip netns exec $H2 socat -u - \
		TCP4:10.99.0.1:7000,sourceport=7001 <>in
	frames gen --count 10 >in
	wait_for stat_is m in 10
	# as if the host had vanished: neither a FIN nor a RST gets through
	cut 'tcp sport 7001' 'tcp dport 7001'
	crash old
	logged_n 0 m '(error|warn|event: (lost|copies-lost)):'
	ip netns exec $H2 socat -u SYSTEM:'frames gen --count 10' \
		TCP4:10.99.0.1:7000
	wait_for stat_is m in 20
	logged m 'warn: net: 10.99.0.2:[0-9]* replaces the peer that is silent'
}

@test "too few descriptors or too little memory are one line at the start" {
	local n tool
	# the descriptors of bats are closed, so that the limit counts ours only
	# shellcheck disable=SC2016
	local few='exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
		ulimit -n $0 && exec "$@"'
	# shellcheck disable=SC2034	# by name
	local mirror=(--net null: --guest null: --outdev null:)
	# shellcheck disable=SC2034
	local redirector=("${mirror[@]}") rewriter=(--net null: --guest null:)
	# shellcheck disable=SC2034
	local compare=(--primary-in null: --secondary-in null: --outdev null:)

	for tool in mirror redirector rewriter compare; do
		declare -n args=$tool
		for n in 4 8 31; do
			refused 1 "error: only $n descriptors may be open" \
				bash -c "$few" "$n" "colo-$tool" "${args[@]}"
		done
		# the soft limit is raised to the hard one
		prlimit --nofile=8:64 "colo-$tool" "${args[@]}"
	done
	is_asan "$BIN/colo-compare" && return
	for tool in rewriter compare; do
		declare -n args=$tool
		refused 1 'not enough memory' \
			prlimit --as=60000000 "colo-$tool" "${args[@]}"
	done
}
