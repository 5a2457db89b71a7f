#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The control socket, asked by a client that is not ours (python's msgpack), and
# by colo-ctl.
# shellcheck disable=SC2030,SC2031	# each test is a subshell

load helpers
load packets
load answers

client() { "$TOP/tests/rpc-client" m.ctl "$@"; }

# start_mirror: a mirror `m` whose net and outdev have no peer yet
start_mirror() {
	start m colo-mirror --net unix-listen:net --guest null: \
		--outdev unix-listen:copy --control m.ctl
}

ctl() { colo-ctl -s m.ctl "$@"; }

@test "every method answers a client that is not ours" {
	start_mirror
	client ask version | says '.[1] == 1 and .[2] == null and
		.[3].program == "colo-mirror"'
	client ask version | says ".[3].pid == ${PIDS[m]}"
	client ask methods | says '[.[3][].name] == ["version", "methods",
		"status", "stats", "links", "subscribe", "failover", "protect", "flush",
		"capture", "get", "set", "quit"]'
	client ask status | says '.[3].state == "UNPROTECTED" and
		.[3].text == "UNPROTECTED 0 s: net is gone" or
		(.[3].text | test("^UNPROTECTED [0-9]+ s: net is gone$"))'
	client ask links | says '[.[3][] | .name + " " + .state] ==
		["net down", "guest up", "outdev down"]'
	client ask stats | says '[.[3][] | select(.group == "frames") | .name]
		== ["in", "originated", "copied", "out", "merged", "held",
		"dropped"]'
	client ask subscribe | says '.[3] | (.[0] | type) == "number" and
		.[1].state == "UNPROTECTED"'
	client ask flush | says '.[2].code == "failed" and .[3] == null'
	client ask failover | says '.[3] == {role: "failover", changed: true,
		written: false, released: 0, announced: 0,
		done: "outdev is closed"}'
	client ask failover | says '.[3] == {role: "failover", changed: false,
		written: false, released: 0, announced: 0,
		done: "nothing: the role is failover"}'
	client ask status | says '.[3].state == "FAILOVER"'
	client ask protect | says '.[3] == {role: "colo", changed: true,
		written: false, done: "outdev is open again"}'
	client ask protect | says '.[3] == {role: "colo", changed: false,
		written: false, done: "nothing: the role is colo"}'
	client ask quit | says '.[3] == true'
	ends m
	[ ! -e m.ctl ]
}

@test "a message that is no request gets an error that says why, and the connection stays" {
	start_mirror
	# bytes that are no msgpack; a number; an answer; a notification; 96 GB;
	# arrays that share what is there; an extension; nothing
	client send c1 07 9401c0c0c0 9302a16190 ddff000000 \
		dc001edc001edc001edc001edc001e0000000000 d40102 '' >said
	[ "$(grep -c '^\[1, null, {"code": "malformed"' said)" -eq 8 ]
	tail -n 1 said | says '.[3].program == "colo-mirror"'

	client ask no-such-method | says '.[2].code == "unknown-method" and
		(.[2].text | test("^no-such-method: there are version, "))'
	client ask status 1 | says '.[2].code == "bad-params" and
		.[2].text == "1 parameters: it is status"'
}

@test "a message that is too large is skipped, however large it says it is" {
	start_mirror
	{
		printf '00010001'
		head -c 65537 /dev/zero | xxd -p | tr -d '\n'
	} >large
	client raw "$(printf 00010001)" | says '.[2].code == "too-large"'
	client raw ffffffff | says '.[2].code == "too-large"'
	# the message behind the announced bytes is answered
	{
		head -c 65537 /dev/zero
		printf '\0\0\0\x0c\x94\0\x05\xa7version\x90'
	} >rest
	{ printf '\0\x01\0\x01' && cat rest; } |
		socat -t 5 - UNIX:m.ctl | grep -qa colo-mirror
}

@test "requests of one client are answered in their order" {
	start_mirror
	[ "$(client many 300 version)" = 300 ]
}

