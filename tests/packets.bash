# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Frames as hex text, for `wire` and `pcap`, and back: `load packets`.

hex() { untraced && printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'; }

# udp ID TEXT [PORT]: an Ethernet frame from 10.0.0.1:80 to 10.0.0.2:1000
udp() {
	untraced
	local n=${#2} port=${3:-1000}
	printf '525400000001525400000002080045%02x%04x%04x' 0 $((28 + n)) "$1"
	printf '0000401100000a0000010a0000020050%04x%04x0000' "$port" $((8 + n))
	hex "$2"
}

# segment tx|rx SEQ ACK FLAGS [PORT]: TCP between the peer, 10.0.0.1:1024, and
# the guest, 10.0.0.2:80; its checksum is nobody's matter
segment() {
	untraced
	local port=${5:-1024}
	local ends='0a0000010a000002' ports
	printf -v ports '%04x0050' "$port"
	if [ "$1" = rx ]; then
		ends='0a0000020a000001'
		printf -v ports '0050%04x' "$port"
	fi
	printf '5254000000015254000000020800450000280000000040060000%s%s' \
		"$ends" "$ports"
	printf '%08x%08x50%02x000000000000' "$2" "$3" "$4"
}

# from_ports N SEGMENT: the segment of the peer from N ports on, from 2000 on, a line
# for each
from_ports() {
	untraced
	local i
	for ((i = 2000; i < 2000 + $1; i++)); do
		printf '%s%04x%s\n' "${2:0:68}" "$i" "${2:72}"
	done
}

# marker KIND EPOCH: 0 its sender begins, 1 another epoch
marker() {
	untraced
	printf '0180c200000e02434f4c4f0088b5636f6c6f2d65706f636801%02x%08x%060x' \
		"$1" "$2" 0
}

# numbers FILE: a line for each frame, segment or marker: seq and ack, or
# "marker", kind and epoch
numbers() {
	untraced
	local hex i len
	hex=$(od -An -v -tx1 "$1" | tr -d ' \n')
	for ((i = 0; i < ${#hex}; i += 8 + len * 2)); do
		len=$((16#${hex:i:8}))
		if [ $len -eq 60 ]; then
			echo "marker $((16#${hex:i+58:2})) $((16#${hex:i+60:8}))"
		else
			echo $((16#${hex:i+84:8})) $((16#${hex:i+92:8}))
		fi
	done
}
