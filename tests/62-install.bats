#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The Makefile for those who build and install: other compilers and libraries,
# hardened programs, the files that are installed, and that they work there.

load helpers

# plain_make ARGUMENT...: make without the variables of the make that runs the tests
plain_make() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u CFLAGS -u LDFLAGS -u LTO \
		-u HARDEN -u BUILD -u BIN -u PREFIX -u DESTDIR -u OCFDIR \
		-u T -u U -u WITHOUT -u SOAK_N make --no-print-directory -C "$TOP" "$@"
}

# flags [VARIABLE=VALUE...]: prints the command that compiles a file; link_flags: the
# one that links a program
flags() { plain_make -n V=1 BUILD=none "$@" none/common/log.o | grep -e ' -c '; }
link_flags() { plain_make -n V=1 BUILD=none BIN=none/bin "$@" none/bin/colo-mirror | grep -e '-o none/bin/'; }

# has TEXT WORD...: all are among TEXT's words; lacks: none is the beginning of one
has() { for word in "${@:2}"; do [[ " $1 " == *" $word "* ]] || fail "no $word: $1" || return; done; }
lacks() { for word in "${@:2}"; do [[ " $1 " != *" $word"* ]] || fail "$word: $1" || return; done; }

# stub NAME COMMAND: makes ./NAME, which runs COMMAND
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
	# targets that need no library work
	plain_make -n PKG_CONFIG="$PWD/config" clean
}

@test "without pkg-config one line says that it is missing" {
	run -2 plain_make BUILD="$PWD/b" BIN="$PWD/b" PKG_CONFIG=/nowhere/config all
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == *'missing: /nowhere/config.'* ]]
	[[ $output != *libuv* ]]
}

@test "a cross build runs no tool of this machine" {
	mkdir host
	for tool in cc gcc clang ar pkg-config; do
		stub "host/$tool" "echo $tool >>'$PWD/used'; exit 1"
	done
	for tool in gcc ar pkg-config; do
		stub "cross-$tool" "exec $(command -v "$tool") \"\$@\""
	done
	CC=$PWD/cross-gcc AR=$PWD/cross-ar PKG_CONFIG=$PWD/cross-pkg-config \
		PATH=$PWD/host:$PATH plain_make -j2 BUILD="$PWD/b" CFLAGS=-O0 LTO= \
		"$PWD/b/libcolo.a" "$PWD/b/rewriter/rewrite.o"
	[ -s b/libcolo.a ]
	[ ! -e used ] || fail "used: $(cat used)"
}

# what checksec(1) would ask
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