@test "other users may read the state, and change nothing" {
	chmod 755 .
	start_mirror
	[ "$(stat -c %a m.ctl)" = 600 ]
	run -1 setpriv --reuid 65534 --clear-groups "$TOP/tests/rpc-client" \
		m.ctl ask version
	grep -q PermissionError <<<"$output"
	stop m
	start m colo-mirror --guest null: --outdev null: \
		--net unix-listen:net --control m.ctl,mode=660,group=nogroup
	[ "$(stat -c '%a %G' m.ctl)" = '660 nogroup' ]
	as_group() {
		setpriv --reuid 65534 --regid 65534 --clear-groups \
			"$TOP/tests/rpc-client" m.ctl "$@"
	}
	as_group ask status | says '.[2] == null'
	as_group ask failover | says '.[2].code == "not-allowed" and
		(.[2].text | test("^only root and the user of this process "))'
	client ask status | says '.[3].role == "colo"'
}

# asks_all SOCKET: each method, without parameters, as a user who may only read.
# Prints those that are refused
asks_all() {
	local method
	for method in $(colo-ctl -j -s "$1" methods | jq -r '.result[].name'); do
		setpriv --reuid 65534 --regid 65534 --clear-groups \
			"$TOP/tests/rpc-client" "$1" ask "$method" >answer
		! grep -q '"not-allowed"' answer || echo "$method"
	done
}

@test "of every program's methods each that changes something is refused to the group" {
	chmod 755 .
	local c=mode=660,group=nogroup
	start m colo-mirror --guest null: --outdev null: --net unix-listen:net \
		--control "m.ctl,$c"
	start r colo-redirector --guest null: --net unix-listen:rnet \
		--outdev null: --indev unix-listen:i --control "r.ctl,$c"
	start w colo-rewriter --guest null: --net unix-listen:wnet \
		--control "w.ctl,$c"
	start c colo-compare --primary-in unix-listen:p --outdev null: \
		--secondary-in unix-listen:s --control "c.ctl,$c"
	start d colo-redirector --net unix-listen:dnet --dest a=unix-listen:a \
		--service tcp:10.0.0.1:80 --control "d.ctl,$c"
	for name in m r w c d; do
		asks_all $name.ctl >refused
		colo-ctl -j -s $name.ctl methods | jq -r '.result[] |
			select(.level != "read") | .name' | diff - refused
		grep -qx quit refused
	done
	grep -qx dest refused
}

@test "the sockets of /run/colo-pipe are those of this host, unless it is said otherwise" {
	start m colo-mirror --net unix-listen:net --guest null: --outdev null: \
		--control m.ctl
	# shellcheck disable=SC2016	# for the other shell
	env -u COLO_CONTROL_DIR unshare -m sh -c 'mount -t tmpfs none /run &&
		mkdir /run/colo-pipe && ln -s "$PWD/m.ctl" /run/colo-pipe/of-run.ctl &&
		colo-ctl -j version' | says '.process == "of-run"'
}

@test "a subscriber that does not read is told how many events it has lost" {
	start_mirror
	spawn watch colo-ctl -s m.ctl watch >text
	spawn watch-json colo-ctl -j -s m.ctl watch >lines
	wait_for grep -q ' m: status: UNPROTECTED ' text
	wait_for grep -q '"subscribed"' lines
	kill -STOP "${PIDS[watch]}" "${PIDS[watch-json]}"
	for n in 1 2 3 4 5 6 7 8; do
		client many 1000 set auto-failover $n >said.$n &
		asking[n]=$!
	done
	wait "${asking[@]}"
	[ "$(cat said.*)" = "$(yes 1000 | head -8)" ]
	kill -CONT "${PIDS[watch]}" "${PIDS[watch-json]}"
	wait_for grep -qE '^m: [1-9][0-9]* events were lost$' text
	wait_for grep -qE '"lost":\[[1-9][0-9]*\]' lines
	# those that came and those that were lost are all, and the next one comes
	ctl set auto-failover 9
	wait_for grep -q ' m: set: auto-failover: 9, it was ' text
	[ "$(awk '/ m: set: / { n++ } /events were lost/ { n += $2 } END { print n }' \
		text)" -eq 8001 ]
	stop watch-json
	stop watch
}

