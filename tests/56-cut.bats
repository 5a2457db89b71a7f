#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Connections of many kinds survive the death of their server's host, however it
# dies (cut-scene says how). `make run-matrix` plays all of them.

load helpers

export BATS_TEST_TIMEOUT=600
[ -z "${SOAK_N-}" ] || BATS_TEST_TIMEOUT=1800

setup() {
	scene_setup
}

# lives OPTION...: plays cut-scene with these options; all connections survive
lives() {
	run -0 "$TOP/tests/cut-scene" "$@"
	echo "$output"
	[[ ${lines[-1]} == 'cut: '*' survived, longest pause '* ]]
}

@test "connections survive with every congestion control, window, direction and delay, and with GSO" {
	local n=157
	[ -n "${SOAK_N-}" ] || { export QUICK=1 && n=11; }
	run -0 "$TOP/tests/cut-matrix" 1
	echo "$output"
	[ "${#lines[@]}" -eq "$n" ]
}

@test "connections survive a host that dies in pieces, the link between the hosts first" {
	lives --slow 100
	lives --slow 100 --direction both --connections 50
}

@test "connections survive a host that dies in pieces, the comparison first" {
	local order=compare,wire,guest,redirector,mirror,net
	lives --slow 100 --order $order
	lives --slow 100 --order $order --direction both --congestion bbr
}

# The secondary's window is smaller than the frames of the primary, so that it waits
# for the acknowledgement of a part of one. Without that part each waits for a timer.
@test "a secondary with a small window does not wait for the rest of a GSO frame" {
	lives --gso --secondary-buffer 6000 --bytes 8000000
	[[ $output =~ ', after '[0-4]' timeouts of the secondary guest' ]]
}

@test "connections with GSO survive on wires that lose and reorder" {
	lives --gso --connections 20 --bytes 8000000 \
		--wires '--loss 0.5 --reorder 1'
}

# The secondary repeats bytes that the client has already. The connection must go
# on at once. A guest that is deaf to the client's acknowledgements sees its timer
# run out until the client gives up; on a busy machine it runs out once or twice
# because the answer is late.
@test "a connection survives whose client has a megabyte more than the secondary sent" {
	local option
	for option in '' '--congestion bbr' '--congestion reno' --no-scaling; do
		# shellcheck disable=SC2086
		lives --ahead 1000000 $option
		[[ $output =~ 'timers ran out '[0-2]' times' ]]
	done
}

@test "without lowered acknowledgements such a connection breaks" {
	SCENE_PATIENCE=3 run -1 "$TOP/tests/cut-scene" --ahead 1000000 \
		--translate no-lower
	[[ ${lines[-1]} == 'cut: 0 of 1 survived, '*': silence' ]]
}

# Otherwise the kernel would use its default and the table would say another name.
@test "a congestion control that the kernel does not have is bad usage" {
	run -2 "$TOP/tests/cut-scene" --congestion nosuch
	[ "${lines[-1]}" = 'cut-scene: no congestion control nosuch here' ]
}

@test "many: runs are counted, and one that fails makes it fail" {
	run -0 "$TOP/tests/many" 2 echo 'longest pause   12 ms'
	[ "${lines[-1]}" = '2 runs, 2 survived, longest pause 12 ms' ]
	echo 5 >pause
	run -1 "$TOP/tests/many" 3 sh -c '
		echo "longest pause $(cat pause) ms"
		echo 70 >pause; [ ! -e died ] || exit 0; touch died; exit 1'
	[ "${lines[0]}" = '1: did not survive, longest pause 5 ms' ]
	[ "${lines[1]}" = '    longest pause 5 ms' ]
	[ "${lines[-1]}" = '3 runs, 2 survived, longest pause 70 ms' ]
}

@test "many: its busy loops end with it" {
	BUSY=2 run -0 "$TOP/tests/many" 1 sh -c '
		ps -o ppid= -p $PPID | xargs pgrep -P >children'
	[ "$(wc -l <children)" -eq 3 ]
	run ! ps -o pid= -p "$(paste -sd , children)"
}
