#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What README.md says is true. A comment in front of each fenced block says what is
# done with it: `test` is run, and must print the `output` block behind it;
# `arguments` are checked with -n; `qemu` goes to QEMU; `vm` and `link` have tests of
# their own.
# shellcheck disable=SC2030,SC2031

bats_require_minimum_version 1.5.0

export BATS_TEST_TIMEOUT=300

setup() {
	ROOT=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
	BIN=$(cd "$ROOT" && cd "${COLO_BIN:-bin}" && pwd)
	PATH=$BIN:$PATH
	README=${README:-$ROOT/README.md}
	PIDS=()
	SPACE=
	cd "$BATS_TEST_TMPDIR" || return
}

# Each command that was started is a process group of its own.
teardown() {
	for pid in "${PIDS[@]}"; do
		kill -- "-$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	[ -z "$SPACE" ] || kill "$SPACE"
}

# block TAG [N]: prints the Nth fenced block behind a line `<!-- TAG -->`
block() {
	awk -v tag="<!-- $1 -->" -v want="${2:-1}" '
		/^```/ && inside { exit }
		inside { print }
		$0 == tag { armed = ++n == want }
		/^```/ && armed { inside = 1; armed = 0 }
	' "$README"
}

n_blocks() { grep -cFx -- "<!-- $1 -->" "$README"; }

# alone COMMAND...: runs it in a namespace with nothing but a loopback, so that its
# ports are free
alone() {
	local user=
	[ "$(id -u)" -eq 0 ] || user=-r
	# shellcheck disable=SC2086
	unshare -n $user sh -c 'ip link set lo up && exec "$@"' sh "$@"
}

until_true() {
	local end=$((SECONDS + 30))
	until "$@"; do
		if [ $SECONDS -ge $end ]; then
			echo "never: $*"
			tail -n 20 ./*.log
			return 1
		fi
		sleep 0.05
	done
}

# spawn LOG COMMAND...: in the background; its output goes to LOG
spawn() {
	local log=$1
	shift
	setsid "$@" >"$log" 2>&1 </dev/null 3>&- &
	PIDS+=($!)
}

@test "every block of shell or QEMU options is tested here" {
	n=$(grep -c '^```sh$' "$README")
	known=$(($(n_blocks test) + $(n_blocks arguments) + $(n_blocks vm) +
		$(n_blocks 'test: link') + $(n_blocks 'link: primary') +
		$(n_blocks 'link: secondary')))
	[ "$n" -gt 5 ]
	[ "$n" -eq "$known" ]
}

@test "the commands print what the README says they do" {
	n=$(n_blocks test)
	[ "$n" -ge 2 ]
	[ "$n" -eq "$(n_blocks output)" ]
	for i in $(seq "$n"); do
		block test "$i" >commands
		block output "$i" >expected
		mkdir "$i"
		status=0
		(cd "$i" && bash ../commands) >printed 2>&1 || status=$?
		# at a terminal no line has the time
		sed -i -E 's/^20[0-9T:.-]+Z (colo-[a-z]+)\[[0-9]+\]: /\1: /' printed
		if [ "$status" -ne 0 ] || ! diff expected printed; then
			echo "block $i, status $status:"
			cat commands
			return 1
		fi
	done
}

@test "the frames of the VM are printed" {
	block vm >commands
	[ -s commands ]
	spawn heard.log bash commands
	until_true grep -q 'BOOTP/DHCP, Request from 52:54:00' heard.log
}

@test "the command lines beside QEMU's are valid" {
	n=$(n_blocks arguments)
	[ "$n" -ge 2 ]
	for i in $(seq "$n"); do
		block arguments "$i"
	done >commands
	[ "$(wc -l <commands)" -eq 6 ]
	while read -r line; do
		[[ $line == colo-* ]]
		sh -c "$line -n" </dev/null || { echo "$line"; return 1; }
	done <commands
}

@test "QEMU's guest and our primary's redirector find each other" {
	block guest >options
	[ "$(wc -l <options)" -eq 2 ]
	# shellcheck disable=SC2046
	spawn qemu.log qemu-system-x86_64 -nodefaults -display none -m 16 \
		-machine pc,accel=tcg $(cat options)
	block arguments 1 | grep -- '--guest unix:guest' |
		sed 's/ --net [^ ]* / --net null: --log-level info /' >dials
	[ -s dials ]
	spawn redirector.log sh dials
	until_true grep -q 'event: connected: guest: ' redirector.log
}

@test "QEMU accepts the objects beside ours" {
	block qemu >options
	[ "$(wc -l <options)" -ge 8 ]
	# shellcheck disable=SC2046
	alone timeout 60 qemu-system-x86_64 -machine none -nodefaults \
		-display none -monitor stdio -netdev hubport,id=hn0,hubid=0 \
		$(cat options) <<<quit >out 2>&1 || { cat out; return 1; }
	grep -q monitor out
	run ! grep -i 'error\|invalid\|failed' out
}

@test "QEMU has the properties in the table" {
	for object in filter-mirror filter-redirector filter-rewriter; do
		properties=$(qemu-system-x86_64 -object "$object,help")
		words=$(sed -n "s/^| \`$object\` \([^|]*\) |.*/\1/p" "$README" |
			tr -d '`')
		[ -n "$words" ]
		for word in $words; do
			grep -q "^  $word=" <<<"$properties" ||
				{ echo "$object: $word"; return 1; }
		done
	done
}

