#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The dissectors for Wireshark, with what real processes send.

load helpers

# dissect PORT PROTOCOL TSHARK-ARGUMENT...: runs tshark on what was captured there
dissect() {
	tshark -X "lua_script:$TOP/examples/wireshark/colo.lua" \
		-d "tcp.port==$1,$2" -r wire.pcap "${@:3}" 2>tshark.err
}

# capture PORT: captures what goes over it on a namespace's loopback, to wire.pcap
capture() {
	spawn_other capture tcpdump -U -i lo -s 0 -w wire.pcap "tcp port $1"
	wait_for grep -q 'listening on' capture.log
}

captured_all() { # PORT PROTOCOL FILTER COUNT
	[ "$(dissect "$1" "$2" -Y "$3" -T fields -e frame.number -E occurrence=f |
		wc -l)" -ge "$4" ]
}

# say PORT COMMAND...: sends there what COMMAND prints. The connection stays, as the
# program cannot find out who a peer was that is gone.
say() {
	exec {SOCKET}<>"/dev/tcp/127.0.0.1/$1"
	"${@:2}" >&"$SOCKET"
}

# an ARP request for 10.0.0.2, as it stands on the wire
arp() {
	printf '\377\377\377\377\377\377RT\0\1\2\3\10\6\0\1\10\0\6\4\0\1'
	printf 'RT\0\1\2\3\12\0\0\1\0\0\0\0\0\0\12\0\0\2'
}

@test "in the plain form the frame inside is dissected" {
	local port
	port=$(free_port)
	capture "$port"
	start m colo-mirror --net "tcp-listen:127.0.0.1:$port" --guest null: \
		--outdev null:
	two() { printf '\0\0\0\52' && arp; printf '\0\0\0\52' && arp; }
	say "$port" two
	wait_for stat_is m net.in 2
	wait_for captured_all "$port" colo 'arp.dst.proto_ipv4 == 10.0.0.2' 1
	# in one packet of TCP or in two
	dissect "$port" colo -Y arp -T fields -E separator=, -e colo.length \
		-e arp.dst.proto_ipv4 | tr , '\n' | sort >said
	diff - said <<<$'10.0.0.2\n10.0.0.2\n42\n42'
}

@test "in the vnet form its header and the frame inside are dissected" {
	local port
	port=$(free_port)
	capture "$port"
	start m colo-mirror --vnet-hdr-support --guest null: --outdev null: \
		--net "tcp-listen:127.0.0.1:$port"
	one() {
		printf '\0\0\0\66\0\0\0\14'
		printf '\2\0\0\0\0\0\0\0\0\0\1\0' && arp
	}
	say "$port" one
	wait_for stat_is m net.in 1
	wait_for captured_all "$port" colo 'arp.dst.proto_ipv4 == 10.0.0.2' 1
	dissect "$port" colo -Y arp -T fields -e colo.length \
		-e colo.vnet.length -e colo.vnet.data_valid \
		-e colo.vnet.needs_csum -e colo.vnet.num_buffers >said
	grep -qxE $'54\t12\t(1|True)\t(0|False)\t1' said
}

@test "a length that no frame has is marked" {
	local port
	port=$(free_port)
	capture "$port"
	start m colo-mirror --net "tcp-listen:127.0.0.1:$port" --guest null: \
		--outdev null:
	say "$port" printf 'GET / HTTP/1.0\r\n'
	wait_for captured_all "$port" colo colo.bad 1
}

@test "markers are named" {
	local port
	port=$(free_port)
	capture "$port"
	start m colo-mirror --guest null: --outdev null: \
		--net "tcp-listen:127.0.0.1:$port"
	mark() {
		printf '\0\0\0\74\1\200\302\0\0\16\2COLO\0\210\265colo-epoch\1\1'
		printf '\0\0\0\7' && head -c 30 /dev/zero
	}
	say "$port" mark
	wait_for captured_all "$port" colo colo-epoch 1
	dissect "$port" colo -Y colo-epoch -T fields -e colo_epoch.kind \
		-e colo_epoch.epoch -e _ws.col.Info >said
	[ "$(cat said)" = $'1\t7\tepoch, epoch 7' ]
}

@test "the control wire is dissected, relayed over TCP" {
	local port
	port=$(free_port)
	capture "$port"
	start m colo-mirror --net unix-listen:net --guest null: --outdev null: \
		--control m.ctl
	spawn_other relay socat "TCP-LISTEN:$port,bind=127.0.0.1,fork,reuseaddr" \
		UNIX:m.ctl
	spawn_other mouth socat UNIX-LISTEN:tcp.ctl,fork "TCP:127.0.0.1:$port"
	colo-ctl -s tcp.ctl -t 10 wait unprotected
	run -1 colo-ctl -s tcp.ctl nonsense
	wait_for captured_all "$port" colo-ctl 'colo_ctl.error contains "nonsense"' 1
	dissect "$port" colo-ctl -Y 'colo_ctl.kind == 0' -T fields \
		-e colo_ctl.method -e colo_ctl.params | sort -u >said
	grep -qx $'status\t\[\]' said
	grep -qx $'nonsense\t\[\]' said
	dissect "$port" colo-ctl -T fields -e colo_ctl.result |
		grep -q '"state": "UNPROTECTED"'
}
