#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# colo-ctl on a terminal: `top`, looked at through tmux, and `status -w`.

load helpers
load packets

teardown() {
	! [ -S tmux.sock ] || terminal kill-server
	colo_teardown
}

terminal() { tmux -S tmux.sock -f /dev/null "$@"; }
screen() { terminal capture-pane -p -t top; }
shows() { screen | grep -qE -- "$1"; }

# begin_top: `colo-ctl top` on a terminal of 80 by 24, whose settings are noted
begin_top() {
	cat >run-top <<-'END'
		trap : INT
		stty -g >before
		colo-ctl -s m.ctl -s c.ctl top
		echo "ended: $?" >ended
		stty -g >after
		read -r _
	END
	terminal new-session -d -s top -x 80 -y 24 sh run-top
}

# is_back: the program has ended well, and the terminal is as it was
is_back() {
	wait_for test -s after
	[ "$(cat ended)" = 'ended: 0' ]
	diff before after
	[ "$(terminal display-message -p -t top '#{alternate_on}')" = 0 ]
}

start_two() {
	start m colo-mirror --net unix-listen:net --guest null: \
		--outdev unix-listen:copy --control m.ctl
	start c colo-compare --primary-in unix-listen:p \
		--secondary-in unix-listen:s --outdev null: --control c.ctl \
		--checkpoint none --compare-timeout 600s
	spawn_other taker socat -u UNIX:copy -
	feeder p.fifo UNIX:p
	feeder s.fifo UNIX:s
}

@test "top shows verdict, rates, queues and the flows that hold most at 80 by 24" {
	start_two
	begin_top
	wait_for shows '^m: UNPROTECTED [0-9]+ s: net is gone$'
	wait_for shows '^PROCESS +IN/s +OUT/s +DROP/s +HELD +BYTES +CKPTS +VERDICT$'
	wait_for shows '^m +net +down '
	wait_for shows 'NO FLOW HOLDS A PACKET'
	# what only the primary has sent is held
	wire "$(udp 1 one 7)" "$(udp 2 twotwo 9)" >p.fifo
	wait_for shows '^c +0 +0 +0 +2 +9[0-9] +0 +UNPROTECTED '
	wait_for shows '^c +[0-9]+ +[0-9.k]+ datagrams udp 10\.0\.0\.1:80 > 10\.0\.0\.2:9$'
	# frames that pass are a rate
	spawn_other peer sh -c 'while frames gen --count 1000; do :; done |
		socat -u - UNIX:net'
	wait_for shows '^m +[1-9][0-9.]*[kM]? +[1-9][0-9.]*[kM]? +0 +'
	wait_for shows '^m +net +up +[1-9]'
	[ "$(screen | awk '{ if (length($0) > n) n = length($0) } END { print n }')" -le 80 ]
	[ "$(screen | grep -c '')" -eq 24 ]
	# a process that goes is told of, and is shown again when it is back
	crash m
	wait_for shows '^m: UNREACHABLE: '
	start m colo-mirror --net unix-listen:net2 --guest null: \
		--outdev null: --control m.ctl
	wait_for shows '^m: UNPROTECTED '
	terminal send-keys -t top q
	is_back
}

@test "top follows the size of the terminal, and a signal gives the terminal back" {
	start_two
	begin_top
	wait_for shows 'NO FLOW HOLDS A PACKET'
	terminal resize-window -t top -x 60 -y 10
	wait_for shows '^[1-9] more, with less in their queues'
	terminal resize-window -t top -x 120 -y 40
	wait_for shows 'c +outdev +up .* 0%$'
	terminal send-keys -t top x
	terminal send-keys -t top C-c
	is_back
	rm after
	terminal respawn-pane -k -t top sh run-top
	wait_for shows '^PROCESS'
	pkill -TERM -P "$(terminal display-message -p -t top '#{pane_pid}')" colo-ctl
	is_back
}

