#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The demo of `make run`, with less to download: the connection must survive with
# the translation of sequence numbers and break without it. Either way nothing is
# left behind.

load helpers

setup() {
	colo_setup
	mkdir tmp
	export COLO_BIN=$BIN COLO_BUILD=$BUILD
	export FAILOVER_BYTES=64M TMPDIR=$BATS_TEST_TMPDIR/tmp
}

# demo OPTION...: the demo's namespaces are named after its process id, which is in
# the file `pid`
demo() {
	bash -c 'echo $$ >pid; exec "$@"' - "$TOP/examples/failover/run" "$@"
}

points_of() { sed -n "s/^<polyline.*points='\(.*\)'.*/\1/p" "$1" | tr ' ' '\n'; }
texts_of() { sed -n "s/^<text.*class='$2'>\(.*\)<.*/\1/p" "$1"; } # FILE CLASS

nothing_is_left() {
	[ -z "$(ls -A tmp)" ]
	run ! grep "^failover-$(cat pid)-" <<<"$(ip netns list)"
}

@test "a connection survives the death of its server" {
	run -0 demo --svg demo.svg
	echo "$output"
	[ "${lines[-1]}" = 'The connection survived the death of its server.' ]
	[[ $output =~ 'bytes received     67108864 of 67108864' ]]
	[[ $output =~ 'sha256             equal' ]]
	# GSO: half of the bytes in segments of 1448 would be 23000, from either side
	[ "$(awk '$2 == "compare" { print $3 }' <<<"$output")" -lt 23000 ]
	# what colo-ctl says before the cut, when it has happened, and after it
	[ "$(grep -cE ' secondary: PROTECTED since ' <<<"$output")" -eq 2 ]
	grep -qE ' secondary: FAILOVER since ' <<<"$output"
	nothing_is_left
	xmllint --noout demo.svg
	[ "$(points_of demo.svg | wc -l)" -ge 10 ]
	[ "$(texts_of demo.svg mark)" = $'the primary host dies\nfailover' ]
}

@test "the picture: two samples, two moments" {
	printf '%s\n' '5000 0' '7000 104857600' '5500 mark cut' '6000 mark failover' |
		"$TOP/examples/failover/plot" TITLE=title /dev/stdin >demo.svg
	xmllint --noout demo.svg
	points_of demo.svg | diff - <(printf '%s\n' 80.0,280.0 80.0,280.0 \
		760.0,280.0 760.0,40.0)
	[ "$(texts_of demo.svg mark)" = $'cut\nfailover' ]
	[ "$(texts_of demo.svg title)" = title ]
	texts_of demo.svg tick | diff - <(printf '%s\n' '0 s' '0.2 s' '0.4 s' '0.6 s' \
		'0.8 s' '1 s' '1.2 s' '1.4 s' '1.6 s' '1.8 s' '2 s' \
		'0 MiB' '10 MiB' '20 MiB' '30 MiB' '40 MiB' '50 MiB' '60 MiB' \
		'70 MiB' '80 MiB' '90 MiB' '100 MiB')
}

@test "a connection survives with another congestion control, and a host that dies in pieces" {
	run -0 demo --congestion cubic --slow-cut 100
	echo "$output"
	[ "${lines[-1]}" = 'The connection survived the death of its server.' ]
	nothing_is_left
}

@test "bad usage and an unknown congestion control are refused" {
	run -2 demo --slow-cut soon
	run -2 demo --congestion
	run -1 demo --congestion nosuch
	one_line "$output" 'this kernel has no congestion control nosuch; .*'
}

@test "without the translation the connection breaks and the demo fails" {
	FAILOVER_PATIENCE=4 run -1 demo --no-translate
	echo "$output"
	[[ ${lines[-1]} == 'The connection did not survive: '* ]]
	[[ $output =~ 'sha256             different' ]]
	nothing_is_left
}

@test "the demo, interrupted in the middle, leaves nothing behind" {
	# the host takes 15 s to die, so there is time to interrupt it
	spawn demo bash -c 'echo $$ >pid; exec "$0" --slow-cut 3000 >demo.out' \
		"$TOP/examples/failover/run"
	wait_for grep -sq 'loses its power' demo.out
	grep -q "^failover-$(cat pid)-" <<<"$(ip netns list)"
	kill "${PIDS[demo]}"
	ends demo 143
	nothing_is_left
}
