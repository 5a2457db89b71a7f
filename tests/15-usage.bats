#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What people get wrong, and the one line that each of it is answered with: it names
# the option, the file or the address, what is wrong with it, and where there is one,
# the remedy. A row is an exit status, a command, and the line without its time and
# without `PROGRAM: error: `.

load helpers

# Files that the commands find in their directory.
setup() {
	colo_setup
	echo 'some text' >text
	: >empty
	mkdir folder state
	echo king >state/ROLE
	pcap 1 1 000000000000000000000000080045 >ok.pcap
	frames gen --count 2 --vnet 12 >vnet
	frames gen --count 2 >plain
	printf 'mirror colo-mirror --outdev null:\n' >no-colon.proc
	printf 'a: true\na: true\n' >twice.proc
	printf 'm: colo-mirror --outdev copies.sock\n' >wrong.proc
}

# said COMMAND: its one line, bare; all of it when there are more
said() {
	timeout -k 1 "$WAIT_S" bash -c "$1" </dev/null 2>&1 |
		sed -E 's/^20[0-9T:.-]+Z //; s/^colo-[a-z]+(\[[0-9]+\])?: //
			s/^(error|warn): //'
}

# table: reads rows from standard input
table() {
	local status exited command line got result=0 n=0

	while IFS='|' read -r status command line; do
		[ -n "$command" ] || continue
		read -r status <<<"$status"
		read -r command <<<"$command"
		read -r line <<<"$line"
		n=$((n + 1))
		exited=0
		got=$(said "$command") || exited=$?
		[ "$exited $got" != "$status $line" ] || continue
		printf '%s | %s | %s\n' "$exited" "$command" "$got"
		result=1
	done
	echo "# $n commands"
	return $result
}

@test "endpoints" {
	table <<'END'
2 | colo-mirror --outdev /tmp/x.sock | --outdev: "/tmp/x.sock" is not KIND:ARGUMENT or -: unix:/tmp/x.sock?
2 | colo-mirror --outdev ./a:b.sock | --outdev: unknown kind of endpoint "./a:": unix:./a:b.sock?
2 | colo-mirror --outdev copy.pcap | --outdev: "copy.pcap" is not KIND:ARGUMENT or -: pcap:copy.pcap?
2 | colo-mirror --outdev old.pcapng.gz | --outdev: "old.pcapng.gz" is not KIND:ARGUMENT or -: pcap:old.pcapng.gz?
2 | colo-mirror --outdev localhost:9003 | --outdev: unknown kind of endpoint "localhost:": tcp:localhost:9003?
2 | colo-mirror --outdev :9003 | --outdev: unknown kind of endpoint ":": tcp-listen:127.0.0.1:9003?
2 | colo-mirror --outdev 7 | --outdev: "7" is not KIND:ARGUMENT or -: fd:7?
2 | colo-mirror --outdev vm0 | --outdev: "vm0" is not KIND:ARGUMENT or - (colo-endpoint(7) has them)
2 | colo-mirror --outdev UNIX-CONNECT:x | --outdev: unknown kind of endpoint "UNIX-CONNECT:": unix:x?
2 | colo-mirror --outdev udp:h:9 | --outdev: unknown kind of endpoint "udp:" (colo-endpoint(7) has them)
2 | colo-mirror --outdev tcp-listen::9003 | --outdev: tcp-listen: empty host: 127.0.0.1:9003?
2 | colo-mirror --outdev tcp:localhost | --outdev: tcp: "localhost" is not HOST:PORT or [IPV6]:PORT
2 | colo-mirror --outdev tcp-listen:0.0.0.0:9003 | --outdev: tcp-listen:0.0.0.0 can be reached from other hosts: add ,allow=ADDRESS[/BITS] of who may connect
2 | colo-mirror --outdev unix: | --outdev: unix: empty path
2 | colo-mirror --outdev unix:x,speed=9 | --outdev: unknown option "speed" for unix:
2 | colo-mirror --outdev unix:x,reconnect=soon | --outdev: reconnect=soon is not seconds in 0..86400, with at most three decimals
2 | colo-mirror --outdev unix:x,vnet-hdr=yes | --outdev: vnet-hdr=yes is not on, off, 10 or 12
2 | colo-mirror --outdev unix:x,send-buffer=1 | --outdev: send-buffer=1 is not bytes in 64k..1G
1 | colo-mirror --outdev null: --net packet:none0 --guest null: | net: packet:none0: no such device
1 | colo-mirror --outdev null: --net tap:vm0,netns=none --guest null: | net: tap:vm0,netns=none: its network namespace: no such file or directory
1 | colo-mirror --outdev fd:99 --net null: --guest null: | outdev: fd:99: bad file descriptor
1 | colo-mirror --outdev unix-listen:text --net null: --guest null: | outdev: unix-listen:text: file already exists
1 | colo-mirror --outdev unix-listen:folder --net null: --guest null: | outdev: unix-listen:folder: file already exists
1 | colo-mirror --outdev unix-listen:none/x --net null: --guest null: | outdev: unix-listen:none/x: no such file or directory
END
}