@test "_FORTIFY_SOURCE is set where it works, and the user's value stays" {
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

@test "U= selects units, T= files of tests" {
	plain_make -n check-unit U='flow seq' | sed -n 's/^echo "# \(.*\)";.*/\1/p' >run
	diff run - <<<$'unit flow\nunit seq'
	run -2 plain_make -n check-unit U=nobody
	[[ $output == *nobody* ]]
	plain_make -n check-bats T='12 60' >commands
	grep -qE 'bats --tap --timing .*-j [0-9]+ +tests/12-endpoint.bats tests/60-readme.bats$' commands
	run -2 plain_make -n check-bats T=nobody
	[ "${lines[-1]##*\*\*\* }" = 'no tests/nobody*.bats.  Stop.' ]
	plain_make -n check-bats T='12 60' WITHOUT=60 >commands
	grep -qE 'bats --tap --timing .*-j [0-9]+ +tests/12-endpoint.bats$' commands
	plain_make -n check-bats JOBS=1 >commands
	# the file that takes longest is the first, and none is left out
	sed -n 's/.*bats --tap --timing [^ ]* *\(tests.*\)/\1/p' commands | tr ' ' '\n' >run
	head -n 1 run | grep '^tests/59-'
	diff <(sort run) <(cd "$TOP" && ls tests/*.bats)
}

@test "check goes on to the bats tests, with -k and without" {
	local flag
	for flag in -n -kn -nk '-n --keep-going'; do
		# shellcheck disable=SC2086	# words
		plain_make $flag check U=seq T=12 >commands 2>&1
		grep -qE 'bats --tap .*tests/12-endpoint.bats' commands ||
			fail "$flag: $(tail -n 3 commands)"
	done
}

@test "compile_flags.txt has the flags that the Makefile uses" {
	mapfile -t words <"$TOP/compile_flags.txt"
	line=$(flags)
	for word in "${words[@]}"; do
		[[ $word == -DCOLO_VERSION=* ]] || has "$line" "$word"
	done
	read -ra cc <<<"${CC:-cc}"	# it may be two words, such as ccache gcc
	"${cc[@]}" "${words[@]}" -fsyntax-only "$TOP/common/option.c"
}

# --- installed ---

# installs [VARIABLE=VALUE...]: installs what was built below root/; $ROOT is its path
installs() {
	ROOT=$PWD/root
	plain_make BUILD="$BUILD" BIN="$BIN" -o all install DESTDIR="$ROOT" "$@"
}
uninstalls() {
	plain_make BUILD="$BUILD" BIN="$BIN" uninstall DESTDIR="$PWD/root" "$@"
}

@test "everything is installed, each in its place" {
	installs PREFIX=/usr
	cd "$ROOT/usr"
	for program in "$BIN"/colo-*; do
		name=${program##*/}
		[ -x "bin/$name" ]
		cmp "$program" "bin/$name"
		[ -f "share/bash-completion/completions/$name" ]
	done
	(cd "$TOP" && find . -name '*.[1-8]' ! -path './build/*' -print) >pages
	[ "$(wc -l <pages)" -ge 5 ]
	while read -r page; do
		cmp "$TOP/$page" "share/man/man${page##*.}/${page##*/}"
	done <pages
	for file in README.md NEWS.md LICENSE examples/README.md \
		examples/failover/run examples/qemu-colo/guest/init; do
		cmp "$TOP/$file" "share/doc/colo-pipe/$file"
	done
	# modes do not depend on the umask
	[ -z "$(find . -type f ! -perm 644 ! -perm 755)" ]
	[ -z "$(find . -type l)" ]
}

@test "uninstall removes what was installed, and nothing else" {
	umask 077
	for prefix in /usr /opt/colo; do
		installs PREFIX=$prefix
		[ -d "$ROOT$prefix/lib/ocf/resource.d/colo-pipe" ]
		uninstalls PREFIX=$prefix
		run -0 find root ! -type d
		[ -z "$output" ]
		run -0 find root -name '*colo-pipe*'
		[ -z "$output" ]
	done
	installs OCFDIR=/ocf
	[ -x root/ocf/colo-pipe/colo ]
	touch root/usr/local/bin/colo-other root/ocf/colo-pipe/other
	uninstalls OCFDIR=/ocf
	run -0 find root ! -type d
	[ "$(sort <<<"$output")" = $'root/ocf/colo-pipe/other\nroot/usr/local/bin/colo-other' ]
}

@test "install works below a path with a blank" {
	mkdir 'a place'
	cd 'a place'
	installs
	[ -x root/usr/local/bin/colo-mirror ]
	uninstalls
	[ -z "$(find root ! -type d)" ]
}

@test "the installed programs, pages and examples work" {
	installs PREFIX=/usr
	PATH=$ROOT/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin
	[ "$(command -v colo-run)" = "$ROOT/usr/bin/colo-run" ]
	echo 'mirror: colo-mirror --outdev null:' >file
	colo-run -n file
	[[ $(colo-compare --version) == colo-compare\ * ]]
	MANPATH=$ROOT/usr/share/man man -P cat colo-compare >page
	grep -q -e --primary-in page
	cd "$ROOT/usr/share/doc/colo-pipe/examples/qemu-colo"
	VM_DIR=/vm VM_TAP=vm0 VM_HERE=192.0.2.1 VM_PEER=192.0.2.2 \
		VM_QEMU='-m 1G' ./vm args primary | grep '^qemu-system-x86_64 '
}

@test "the installed agent finds its parts" {
	installs PREFIX=/usr
	export OCF_ROOT=/usr/lib/ocf HA_RSCTMP=$PWD HA_LOGFACILITY=none
	agent=$ROOT/usr/lib/ocf/resource.d/colo-pipe/colo
	"$agent" meta-data >meta.xml
	xmllint --nonet --noout --relaxng /usr/share/resource-agents/metadata.rng \
		<(grep -v DOCTYPE meta.xml)
	for role in primary secondary resumed; do
		[ -s "$(dirname "$agent")/$role.proc" ]
	done
	grep -q "content type=\"string\" default=\"$(dirname "$agent")\"" meta.xml
}

# --- what is given away ---

@test "make dist packs the committed tree, each time the same bytes" {
	[ -e "$TOP/.git" ] || skip "this tree came without its history"
	version=$(sed -n 's/^VERSION *:= *//p' "$TOP/Makefile")
	for i in 1 2; do
		(umask "0$((i * 22))" && TZ=UTC$i plain_make BUILD="$PWD/$i" dist)
	done
	cmp {1,2}/"colo-pipe-$version.tar.gz"
	tar -tf "1/colo-pipe-$version.tar.gz" | grep -v '/$' >names
	git -C "$TOP" ls-tree -r --name-only HEAD |
		sed "s,^,colo-pipe-$version/," | diff - names
}

@test "debian/ and the Makefile have the same version, packages and licence" {
	version=$(sed -n 's/^VERSION *:= *//p' "$TOP/Makefile")
	[ "$(sed -n '1s/^colo-pipe (\(.*\)) .*/\1/p' "$TOP/debian/changelog")" = "$version" ]
	[[ $("$BIN/colo-mirror" --version) == *" $version" ]]
	sed -n 's/^DEBIAN_.*:= //p' "$TOP/Makefile" >packages
	[ "$(wc -l <packages)" -eq "$(sed -n 's/^PKGS *:= //p' "$TOP/Makefile" | wc -w)" ]
	while read -r package; do
		grep -qx " $package," "$TOP/debian/control"
		grep -qw -e "$package" "$TOP/tests/deps"
	done <packages
	diff <(tail -n +5 "$TOP/LICENSE") \
		<(sed -n '/^License: ISC$/,$s/^ //p' "$TOP/debian/copyright" | sed 's/^\.$//')
}

# --- completion ---

# proposed LINE: prints what bash proposes at the end of LINE, sorted
proposed() {
	bash -c '. "$1/${2%% *}"
		COMP_LINE=$2 COMP_POINT=${#2}
		_colo "${2%% *}"
		printf "%s\n" "${COMPREPLY[@]}"' - "$COMPLETIONS" "$1" | sort
}

@test "completion knows every option and its values" {
	installs
	COMPLETIONS=$ROOT/usr/local/share/bash-completion/completions
	for program in "$BIN"/colo-*; do
		name=${program##*/}
		complete=$(bash -c '. "$1" && complete -p "${1##*/}"' - "$COMPLETIONS/$name")
		[ "$complete" = "complete -F _colo $name" ]
		"$program" --help | grep -oE '^  --[a-z0-9-]+' | tr -d ' ' | sort >help
		diff help <(proposed "$name --") || fail "$name"
	done
	[ "$(proposed 'colo-mirror --outdev null: --qu')" = --queue ]
	[ "$(proposed 'colo-mirror --queue ')" = $'all\nrx\ntx' ]
	[ "$(proposed 'colo-mirror --net null: --queue=t')" = tx ]
	[ "$(proposed 'colo-mirror --check=')" = $'off\non' ]
	# an optional value is proposed only behind an equals sign
	proposed 'colo-mirror --check ' | grep -qx -e --outdev
	[ "$(proposed 'colo-mirror --net tap:l')" = lo ]
	touch one.pcap two.pcap
	[ "$(proposed 'colo-compare --primary-in pcap:o')" = one.pcap ]
	[ "$(proposed 'colo-compare --report tw')" = two.pcap ]
	[ "$(proposed 'colo-run --control-dir . on')" = one.pcap ]
	[ "$(proposed 'colo-ctl -j wa')" = $'wait\nwatch' ]
}

@test "completion of colo-ctl proposes what the processes say can be asked" {
	installs
	COMPLETIONS=$ROOT/usr/local/share/bash-completion/completions
	start m colo-mirror --net unix-listen:net --guest null: --outdev null: \
		--control m.ctl
	start c colo-compare --primary-in unix-listen:p \
		--secondary-in unix-listen:s --outdev null: --control c.ctl
	export COLO_CONTROL_DIR=$PWD
	{
		colo-ctl --help | grep -oE '^  (--)?[a-z]+' | tr -d ' '
		colo-ctl -j methods | jq -r '.result[].name'
	} | sort -u >known
	diff known <(proposed 'colo-ctl ')
	[ "$(proposed 'colo-ctl -j -t 3 ex')" = explain ]
	[ "$(proposed 'colo-ctl fl')" = $'flows\nflush' ]
	[ "$(proposed 'colo-ctl -s m.ctl fl')" = flush ]
	[ "$(proposed 'colo-ctl -s m.ctl capture ')" = $'guest\nnet\noutdev' ]
	[ "$(proposed 'colo-ctl set max-queue-')" = $'max-queue-bytes\nmax-queue-size' ]
	[ "$(proposed 'colo-ctl get max-queue-b')" = max-queue-bytes ]
	[ -z "$(proposed 'colo-ctl set max-queue-bytes ')" ]
	[ "$(proposed 'colo-ctl --socket m.c')" = m.ctl ]
	stop m
	stop c
	[ "$(proposed 'colo-ctl fl')" = '' ]
}

@test "completion knows every kind of endpoint" {
	installs
	COMPLETIONS=$ROOT/usr/local/share/bash-completion/completions
	sed -n 's/^\.It Cm \([a-z-]*:\)\\&.*/\1/p; s/^\.It Cm -$/-/p' \
		"$TOP/common/colo-endpoint.7" >page
	cat page
	[ "$(wc -l <page)" -ge 8 ]
	diff <(sort -u page) <(proposed 'colo-mirror --net ')
}