@test "top, status -w, watch and wait look for processes that begin later" {
	mkdir run
	export COLO_CONTROL_DIR=$PWD/run
	begin() { # NAME
		start "$1" colo-mirror --net "unix-listen:$1.net" --guest null: \
			--outdev null: --control "$COLO_CONTROL_DIR/$1.ctl"
	}
	begin b
	terminal new-session -d -s top -x 80 -y 24 \
		"COLO_CONTROL_DIR=$PWD/run exec '$BIN/colo-ctl' top"
	spawn watch colo-ctl status -w >seen
	spawn events colo-ctl watch >told
	wait_for shows '^b +net +down '
	wait_for grep -q 'UNPROTECTED .*net is gone' seen
	begin a
	wait_for shows '^a +net +down '
	wait_for grep -q '^a  UNPROTECTED .*net is gone' seen
	wait_for grep -q ' a: status: UNPROTECTED .*net is gone' told
	spawn waits colo-ctl -t 60 wait protected
	begin c
	are_connected() { # N: and the socket itself
		[ "$(grep -c "$COLO_CONTROL_DIR/c.ctl$" /proc/net/unix)" -eq $((1 + $1)) ]
	}
	wait_for are_connected 4
	spawn_other peer_a socat -u UNIX:a.net -
	spawn_other peer_b socat -u UNIX:b.net -
	wait_for sh -c 'tail -n 3 seen | grep -q "^b  PROTECTED since "'
	kill -0 "${PIDS[waits]}"
	spawn_other peer_c socat -u UNIX:c.net -
	ends waits
	stop watch
	wait_for grep -q ' c: status: PROTECTED since ' told
	# one that goes is told of once, and is heard again when it is back
	stop b
	wait_for logged events 'b.ctl: the process has ended'
	begin b
	wait_for sh -c 'grep -c " b: status: UNPROTECTED .*net is gone" told | grep -qx 2'
	[ "$(wc -l <events.log)" -eq 1 ]
	stop events
	terminal send-keys -t top q
}

@test "top without a terminal, or on one that cannot be drawn on, says so" {
	start m colo-mirror --net unix-listen:net --guest null: --outdev null: \
		--control m.ctl
	refused 2 'top: standard input and output have to be a terminal' \
		colo-ctl -s m.ctl top
	for term in dumb no-such-terminal; do
		TERM=$term script -qec 'colo-ctl -s m.ctl top' typed >/dev/null </dev/null ||
			[ $? -eq 2 ]
		grep -q "^colo-ctl: top: TERM=$term: no terminal that is known and" typed
	done
}

@test "status -w: the verdict again whenever it changes, its exit status that of the last" {
	start m colo-mirror --net unix-listen:net --guest null: \
		--outdev unix-listen:copy --control m.ctl
	spawn watch colo-ctl -s m.ctl status -w >seen
	spawn watch-json colo-ctl -j -s m.ctl status --watch >lines
	wait_for grep -qE '^20[0-9T:.-]+Z UNPROTECTED [0-9]+ s: net is gone$' seen
	spawn_other peer socat -u UNIX:net -
	wait_for grep -qE 'Z UNPROTECTED [0-9]+ s: nobody takes the copies$' seen
	spawn_other taker socat -u UNIX:copy -
	wait_for grep -qE 'Z PROTECTED since ' seen
	wait_for grep -q '"state":"PROTECTED"' lines
	stop m
	wait_for grep -qE 'Z UNREACHABLE: ' seen
	kill -TERM "${PIDS[watch-json]}"
	ends watch-json 3
	start m colo-mirror --net unix-listen:net3 --guest null: --outdev null: \
		--control m.ctl
	spawn_other peer3 socat -u UNIX:net3 -
	wait_for sh -c 'tail -n 1 seen | grep -q "Z PROTECTED since "'
	kill -TERM "${PIDS[watch]}"
	ends watch 0
	# nothing is printed twice
	[ -z "$(sed -E 's/^20[^ ]+ //; s/ [0-9]+ s:/:/' seen | uniq -d)" ]
	run -2 colo-ctl -s m.ctl status -x
}