@test "a bad --control ends with status 2, a path in use with status 1" {
	refused 2 '--control: there is no path' colo-mirror --outdev null: \
		--control ,mode=600
	refused 2 '--control: mode=9 is no mode such as mode=660' \
		colo-mirror --outdev null: --control x,mode=9
	refused 2 '--control: mode=40000000660 is no mode such as mode=660' \
		colo-mirror --outdev null: --control x,mode=40000000660
	refused 2 '--control: the options are too long' \
		colo-mirror --outdev null: \
		--control "x,group=$(printf '%0120d' 0),mode=660"
	refused 2 '--control: there is no group "nobody-has-it"' \
		colo-mirror --outdev null: --control x,group=nobody-has-it
	refused 2 '--control: "speed=1" is none of mode=OCTAL, group=NAME' \
		colo-mirror --outdev null: --control x,speed=1
	start_mirror
	refused 1 'control: m.ctl: address already in use' \
		colo-mirror --guest null: --net unix-listen:n --outdev null: \
		--control m.ctl
	client ask version >/dev/null
	# the socket that a dead process left is replaced
	crash m
	[ -S m.ctl ]
	start_mirror
	client ask version >/dev/null
}

@test "subscribers get events, and are told when the verdict changes" {
	start_mirror
	spawn watch colo-ctl -s m.ctl watch >text
	spawn watch-json colo-ctl -j -s m.ctl watch >events
	wait_for grep -q '"subscribed"' events
	wait_for grep -q ' m: status: UNPROTECTED ' text
	spawn_other peer socat -u UNIX:net -
	spawn_other taker socat -u UNIX:copy -
	ctl -t 30 wait protected
	ctl failover
	wait_for grep -q '"failover","done: outdev is closed"' events
	grep -q '"status","PROTECTED since ' events
	wait_for grep -q '"status","FAILOVER since ' events
	wait_for grep -qE '^20[0-9T:.-]+Z m: failover: done: outdev is closed$' text
	stop watch-json
	stop watch
}

@test "colo-ctl: exit status 0 protected, 1 not, 2 usage, 3 unreachable" {
	run -3 ctl status
	[[ $output == 'UNREACHABLE: '*': No such file or directory' ]]
	start_mirror
	run -1 ctl status
	[[ $output == 'UNPROTECTED '*' s: net is gone' ]]
	spawn_other peer socat -u UNIX:net -
	wait_for ctl links
	run -1 ctl -t 1 wait protected
	spawn_other taker socat -u UNIX:copy -
	ctl -t 30 wait protected
	run -0 ctl status
	[[ $output == 'PROTECTED since 20'* ]]
	run -2 colo-ctl
	run -2 colo-ctl --colour status
	run -2 ctl wait
	run -2 ctl wait proteced
	[[ $output == 'colo-ctl: wait: proteced is no state; these are: PROTECTED '* ]]
	# none of these is asked for as a method
	for words in 'top c' 'watch c' '- c' 'status c' 'wait protected c'; do
		# shellcheck disable=SC2086
		run -2 ctl $words
		[[ $output == "colo-ctl: ${words%% *}: "* ]]
	done
	run -2 ctl --prometheus links
	run -2 ctl -t x status
	run -1 ctl no-such-method
	[[ $output == 'colo-ctl: m: no-such-method: there are '* ]]
}

@test "colo-ctl finds the sockets of a host, and the worst of them is the verdict" {
	mkdir run
	export COLO_CONTROL_DIR=$PWD/run
	run -3 colo-ctl status
	[[ $output == *"no *.ctl in $PWD/run"* ]]
	start a colo-mirror --net unix-listen:a --guest null: --outdev null: \
		--control run/a.ctl
	start b colo-mirror --net unix-listen:b --guest null: --outdev null: \
		--control run/b.ctl
	spawn_other peer socat -u UNIX:a -
	colo-ctl -s run/a.ctl -t 30 wait protected
	run -1 colo-ctl status
	[[ ${lines[0]} == 'UNPROTECTED '*' s: net is gone' ]]
	[[ ${lines[1]} == 'a  PROTECTED since '* ]]
	[[ ${lines[2]} == 'b  UNPROTECTED '* ]]
	colo-ctl version >said
	grep -q '^a  program  colo-mirror$' said
	colo-ctl -j version | jq -rs 'map(.process) | join(" ")' | grep -qx 'a b'
}

