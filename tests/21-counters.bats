#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Counters: one table is what SIGUSR1, the control socket, Prometheus and the man
# pages say.

load helpers
load packets

@test "the COUNTERS of each man page are those that the program has, and no others" {
	local program page
	for program in colo-mirror colo-redirector colo-rewriter colo-compare; do
		page=$TOP/${program#colo-}/$program.1
		sed -n '/^\.Sh COUNTERS/,/^\.Sh /p' "$page" | sed '$d' >in-page
		COLO_BIN=$BIN "$TOP/tests/counters" "$program" >in-program
		diff -u in-page in-program ||
			fail "$page: tests/counters -w $program writes the section"
		[ "$(grep -c '^\.It' in-program)" -gt 15 ]
	done
}

@test "every counter has a unit and a meaning" {
	start c colo-compare --primary-in unix-listen:p \
		--secondary-in unix-listen:s --outdev null: --control c.ctl
	colo-ctl -s c.ctl -j stats >said
	jq -e '[.result[] | select((.help | test("^[A-Z].*[.]$") | not) or
		(.unit | test("^[a-z]+$") | not) or
		(.metric.name | test("^colo_[a-z_]+$") | not))] == []' said
	jq -e '[.result[] | .group + "." + .name] | length > 80 and
		length == (unique | length)' said
}

# compared: c has released a frame that both replicas sent
compared() {
	start c colo-compare --primary-in unix-listen:p \
		--secondary-in unix-listen:s --outdev null:
	wire "$(udp 1 answer)" >frame
	send p <frame
	wait_for stat_is c held.primary 1
	send s <frame
	wait_for stat_is c out 1
}

@test "each counter is NAME=VALUE, one a line; what is held is told even if nothing is" {
	compared
	stats c >said
	sed 1d said | grep '=' >counters
	[ "$(wc -l <counters)" -gt 5 ]
	run ! grep -vE ': stats: [a-z.-]+=[0-9]+$' counters
	grep -q 'stats: held.bytes=0$' counters
	grep -qE 'stats: hold.time: 1, mean [0-9.]+[mun]?s <' said
}

@test "SIGUSR1 leaves out counters that are 0, unless the log has level debug" {
	start m colo-mirror --net unix-listen:net --guest null: --outdev null:
	frames gen --count 3 | send net
	wait_for stat_is m guest.out 3
	stats m >said
	grep -q 'stats: guest.out=3$' said
	run ! grep 'dropped[.].*=0$' said
	stop m
	start d colo-mirror --net unix-listen:net --guest null: --outdev null: \
		--log-level debug
	stats d | grep -q 'stats: dropped.full=0$'
}

# gather: what Prometheus is told of a mirror, a rewriter and a compare
gather() {
	mkdir run
	export COLO_CONTROL_DIR=$PWD/run
	start m colo-mirror --net unix-listen:net --guest null: \
		--outdev null: --control run/m.ctl
	start r colo-rewriter --net unix-listen:r1 --guest unix-listen:r2 \
		--control 'run/r"q\.ctl'
	start c colo-compare --primary-in unix-listen:p \
		--secondary-in unix-listen:s --outdev null: --control run/c.ctl
	frames gen --count 3 | send net
	wait_for stat_is m guest.out 3
	colo-ctl --prometheus stats >said
}

@test "Prometheus' own checker accepts the counters of several processes" {
	gather
	promtool check metrics <said >complaints 2>&1 || {
		cat complaints
		false
	}
	[ ! -s complaints ]
	# and it does look
	run -3 promtool check metrics <<<'colo_x_total{process="m"} 1'
}

@test "a metric is told of once, with the samples of all processes behind it" {
	gather
	[ -z "$(grep '^# TYPE' said | sort | uniq -d)" ]
	[ "$(grep -c '^colo_frames_in_total{' said)" -eq 3 ]
	grep -qx 'colo_frames_in_total{process="m"} 3' said
	grep -qx 'colo_endpoint_out_frames_total{process="m",endpoint="guest"} 3' said
	grep -qx 'colo_dropped_frames_total{process="c",reason="matched"} 0' said
	grep -qx 'colo_checkpoint_spent_seconds_total{process="c"} 0' said
	# a histogram has all its parts
	for line in '_bucket{process="c",le="1.024e-06"} 0' \
		'_bucket{process="c",le="+Inf"} 0' '_sum{process="c"} 0' \
		'_count{process="c"} 0'; do
		grep -qxF "colo_hold_time_seconds$line" said
	done
	grep -q '^colo_frames_in_total{process="r\\"q\\\\"} 0$' said
}
