#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The Makefile for those who build and install: other compilers and libraries,
# hardened programs.

load helpers

# make without what the make that runs the tests was told
plain_make() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u CFLAGS -u LDFLAGS -u LTO \
		make --no-print-directory -C "$TOP" "$@"
}

# flags [VARIABLE=VALUE...]: the command that compiles a file
flags() { plain_make -n V=1 BUILD=none "$@" none/common/log.o | grep -e ' -c '; }
link_flags() { plain_make -n V=1 BUILD=none BIN=none/bin "$@" none/bin/colo-mirror | grep -e '-o none/bin/'; }

# has TEXT WORD... and lacks TEXT WORD...: WORD is one of TEXT's words
has() { for word in "${@:2}"; do [[ " $1 " == *" $word "* ]] || fail "no $word: $1" || return; done; }
lacks() { for word in "${@:2}"; do [[ " $1 " != *" $word"* ]] || fail "$word: $1" || return; done; }

# stub NAME COMMAND: a program of that name, here
stub() {
	printf '#!/bin/sh\n%s\n' "$2" >"$1"
	chmod +x "$1"
}

@test "a missing library is one line that names Debian's package" {
	stub config 'case $* in *--exists\ libxxhash) exit 1 ;; esac; exec pkg-config "$@"'
	run -2 plain_make BUILD="$PWD/b" BIN="$PWD/b" PKG_CONFIG="$PWD/config" all
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == *libxxhash-dev* ]]
	[[ $output != *libuv* ]]
	# what needs no library works
	plain_make -n PKG_CONFIG="$PWD/config" clean
}

@test "without pkg-config, it is what is missing" {
	run -2 plain_make BUILD="$PWD/b" BIN="$PWD/b" PKG_CONFIG=/nowhere/config all
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == *'missing: /nowhere/config.'* ]]
	[[ $output != *libuv* ]]
}

@test "a cross build asks for nothing of this machine's" {
	mkdir host
	for tool in cc gcc clang ar pkg-config; do
		stub "host/$tool" "echo $tool >>'$PWD/used'; exit 1"
	done
	for tool in gcc ar pkg-config; do
		stub "cross-$tool" "exec $(command -v "$tool") \"\$@\""
	done
	export CC=$PWD/cross-gcc AR=$PWD/cross-ar PKG_CONFIG=$PWD/cross-pkg-config
	PATH=$PWD/host:$PATH plain_make -j2 BUILD="$PWD/b" CFLAGS=-O0 LTO= \
		"$PWD/b/libcolo.a" "$PWD/b/rewriter/rewrite.o"
	[ -s b/libcolo.a ]
	[ ! -e used ] || fail "used: $(cat used)"
}

# checksec's questions
@test "the programs are hardened" {
	for program in "$BIN"/colo-*; do
		[ "$(head -c 4 "$program")" = $'\x7fELF' ] || continue
		readelf -Whld "$program" >elf
		grep -q 'Type: *DYN (Position-Independent Executable file)' elf
		grep -q GNU_RELRO elf
		grep -q 'Flags:.*BIND_NOW\|FLAGS_1.*NOW' elf
		grep -E 'GNU_STACK.* RW +' elf
		run -1 grep -E 'TEXTREL|RPATH|RUNPATH| RWE ' elf
		readelf -Ws "$program" >symbols
		grep -q '__stack_chk_fail' symbols
		is_asan "$program" || grep -q '_chk@GLIBC' symbols
	done
	[ -s symbols ]
}

@test "CFLAGS leaves the hardening, HARDEN= takes it away" {
	hard='-fPIE -fstack-protector-strong'
	for cflags in '' -O3 '-O0 -g' '-O2 -fsanitize=address'; do
		line=$(flags ${cflags:+CFLAGS="$cflags"})
		# shellcheck disable=SC2086
		has "$line" $hard $cflags
		has "$(link_flags ${cflags:+CFLAGS="$cflags"})" -pie \
			-Wl,-z,relro,-z,now,-z,noexecstack
	done
	# CFLAGS replaces the default
	lacks "$(flags CFLAGS=-O3)" -O2 '-g '
	lacks "$(flags HARDEN=)" -fPIE -fstack-protector -D_FORTIFY_SOURCE
	lacks "$(link_flags HARDEN=)" -pie -Wl,-z
}

@test "FORTIFY_SOURCE where it works, and the user's where he names it" {
	for cflags in -O2 -O3 -Os '-O0 -O1'; do
		[[ $(flags CFLAGS="$cflags") =~ \ -U_FORTIFY_SOURCE\ -D_FORTIFY_SOURCE=[23]\  ]]
	done
	for cflags in -g -O0 '-O2 -O0' '-O1 -fsanitize=address,undefined'; do
		lacks "$(flags CFLAGS="$cflags")" -D_FORTIFY_SOURCE
	done
	line=$(flags CPPFLAGS=-D_FORTIFY_SOURCE=1)
	has "$line" -D_FORTIFY_SOURCE=1
	lacks "$line" -D_FORTIFY_SOURCE=2 -D_FORTIFY_SOURCE=3
}