@test "every option that is named exists" {
	for program in mirror redirector rewriter compare; do
		"$BIN/colo-$program" --help
	done >help
	for option in $(grep -o -- '`--[a-z-]*' "$README" | tr -d '`' | sort -u); do
		grep -q -- "^  $option\b" help || { echo "$option"; return 1; }
	done
}

# anchors_of PAGE: prints the names of its headings in links
anchors_of() {
	sed -n 's/^##* //p' "$1" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9_\n-'
}

# leads_somewhere PAGE LINK
leads_somewhere() {
	local target=${2%%#*}
	target=${target:+$(dirname "$1")/$target}
	target=${target:-$1}
	[ -e "$target" ] || return 1
	[[ $2 != *'#'* ]] || anchors_of "$target" | grep -qx -- "${2#*#}"
}

@test "the links of all pages lead somewhere, tests/README.md names every file of tests" {
	local page path
	cd "$ROOT"
	while read -r page; do
		for path in $(grep -o ']([^)]*)' "$page" | tr -d ']()' | grep -v '^http'); do
			leads_somewhere "$page" "$path" ||
				{ echo "$page: $path"; return 1; }
		done
	done < <(find . -name '*.md' ! -path './build/*')
	for path in tests/*.bats; do
		grep -qF "| \`${path#tests/}\` |" tests/README.md ||
			{ echo "$path"; return 1; }
	done
}

arp() {
	printf '\0\0\0\52\377\377\377\377\377\377RT\0\1\2\3\10\6\0\1\10\0\6\4\0'
	printf '\1RT\0\1\2\3\12\0\0\1\0\0\0\0\0\0\12\0\0\2'
}

# make_space: makes a namespace for both ends of the link; "${ENTER[@]}" runs a
# command there
make_space() {
	mkfifo up
	alone sh -c 'echo $$ >up; exec sleep 80' 3>&- &
	read -r SPACE <up
	ENTER=(nsenter --target "$SPACE" --net)
	[ "$(id -u)" -eq 0 ] || ENTER+=(--user --preserve-credentials)
}

is_listening() { "${ENTER[@]}" ss -Htln 'sport = 9443' | grep -q .; }
is_heard() { tcpdump -nr guest.pcap 2>/dev/null | grep -q ARP; }
n_on_wire() { tcpdump -nr wire.pcap tcp port 9443 2>/dev/null | wc -l; }
were_on_wire() { [ "$(n_on_wire)" -ge "$1" ]; }

@test "the encrypted link carries the copies, and refuses a peer without the key" {
	block 'test: link' >keys
	block 'link: secondary' >secondary.sh
	block 'link: primary' >primary.sh
	[ -s keys ] && [ -s secondary.sh ] && [ -s primary.sh ]
	bash keys

	make_space
	mkfifo net
	spawn redirector.log colo-redirector --net null: \
		--guest-out pcap:guest.pcap --indev unix-listen:copy.sock,queue=tx
	spawn mirror.log sh -c 'exec colo-mirror --net-in - --guest null: \
		--outdev unix-listen:mirror.sock --log-level info <net'
	exec 9>net
	spawn wire.log "${ENTER[@]}" tcpdump -i lo -Z root \
		--immediate-mode -U -w wire.pcap
	until_true test -S copy.sock -a -S mirror.sock
	until_true grep -q 'listening on lo' wire.log
	spawn secondary.log "${ENTER[@]}" sh secondary.sh
	until_true is_listening

	# a stranger has the secondary's certificate, but no key that it knows
	openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=primary \
		-keyout stranger.pem -out stranger.crt 2>/dev/null
	cat stranger.crt >>stranger.pem
	arp | "${ENTER[@]}" timeout 60 socat -u - \
		"OPENSSL:127.0.0.1:9443,cert=stranger.pem,cafile=secondary.crt,commonname=secondary" \
		2>stranger.log || true
	until_true grep -qi 'certificate\|alert\|unknown ca' secondary.log

	spawn primary.log "${ENTER[@]}" sh primary.sh
	until_true grep -q 'event: connected: outdev: ' mirror.log
	arp >&9
	until_true is_heard
	[ "$(tcpdump -nr guest.pcap 2>/dev/null | wc -l)" -eq 1 ]

	# the frame cannot be read on the way
	until_true were_on_wire 20
	arp | tail -c 28 | od -An -v -tx1 | tr -d ' \n' >plain
	run ! grep -qF "$(cat plain)" <(od -An -v -tx1 wire.pcap | tr -d ' \n')
}

# fault_tests: prints "N FILE NAME" for each test that tests/README.md names
fault_tests() {
	perl -ne '
		$on = 1 if /<!-- faults -->/;
		$on = 0 if /^## /;
		next unless $on && /^\| (\d+) \|.*\| (.*) \|$/;
		($n, $tests) = ($1, $2);
		while ($tests =~ /`([^`]+)`/g) {
			$name = $1;
			if ($name =~ /\.(c|bats)$/) { $file = $name; next }
			print "$n $file $name\n";
		}' "$ROOT/tests/README.md"
}

@test "each of the twenty faults of QEMU's has a test that names it" {
	local n file name
	fault_tests >named
	[ "$(cut -d' ' -f1 named | uniq | paste -sd' ')" = "$(seq -s' ' 20)" ]
	while read -r n file name; do
		grep -qE "QEMU fault $n([^0-9]|$)" "$ROOT/tests/$file" ||
			{ echo "$file does not name fault $n" && return 1; }
		case $file in
		*.c) grep -qF "	TEST($name);" "$ROOT/tests/$file" ;;
		*) grep -qF "@test \"$name\" {" "$ROOT/tests/$file" ;;
		esac || { echo "$file has no test $name" && return 1; }
	done <named
}
