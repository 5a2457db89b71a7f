#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The EXAMPLES of the man pages run as they are printed, in namespaces of their
# own. An example that listens does not end by itself: it must become ready, and
# end well when told to.

load helpers

# examples PAGE: writes block number N of its EXAMPLES to the file exN
examples() {
	awk '
		/^\.Sh/ { wanted = /EXAMPLES/ }
		/^\.Ed/ { inside = 0 }
		inside { gsub(/\\e/, "\\"); print >("ex" n) }
		wanted && /^\.Bd -literal/ { inside = 1; n++ }' "$1"
}

# run_all: runs them in mount, network and process namespaces, with empty /run and
# /var/lib
run_all() {
	cat >all.sh <<-'END'
		set -e
		mount -t tmpfs none /run
		mount -t tmpfs none /var/lib
		mkdir -p /run/colo /var/lib/colo/compare
		ip link set lo up
		export NOTIFY_SOCKET=$PWD/notify
		for ex in ex*; do
			echo "# $ex"
			if ! grep -q 'listen\|tap:' "$ex"; then	# it ends by itself
				NOTIFY_SOCKET= timeout 60 sh -e "./$ex" </dev/null
				continue
			fi
			rm -f notify
			socat -u UNIX-RECV:notify - >ready &
			socat=$!
			until [ -S notify ]; do sleep 0.02; done
			setsid sh -c "trap : TERM; . ./$ex" </dev/null &
			pid=$!
			until grep -q READY=1 ready; do
				kill -0 $pid
				sleep 0.02
			done
			kill -TERM -- -$pid
			wait $pid
			kill $socat
			wait $socat || :	# it removes its socket
		done
	END
	timeout 280 unshare -mnpf --mount-proc --kill-child bash all.sh
}

@test "the examples of colo-mirror(1) work" {
	examples "$TOP/mirror/colo-mirror.1"
	[ -s ex3 ]
	run_all
	[ "$(tcpdump -n -r copy.pcap 2>/dev/null | grep -c '^[0-9]')" -eq 1 ]
	[ "$(tcpdump -n -r out.pcap 2>/dev/null | grep -c '^[0-9]')" -eq 1 ]
}

@test "the examples of colo-redirector(1) work" {
	examples "$TOP/redirector/colo-redirector.1"
	[ -s ex3 ]
	run_all >shown
	grep -q 'a   b   c   d   e' shown
}

@test "the examples of colo-compare(1) work" {
	load packets
	examples "$TOP/compare/colo-compare.1"
	[ -s ex4 ]
	pcap 1 1000 "$(udp 1 '17 one')" "$(udp 2 '99 two')" >old.pcap
	pcap 1 1000 "$(udp 1 '18 one')" "$(udp 2 '99 two')" >old2.pcap
	pcap 1 1000 "$(udp 1 '23 one')" "$(udp 2 '42 two')" >new.pcap
	run_all
	# only the first word differs, and --learn has seen it differ: no difference
	[ -e differences.json ] && [ ! -s differences.json ]
	capinfos -c differences.pcapng | grep -q 'packets: *0$'
	pcap 1 1000 "$(udp 1 '23 one')" "$(udp 2 '42 too')" >new.pcap
	run -1 sh ./ex3
	[ "$(jq -r '.kind' differences.json)" = payload ]
	[ "$(capinfos -Mrc differences.pcapng | awk '/packets/ { print $NF }')" \
		-eq 2 ]
}

@test "the examples of colo-run(1) work" {
	examples "$TOP/examples/colo-run.1"
	run_all 2>log
	grep -q 'info: compare: ended with status 0' log
	run -0 env DIR=/run colo-run -n primary.proc
}