@test "captures" {
	table <<'END'
2 | colo-mirror --outdev null: --net pcap:ok.pcap | net: a capture is read or written, not both: --net-in or --net-out?
1 | colo-mirror --outdev null: --net-in pcap:text --guest null: | net-in: text: no capture (pcap or pcapng): unknown file format
1 | colo-mirror --outdev null: --net-in pcap:none --guest null: | net-in: none: No such file or directory
1 | colo-mirror --outdev null: --net-in pcap:folder --guest null: | net-in: folder: no capture (pcap or pcapng): error reading dump file: Is a directory
1 | colo-mirror --outdev pcap:none/x --net null: --guest null: | outdev: none/x: no such file or directory
1 | colo-mirror --outdev null: --guest null: <ok.pcap | net-in: bad frame header, length 2712847316: connection closed (a capture? This endpoint takes frames with their length in front: say pcap:-, or pcap:FILE)
1 | colo-mirror --outdev null: --guest null: <vnet | net-in: bad frame header, length 2556825774: connection closed (the peer's frames have virtio-net headers? Say ,vnet-hdr here)
1 | colo-mirror --outdev null: --guest null: --vnet-hdr-support <plain | net-in: bad frame header, length 33554432: connection closed (the peer's frames have no virtio-net headers? Say ,vnet-hdr=off here)
1 | colo-mirror --outdev null: --guest null: --vnet-hdr-support <ok.pcap | net-in: bad frame header, length 2712847316: connection closed (a capture? This endpoint takes frames with their length in front: say pcap:-, or pcap:FILE)
2 | colo-compare ok.pcap | 2 captures are wanted, or none; here is 1: ok.pcap
2 | colo-compare ok.pcap ok.pcap ok.pcap | 2 captures are wanted, or none; here are 3: ok.pcap
2 | colo-compare ok.pcap none.pcap | secondary-in: none.pcap: No such file or directory
2 | colo-compare text ok.pcap | primary-in: text: no capture (pcap or pcapng): unknown file format
2 | colo-compare ok.pcap empty | secondary-in: empty: no capture (pcap or pcapng): truncated dump file; tried to read 4 file header bytes, only got 0
2 | colo-compare ok.pcap ok.pcap --learn none.pcap | learn: none.pcap: No such file or directory
2 | colo-compare ok.pcap ok.pcap --from web | --from: web is not [ADDR][:PORT], as in :80 or 192.0.2.1:80
2 | colo-compare -q ok.pcap ok.pcap --from :9999 | report: nothing was compared: no packet is what --from says
2 | colo-compare ok.pcap ok.pcap --ignore 'tcp prt 80' | --ignore: tcp prt 80: "prt" is no keyword, and names of hosts are not looked up: say addresses
2 | colo-compare ok.pcap ok.pcap --ignore payload@x | --ignore: payload@x is not payload@OFFSET+LEN
2 | colo-compare ok.pcap ok.pcap --map-port 80 | --map-port: 80 is not OLD=NEW, two ports from 1 to 65535
2 | colo-compare ok.pcap ok.pcap --max few | --max: "few" is not a number
2 | colo-compare -q ok.pcap ok.pcap --report none/x | report: none/x: No such file or directory
2 | colo-compare -q ok.pcap ok.pcap --diff-pcap none/x | diff-pcap: none/x: No such file or directory
2 | colo-compare -q ok.pcap ok.pcap --diff-pcap /dev/full | diff-pcap: /dev/full: No space left on device
2 | colo-compare ok.pcap ok.pcap --report - --outdev - | --report - and --outdev - are both standard output
END
}

@test "a file that is read is not written, and none is written twice" {
	ln ok.pcap also.pcap
	cp ok.pcap kept
	table <<'END'
2 | colo-compare ok.pcap ok.pcap --diff-pcap ok.pcap | --diff-pcap would overwrite ok.pcap, which --primary-in reads
2 | colo-compare kept ok.pcap --report also.pcap | --report would overwrite ok.pcap, which --secondary-in reads
2 | colo-compare kept kept --learn ok.pcap --diff-pcap ok.pcap | --diff-pcap would overwrite ok.pcap, which --learn reads
2 | colo-compare kept kept --outdev pcap:./ok.pcap --learn ok.pcap | --outdev would overwrite ok.pcap, which --learn reads
2 | colo-compare ok.pcap ok.pcap --report new --diff-pcap new | --report would overwrite new, which --diff-pcap writes, too
2 | colo-mirror --net-in pcap:ok.pcap --guest-out null: --outdev pcap:ok.pcap | --outdev would overwrite ok.pcap, which --net-in reads
2 | colo-mirror --net-in pcap:ok.pcap --guest-out pcap:new --outdev pcap:new | --guest-out would overwrite new, which --outdev writes, too
2 | colo-redirector --net null: --guest-out pcap:ok.pcap --indev pcap:ok.pcap,queue=tx | --guest-out would overwrite ok.pcap, which --indev reads
2 | colo-rewriter --net-in pcap:ok.pcap --guest-out pcap:also.pcap | --guest-out would overwrite ok.pcap, which --net-in reads
2 | colo-rewriter -n --net-in pcap:ok.pcap --guest-out pcap:also.pcap | --guest-out would overwrite ok.pcap, which --net-in reads
0 | colo-mirror --net-in pcap:ok.pcap --guest-in pcap:ok.pcap --net-out null: --guest-out pcap:/dev/null --outdev pcap:/dev/null |
END
	cmp ok.pcap kept
}

@test "the four" {
	table <<'END'
2 | colo-mirror | --outdev is required: where the copies go
2 | colo-mirror --outdev null: --queue both | --queue: "both" is not one of tx, rx, all
2 | colo-mirror -outdev null: | unknown option -o: --outdev?
2 | colo-mirror -net=null: --outdev null: | unknown option -e: --net?
2 | colo-compare ok.pcap -l3 ok.pcap | unknown option -l: --l3?
2 | colo-mirror -x --outdev null: | unknown option -x (try --help)
1 | colo-mirror --outdev null: --net null: --guest null: --control text | control: text: file already exists
2 | colo-mirror --outdev null: --colour | unknown option --colour (try --help)
2 | colo-mirror --outdev | --outdev: missing argument
2 | colo-mirror --outdev null: --net null: --net-in - | --net goes without --net-in and --net-out
1 | colo-mirror --outdev null: --net null: --guest null: --state-dir none | state-dir: none: no such file or directory
2 | colo-mirror -n --outdev null: --net null: --guest null: --state-dir none | --state-dir: none: No such file or directory
1 | colo-mirror --outdev null: --net null: --guest null: --state-dir /proc | state-dir: /proc: no such file or directory
2 | colo-redirector -n --outdev null: --net null: --guest null: --state-dir /proc | --state-dir: /proc: No such file or directory
1 | colo-redirector --outdev null: --net null: --guest null: --state-dir state | state-dir: state/ROLE: neither "colo" nor "failover"
1 | colo-mirror --outdev null: --net null: --guest null: --control none/x.ctl | control: none/x.ctl: no such file or directory
2 | colo-redirector | --indev or --outdev is required, or --dest and --service
2 | colo-redirector --indev unix:x --outdev unix:x | --indev and --outdev must differ
2 | colo-redirector --outdev unix:x --when-down-grace -1 | --when-down-grace: "-1" is not a number
2 | colo-redirector --net null: --service tcp:192.0.2.1:80 | --service needs --dest
2 | colo-redirector --net null: --dest a --service tcp:192.0.2.1:80 | --dest: "a" is not NAME=ENDPOINT with a name of up to 31 letters
2 | colo-redirector --net null: --dest a=/run/a.sock --service tcp:192.0.2.1:80 | --dest: "/run/a.sock" is not KIND:ARGUMENT or -: unix:/run/a.sock?
2 | colo-redirector --net null: --dest a=unix:a,weight=heavy --service tcp:192.0.2.1:80 | --dest: "a": bad weight=heavy: it takes 0 to 65535
2 | colo-redirector --net null: --dest a=unix:a --service web | --service: "web" is not PROTO:ADDR:PORT with tcp, udp or icmp, an address as a number and a port, as in tcp:192.0.2.1:80
2 | colo-redirector --net null: --dest a=unix:a --service tcp:192.0.2.1:80,scheduler=best | --service: "scheduler=best" is none of scheduler=rr, wrr, lc, wlc, sed, nq, sh, dh, mh, fo, ovf or conhash, persist[=TIME], mask=BITS, one-packet, slow-start=TIME, timeout=TIME, vmac=MAC, strict, hash-port
2 | colo-redirector --net null: --dest a=unix:a --service tcp:192.0.2.1:80,persist=soon | --service: "persist=soon" is none of scheduler=rr, wrr, lc, wlc, sed, nq, sh, dh, mh, fo, ovf or conhash, persist[=TIME], mask=BITS, one-packet, slow-start=TIME, timeout=TIME, vmac=MAC, strict, hash-port
2 | colo-redirector --net null: --dest a=unix:a --service tcp:192.0.2.1:80 --guest null: | --dest goes without --guest, --indev, --outdev, --status, --exclusive and --auto-failover
2 | colo-rewriter --max-flows 0 | --max-flows: 0 is not in 1..268435456
2 | colo-rewriter --unknown maybe | --unknown: "maybe" is not one of pass, drop
2 | colo-rewriter --guest-out - --net-out null: | nothing would be read: --net-in or --guest-in is missing
1 | colo-rewriter --net null: --guest null: --state-dir text | state-dir: text: not a directory
2 | colo-compare | --primary-in is missing: --primary-in, --secondary-in and --outdev are required, or two captures, OLD.pcap NEW.pcap
2 | colo-compare --primary-in unix:p --outdev null: | --secondary-in is missing: --primary-in, --secondary-in and --outdev are required, or two captures, OLD.pcap NEW.pcap
2 | colo-compare --primary-in unix:p --secondary-in unix:p --outdev null: | --primary-in and --secondary-in must differ
2 | colo-compare --primary-in - --secondary-in - --outdev null: | --primary-in and --secondary-in must differ
2 | colo-compare --primary-in unix:p --secondary-in unix:s --outdev null: --l3 | --l3 is for two captures: --primary-in and --secondary-in are not both pcap:FILE
2 | colo-compare --primary-in unix:p --secondary-in unix:s --outdev null: --learn ok.pcap | --learn is for two captures: --primary-in and --secondary-in are not both pcap:FILE
2 | colo-compare --primary-in unix:p --secondary-in unix:s --outdev null: --checkpoint maybe | --checkpoint: maybe is not one of none, hold, notify, exec:CMD, qmp:PATH
2 | colo-compare --primary-in unix:p --secondary-in unix:s --outdev null: --checkpoint notify | --checkpoint notify needs --notify-dev
2 | colo-compare --primary-in unix:p --secondary-in unix:s --outdev null: --max-queue-bytes 64Q | --max-queue-bytes: "64Q" is not a number with k, M, G or T behind it
2 | colo-compare --primary-in unix:p --secondary-in unix:s --outdev null: --compare-timeout 3d | --compare-timeout: "3d" is not a number with us, ms, s, min or h behind it
2 | colo-compare --primary-in unix:p --secondary-in unix:s --outdev null: --compare-timeout 2000h | --compare-timeout: 2000h is not in 1..86400000 ms
END
}

@test "colo-ctl and colo-run" {
	table <<'END'
2 | colo-ctl | a command is missing (try --help)
2 | colo-ctl --colour | unknown option: --colour (try --help)
2 | colo-ctl --timeout soon status | --timeout: not seconds from 1 to 86400: soon (try --help)
2 | colo-ctl -s none.ctl wait | wait: it is wait STATE (try --help)
3 | COLO_CONTROL_DIR=folder colo-ctl status | no control socket: no *.ctl in folder (-s SOCKET, or COLO_CONTROL_DIR=DIR)
3 | colo-ctl -s none.ctl status | UNREACHABLE: none.ctl: No such file or directory
3 | colo-ctl -s text stats | text: Connection refused
2 | colo-run | one FILE is wanted
2 | colo-run none.proc | none.proc: No such file or directory
2 | colo-run no-colon.proc | no-colon.proc:1: not NAME: COMMAND
2 | colo-run twice.proc | twice.proc:2: name given twice
2 | colo-run -n wrong.proc | wrong.proc: m: colo-mirror: error: --outdev: "copies.sock" is not KIND:ARGUMENT or -: unix:copies.sock?
2 | colo-run --control-dir none wrong.proc | --control-dir: none: no such directory
2 | colo-run --notify-fd 99 wrong.proc | --notify-fd: not open: 99
END
}

@test "the host of a pair of VMs" {
	export TOP COLO_BIN=$BIN
	table <<'END'
1 | "$TOP"/examples/qemu-colo/vm args primary | vm: VM_DIR is not set: README.md says what it is, as does this file
1 | VM_DIR=folder "$TOP"/examples/qemu-colo/vm args primary | vm: VM_IMAGE is not set: README.md says what it is, as does this file
1 | VM_DIR=folder "$TOP"/examples/qemu-colo/vm status | vm: no QEMU answers at folder/qmp
END
}