@test "of several processes those that do not know a method are left out, unless none does" {
	start m colo-mirror --net unix-listen:n --guest null: --outdev null: \
		--control a.ctl
	start c colo-compare --primary-in unix-listen:p --secondary-in \
		unix-listen:s --outdev null: --control b.ctl
	export COLO_CONTROL_DIR=.
	colo-ctl get compare-timeout >said 2>&1 || true
	[ "$(grep -c ': compare-timeout: it is one of ' said)" = 1 ]
	colo-ctl flows >said 2>&1
	run ! grep -v '^b ' said
	run -1 colo-ctl no-such-method
	[ "$(grep -c ': no-such-method: there are version, ' <<<"$output")" = 2 ]
	run -1 colo-ctl -s a.ctl flows
	[[ $output = *': a: flows: there are version, '* ]]
}

@test "status shows what a runner says of its processes, those that have ended, too" {
	mkdir run
	export COLO_CONTROL_DIR=$PWD/run
	start a colo-mirror --net unix-listen:a --guest null: --outdev null: \
		--control run/a.ctl
	spawn_other peer socat -u UNIX:a -
	colo-ctl -t 30 wait protected
	echo "state=up pid=${PIDS[a]} restarts=2 last_exit=status:1 runner=$$ control=true" >run/a.process
	echo "state=waiting restarts=1 last_exit=signal:9 runner=$$ control=true" >run/b.process
	echo "state=up pid=7 restarts=0 runner=$$ control=false" >run/tap.process
	why='waits to be started again, restarted 1 time, last exit signal 9'
	run -3 colo-ctl status
	[ "${lines[0]}" = "UNREACHABLE: $PWD/run/b.ctl: $why" ]
	[[ ${lines[1]} == "a    PROTECTED since "*" (up, process ${PIDS[a]}, restarted 2 times, last exit status 1)" ]]
	[ "${lines[2]}" = "b    ${lines[0]}" ]
	[ "${lines[3]}" = 'tap  up, process 7' ]
	run ! colo-ctl -j status
	jq -s 'map(.result.runner | .state + " " + .last_exit) | join(", ")' <<<"$output" |
		grep -qx '"up status:1, waiting signal:9, up "'
	# whatever is asked, and however: a process that is to be there is missed
	run -3 colo-ctl links
	[[ $output == *"colo-ctl: $PWD/run/b.ctl: $why"* ]]
	run -1 colo-ctl -t 1 wait protected
	run -0 colo-ctl -s run/a.ctl status
	[[ $output == 'PROTECTED since 20'??-??-??T??:??:??Z ]]
	# more than can be asked: to leave some out would be to vouch for them
	mkdir many
	touch many/{10..74}.ctl
	COLO_CONTROL_DIR=many run -3 colo-ctl status
	[ "$output" = 'colo-ctl: more than 64 control sockets in many (-s SOCKET for some of them)' ]
	# half a line is no line; a runner that is dead says nothing
	for line in '' 'state' "state=waiting runner=$(sh -c 'echo $$') control=true"; do
		for name in a b tap; do
			printf %s "$line" >run/$name.process
		done
		run -0 colo-ctl status
		[[ $output == 'PROTECTED since 20'??-??-??T??:??:??Z ]]
	done
}

@test "colo-ctl(1) has each method, with its parameters" {
	start_mirror
	start_compare --checkpoint none
	start r colo-rewriter --net unix-listen:rn --guest null: --control r.ctl
	colo-ctl -j -s m.ctl -s c.ctl -s r.ctl methods | jq -r '.result[] | .name +
		([.params[] | (if .optional then " Op Ar " else " Ar " end) +
			(.name | ascii_upcase)] | join(""))' | sort -u >asked
	[ "$(wc -l <asked)" -gt 15 ]
	awk '/^\.Ss / { is_list = /Methods/ }
	     is_list && sub(/^\.It Cm /, "") { gsub(/ , Cm /, "\n"); print }' \
		"$TOP/common/ctl/colo-ctl.1" | sort >page
	diff asked page
}

