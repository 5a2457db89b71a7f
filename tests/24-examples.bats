#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The EXAMPLES of the man pages of the filters, as typed, in a world of their
# own. One that listens is for good: it has to become ready, and to end well.

load helpers

# examples PAGE: block number N of its EXAMPLES becomes the file exN
examples() {
	awk '
		/^\.Sh/ { wanted = /EXAMPLES/ }
		/^\.Ed/ { inside = 0 }
		inside { gsub(/\\e/, "\\"); print >("ex" n) }
		wanted && /^\.Bd -literal/ { inside = 1; n++ }' "$1"
}

# In namespaces of mounts, networks and processes, with nothing in /run and
# /var/lib
run_all() {
	cat >all.sh <<-'END'
		set -e
		mount -t tmpfs none /run
		mount -t tmpfs none /var/lib
		ip link set lo up
		export NOTIFY_SOCKET=$PWD/notify
		for ex in ex*; do
			echo "# $ex"
			if ! grep -q listen "$ex"; then
				NOTIFY_SOCKET= timeout 10 sh -e "./$ex" </dev/null
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
		done
	END
	timeout 60 unshare -mnpf --mount-proc --kill-child bash all.sh
}

@test "the examples of colo-mirror(1)" {
	examples "$TOP/mirror/colo-mirror.1"
	[ -s ex3 ]
	run_all
	[ "$(tcpdump -n -r copy.pcap 2>/dev/null | grep -c '^[0-9]')" -eq 1 ]
	[ "$(tcpdump -n -r out.pcap 2>/dev/null | grep -c '^[0-9]')" -eq 1 ]
}

@test "the examples of colo-redirector(1)" {
	examples "$TOP/redirector/colo-redirector.1"
	[ -s ex3 ]
	run_all >shown
	grep -q 'a   b   c   d   e' shown
}
