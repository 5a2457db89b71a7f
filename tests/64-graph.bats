#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# tests/graph: on small trees with one thing wrong in each. No program of ours
# runs here.

load helpers

# tree: two files in the order they should have, above each calls below
setup() {
	colo_setup
	mkdir -p tree/common tree/tests
	file below.h 'int below_add(int a);'
	file below.c '#include "below.h"' 'int below_add(int a)' '{' \
		'	return a + 1;' '}'
	file above.h 'int above_twice(int a);'
	file above.c '#include "above.h"' '#include "below.h"' \
		'int above_twice(int a)' '{' '	return below_add(below_add(a));' '}'
	echo 'void above_twice(int);' >tree/tests/above_test.c
}

# file NAME LINE...
file() {
	printf '%s\n' "${@:2}" >"tree/common/$1"
}

# graph [-q]: after everything was compiled
graph() {
	local c
	mkdir -p objects/common
	for c in tree/common/*.c; do
		cc -O0 -c -o "objects/common/$(basename "$c" .c).o" "$c"
	done
	"$TOP/tests/graph" -C tree "$@" "$PWD/objects" common
}

# finds LINE: it fails, and this is all that it finds
finds() {
	run -1 graph -q
	[ "$output" = "$1" ]
}

@test "graph: files in order pass, the highest layer comes first" {
	graph >out
	grep -qE '^ *2  above *$' out
	grep -qE '^ *1  below *$' out
	grep -qE '^	above -> below$' out
}

@test "graph: calls in a circle fail" {
	file below.c '#include "below.h"' 'int above_twice(int a);' \
		'int below_add(int a)' '{' '	return a ? above_twice(0) : 1;' '}'
	finds 'circle: common: above below'
}

@test "graph: a circle of headers fails" {
	file below.h '#include "above.h"' 'int below_add(int a);'
	finds 'circle: common: above below'
}

@test "graph: a call in a circle fails too when it goes through a face" {
	file above_part.h 'int above_part(int a);'
	file above_part.c '#include "above_part.h"' '#include "above.h"' \
		'int above_part(int a)' '{' '	return a;' '}'
	echo 'above_part' >>tree/tests/above_test.c
	graph -q
	file above.c '#include "above_part.h"' '#include "below.h"' \
		'int above_twice(int a)' '{' \
		'	return above_part(below_add(a));' '}'
	graph -q
	file above_part.c '#include "above_part.h"' '#include "above.h"' \
		'int above_part(int a)' '{' '	return above_twice(a);' '}'
	finds 'circle: common: above above_part'
}

@test "graph: a function without its file's name in front fails" {
	file below.h 'int below_add(int a), belowest(void);'
	file below.c '#include "below.h"' 'int below_add(int a)' '{' \
		'	return a;' '}' 'int belowest(void)' '{' '	return 1;' '}'
	echo belowest >>tree/tests/above_test.c
	finds 'prefix: common/below.c: belowest'
}

@test "graph: a function of 41 lines fails, one of 40 does not" {
	local body
	mapfile -t body < <(yes '	a++;' | head -n 37)
	file below.c '#include "below.h"' 'int below_add(int a)' '{' \
		"${body[@]}" '	return a;' '}'
	graph -q
	file below.c '#include "below.h"' 'int below_add(int a)' '{' \
		'	a--;' "${body[@]}" '	return a;' '}'
	finds 'length: common/below.c:3: below_add has 41 lines'
}

@test "graph: what is exported and used by nobody fails" {
	rm tree/tests/above_test.c
	finds 'unused: common/above.c: above_twice'
}

@test "graph: a file that is not built fails" {
	graph -q
	file lone.c 'int lone(void);'
	run -1 "$TOP/tests/graph" -q -C tree "$PWD/objects" common
	[ "$output" = "missing: common/lone.c has no object in $PWD/objects" ]
}

@test "graph: a folder that it does not know, or no objects: exit status 2" {
	run -2 "$TOP/tests/graph" -C tree "$PWD" nosuch
	run -2 --separate-stderr "$TOP/tests/graph" -C tree "$PWD" common
	run -2 "$TOP/tests/graph"
}
