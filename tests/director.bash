# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# A colo-redirector as the front of several pairs, and its peers: `load director`,
# behind helpers and packets. Clients are 10.0.0.1 with a port, the service is
# 10.0.0.2:80. rr begins with the destination that was added last, as IPVS does: B,
# then A.
# shellcheck disable=SC2034  # tests use them
SYN=2 RST=4 SYNACK=18 ACK=16
RR=tcp:10.0.0.2:80,scheduler=rr
A_HAS='' B_HAS=''

# peer NAME SOCKET: what is written to the fifo NAME goes there, what comes is in
# to-NAME
peer() {
	rm -f "$1"
	mkfifo "$1"
	: >>"to-$1"
	spawn_other "peer-$1" socat "PIPE:$1!!OPEN:to-$1,append" \
		"UNIX-CONNECT:$2"
}

# start_director OPTION...: with a net and the destinations A and B, all connected,
# and descriptors 5, 6, 7 to write to them. A_HAS and B_HAS are options of these.
start_director() {
	start director colo-redirector --net unix-listen:net.sock \
		--dest "A=unix-listen:a.sock$A_HAS" \
		--dest "B=unix-listen:b.sock$B_HAS" --control d.ctl "$@"
	peer net net.sock
	peer a a.sock
	peer b b.sock
	exec 5>net 6>a 7>b
	wait_for is_protected
}

# hang_up: all peers are gone
hang_up() {
	local name

	for name in net a b; do kill_other "peer-$name"; done
	exec 5>&- 6>&- 7>&-
}

ctl() { colo-ctl -s d.ctl "$@"; }
is_protected() { ctl status >/dev/null; }

# has NAME N: so many frames of 54 bytes have come there
has() { size_is "to-$1" $(($2 * 58)); }

net() { wire "$(segment tx 1 1 "$@")" >&5; }
guest_a() { wire "$(segment rx 1 1 "$@")" >&6; }
guest_b() { wire "$(segment rx 1 1 "$@")" >&7; }

# packets of 54 bytes, too: a datagram to a port of the service's, an echo request
datagram() { wire "$(udp 1 twelve-bytes "${1:-1000}")" >&5; }
echo_request() {
	wire "$(printf '525400000001525400000002080045000028%04x000040010000' 0)\
$(printf '0a0000010a00000208000000%04x0001%024x' "$1" 0)" >&5
}

# field NAME COLUMN: of the table of destinations
field() {
	ctl -j dests | jq -r --arg n "$1" --arg c "$2" \
		'.result[] | select(.address == $n) | .[$c]'
}
field_is() { [ "$(field "$1" "$2")" = "$3" ]; }

# The end of every test: the account is exact.
check_director() {
	local s
	s=$(stats director)
	check_account "$s"
}