@test "colo-ctl: stats for people, for jq and for Prometheus" {
	start_mirror
	frames gen | send net
	wait_for stat_is m guest.out 1000
	ctl stats >said
	grep -qE '^frames +in +1000 +frames +Frames that came in' said
	ctl -j stats | says '.result[] | select(.group == "frames" and
		.name == "in") | .value == 1000'
	ctl --prometheus stats >said
	grep -qx 'colo_frames_in_total{process="m"} 1000' said
}

@test "colo-ctl -: lines of JSON in and out" {
	start_mirror
	printf '%s\n' '["status"]' '["version"]' '["nope"]' | ctl - >said
	[ "$(wc -l <said)" -eq 3 ]
	sed -n 1p said | says '.result.state == "UNPROTECTED"'
	sed -n 3p said | says '.error.code == "unknown-method"'
	run -2 ctl - <<<'no JSON'
}

@test "a crowd of clients, one of which reads nothing and one slowly, costs no frame" {
	start_mirror
	spawn_other taker socat -u UNIX:copy CREATE:copy.out
	wait_for ctl links
	client crowd 100 3 >answers &
	local crowd=$!
	frames gen --count 20000 | send net
	wait_for stat_is m guest.out 20000
	wait $crowd
	[ "$(cat answers)" -ge 100 ]
	check_account "$(stats m)"
}

@test "capture: the frames of a link, those that a filter takes" {
	start_mirror
	spawn_other all sh -c 'colo-ctl -s m.ctl capture net >all.pcapng'
	spawn_other some sh -c 'colo-ctl -s m.ctl capture net "udp port 7" >some.pcapng'
	wait_for test -s all.pcapng
	wait_for test -s some.pcapng
	{
		frames gen --count 200
		wire "$(udp 1 one 7)"
	} | send net
	wait_for stat_is m guest.out 201
	captured() { [ "$(tshark -r "$1" 2>/dev/null | wc -l)" = "$2" ]; }
	wait_for captured all.pcapng 201
	wait_for captured some.pcapng 1
	capinfos all.pcapng | grep -q 'Number of interfaces in file: 2'
	tshark -r some.pcapng -T fields -e frame.interface_name |
		grep -qx 'net in'
	# what goes out is another interface
	spawn_other out sh -c 'colo-ctl -s m.ctl capture guest >out.pcapng'
	wait_for test -s out.pcapng
	frames gen --count 5 | send net
	wait_for captured out.pcapng 5
	tshark -r out.pcapng -T fields -e frame.interface_name | sort -u |
		grep -qx 'guest out'
}

@test "capture: what is wrong is said, and whoever may only read gets none" {
	chmod 755 .
	start m colo-mirror --guest null: --outdev null: \
		--net unix-listen:net --control m.ctl,mode=660,group=nogroup
	client ask capture nowhere | says '.[2].code == "failed" and
		.[2].text == "nowhere: no such link (links lists them)"'
	client ask capture net 'port nonsense' | says '.[2].code == "failed"'
	client ask capture | says '.[2].code == "bad-params"'
	setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$TOP/tests/rpc-client" m.ctl ask capture net |
		says '.[2].code == "not-allowed"'
	run -2 ctl capture
	run -2 ctl capture a b c
	run -1 ctl capture nowhere
	[ "$output" = 'colo-ctl: m: nowhere: no such link (links lists them)' ]
	client capture twice | says '.[2].text ==
		"this connection captures already"'
}

@test "capture: a client that does not read loses frames, and no link waits" {
	start_mirror
	spawn_other taker socat -u UNIX:copy CREATE:copy.out
	client capture deaf >said &
	wait_for test -s said
	frames gen --count 20000 | send net
	wait_for stat_is m guest.out 20000
	check_account "$(stats m)"
	: >read-on
	wait $!
	tail -n 1 said | says '.lost > 0 and .bytes > 0'
}

@test "capture: a process that does not answer is unreachable" {
	spawn_other mute socat -u UNIX-LISTEN:mute.ctl CREATE:asked
	wait_for [ -S mute.ctl ]
	run -3 colo-ctl --timeout 1 -s mute.ctl capture net
	[ "$output" = 'colo-ctl: mute.ctl: no answer in 1 s' ]
}

