#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Laws of colo-compare on captures, whatever is in them: a capture is equal to itself,
# also when less of each packet was captured, and what differs is found, whichever of
# the two comes first. `captures` makes them, at random.

load helpers

export BATS_TEST_TIMEOUT=600

setup() {
	colo_setup
	n=$((${SOAK_N:-5000} / 100))
	seed=${SEED:-$RANDOM$RANDOM}
	echo "# seed $seed"
	mkdir made
}

teardown() { colo_teardown; }

# rows: how many packets the table has a row for, by side
rows() {
	awk '/^packets/ { on = 1; next } on && /^$/ { exit }
		on && !/^ / { p += $(NF - 1); s += $NF } END { print p + 0, s + 0 }' "$1"
}

# law STATUS A B: the status of comparing the two
law() {
	local status=0
	colo-compare "$2" "$3" >out 2>err || status=$?
	[ "$status" -eq "$1" ]
}

# broken TEXT...: tells of it, with what was found
broken() {
	echo "$*: $(cat err out | head -n 3)"
	result=1
}

@test "a capture is equal to itself, and one byte that differs is found" {
	local number packets what kind expected result=0

	"$TOP/tests/captures" "$seed" "$n" made >list
	while read -r number packets what kind; do
		law 0 "made/$number.a" "made/$number.a" ||
			broken "$number $kind: differs from itself"
		[ "$(rows out)" = "$packets $packets" ] ||
			broken "$number $kind: not $packets rows"
		editcap -s 128 "made/$number.a" cut
		law 0 "made/$number.a" cut || grep -q 'in headers' out ||
			broken "$number $kind: differs from itself cut"
		expected=1
		[ "$what" = differ ] || expected=0
		law $expected "made/$number.a" "made/$number.b" &&
			law $expected "made/$number.b" "made/$number.a" ||
			broken "$number $kind: $what"
	done <list
	[ "$(wc -l <list)" -eq "$n" ]
	echo "# $n captures, of which $(grep -c ' differ ' list) in two versions"
	[ "$result" -eq 0 ]
}