@test "no name of a host in a filter is looked up, and addresses are asked for" {
	export SLOW_NAMES=$PWD/known ASAN_OPTIONS=verify_asan_link_order=0
	start m env LD_PRELOAD="$BUILD/tests/slow-names.so" "$BIN/colo-mirror" \
		--net unix-listen:net --guest null: --outdev null: --control m.ctl
	start c env LD_PRELOAD="$BUILD/tests/slow-names.so" "$BIN/colo-compare" \
		--primary-in unix-listen:p --secondary-in unix-listen:s --outdev null: \
		--dry-run --control c.ctl >report
	why='"far.example" is no keyword, and names of hosts are not looked up: say addresses'
	refused 1 "^colo-ctl: m: tcp and host far.example: $why" \
		colo-ctl -s m.ctl capture net 'tcp and host far.example' >/dev/null
	refused 1 "^colo-ctl: c: far.example: $why" \
		colo-ctl -s c.ctl rules-add far.example
	refused 2 "--ignore: net far.example: $why" \
		env LD_PRELOAD="$BUILD/tests/slow-names.so" "$BIN/colo-compare" \
		--primary-in unix:p --secondary-in unix:s --outdev null: --dry-run \
		--ignore 'net far.example'
	refused 1 'a rule has fewer than 1024 bytes' \
		colo-ctl -s c.ctl rules-add "port 1$(printf ' or %d' {1000..1200})"
	[ ! -e known.asked ]
}

# start_compare OPTION...: a compare `c` whose peers throw frames away
start_compare() {
	start c colo-compare --primary-in unix-listen:p \
		--secondary-in unix-listen:s --outdev null: --control c.ctl "$@"
}

compare_is() {
	local said
	said=$(colo-ctl -s c.ctl status) || true	# 1: not protected
	# shellcheck disable=SC2053	# a pattern
	[[ $said == $1 ]]
}

@test "colo-compare reports each of its states" {
	# the checkpoint command waits for a file, then for another
	cat >until-made <<-'END'
		#!/bin/sh
		until [ -e made ]; do sleep 0.02; done
		rm made
	END
	chmod +x until-made
	start_compare --checkpoint exec:./until-made --checkpoint-retry 500
	compare_is 'UNPROTECTED * s: primary-in is gone'
	spawn_other p socat -u UNIX:p -
	wait_for compare_is 'UNPROTECTED * s: secondary-in is gone'
	spawn_other s socat -u UNIX:s -
	wait_for compare_is 'PROTECTED since *'

	# a checkpoint that the control socket asks for, as if answers differed
	colo-ctl -s c.ctl checkpoint
	wait_for compare_is 'HOLDING * s: checkpoint unanswered (control)'
	: >made
	wait_for compare_is 'PROTECTED since *'

	# an input that was away may have lost frames
	kill_other s
	wait_for compare_is 'UNPROTECTED * s: secondary-in is gone'
	spawn_other s socat -u UNIX:s -
	wait_for compare_is 'SYNCING * s: a checkpoint is wanted (interrupted)'
	: >made
	wait_for compare_is 'PROTECTED since *'

	colo-ctl -s c.ctl failover
	compare_is 'FAILOVER since *'
	run -1 colo-ctl -s c.ctl checkpoint
	[[ $output == 'colo-ctl: c: there are no checkpoints: '* ]]
	stop c
	start_compare --checkpoint none
	spawn_other p3 socat -u UNIX:p -
	spawn_other s3 socat -u UNIX:s -
	wait_for compare_is 'UNPROTECTED * s: with --checkpoint none what differs leaves'
}

@test "systemd is told the verdict" {
	spawn_other listener socat -u UNIX-RECV:notify CREATE:told
	wait_for test -S notify
	NOTIFY_SOCKET=$PWD/notify start_mirror
	wait_for grep -qa 'READY=1' told
	wait_for grep -qaE 'STATUS=UNPROTECTED [0-9]+ s: net is gone' told
	ctl failover
	wait_for grep -qa 'STATUS=FAILOVER since ' told
}
