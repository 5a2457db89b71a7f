#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# colo-compare as a diff of captures: some are recorded from a stock HTTP server,
# others are made for cases that recordings contain only by chance.
# shellcheck disable=SC2030,SC2031

load helpers
load packets

compare() {
	colo-compare --primary-in "pcap:$1" --secondary-in "pcap:$2" "${@:3}"
}

# --- recordings ---

is_recording() { grep -q 'listening on' "$1.log"; }
is_serving() { ip netns exec "$1" ss -Htln 'sport = :80' | grep -q .; }
n_fins() { tcpdump -nr "$1" 'tcp[13] & 1 = 1' 2>/dev/null | wc -l; }
has_fins() { [ "$(n_fins "$1")" -ge "$2" ]; }

# record FILE [TCPDUMP-OPTION...]: records three connections between a HTTP server
# and a client, in namespaces of their own. The site is ./www.
record() {
	local file=$1 server=cd$$s client=cd$$c url

	shift
	[ $# -gt 0 ] || set -- -i veth0
	NETNS=("$server" "$client")
	ip netns add "$server"
	ip netns add "$client"
	ip -n "$server" link add veth0 type veth peer veth0 netns "$client"
	ip -n "$server" addr add 10.9.1.1/24 dev veth0
	ip -n "$client" addr add 10.9.1.2/24 dev veth0
	ip -n "$server" link set veth0 up
	ip -n "$client" link set veth0 up
	spawn_other httpd ip netns exec "$server" busybox httpd -f -p 80 -h www
	spawn_other dump.pcap ip netns exec "$server" tcpdump "$@" -U \
		--immediate-mode -B 16384 -Z root -w "$file" tcp port 80
	wait_for is_serving "$server"
	wait_for is_recording dump.pcap
	for url in / /numbers /nothing; do
		# the last page does not exist
		ip netns exec "$client" busybox wget -qO - \
			"http://10.9.1.1$url" >>answers || [ "$url" = /nothing ]
	done
	wait_for has_fins "$file" 6
	kill_other dump.pcap
	kill_other httpd
	rm dump.pcap.log
	ip netns del "$server"
	ip netns del "$client"
	# shellcheck disable=SC2034  # the teardown looks
	NETNS=()
}

# next_second: waits until the Date: header has another value
next_second() {
	local now
	now=$(date +%s)
	wait_for eval '[ "$(date +%s)" -gt '"$now"' ]'
}

site() {
	mkdir -p www
	seq "${1:-2000}" >www/numbers
	echo '<p>hello</p>' >www/index.html
	touch -d @1000000000 www/*
}

# row REPORT NAME FOUND IGNORED LEARNT: the table in REPORT has this row
row() {
	grep -qE "^$2 +$3 +$4 +$5\$" "$1" || fail "no row $*: $(tail -n 20 "$1")"
}

@test "two recordings of a HTTP server differ in Date: and nothing else" {
	site
	record a.pcap
	next_second
	record b.pcap
	next_second
	record c.pcap
	[ "$(grep -c hello answers)" -eq 3 ]

	run -1 compare a.pcap b.pcap --report report --diff-pcap diff.pcapng
	echo "$output" >text
	# each of the three answers has one date, and differs in that line only
	n=$(grep -c 'payload' report)
	[ "$n" -ge 3 ]
	[ "$(wc -l <report)" -eq "$n" ]
	run -1 grep -v '"text":"payload, [0-9]* bytes*, header Date"' report
	[ "$(grep -c ' offset .*: payload, .*, header Date$' text)" -eq "$n" ]
	row text payload "$n" 0 0
	# the recordings have different client ports
	[ "$(jq -r .primary.flow report | sort -u | wc -l)" -eq 3 ]
	run ! grep -Fxf <(jq -r .primary.flow report) \
		<(jq -r .secondary.flow report)

	run -0 compare a.pcap b.pcap --ignore header@Date
	row <(echo "$output") payload 0 '[1-9][0-9]*' 0
	run -0 compare a.pcap b.pcap --learn c.pcap
	row <(echo "$output") payload 0 0 '[1-9][0-9]*'
	# the other way round, one of them as pcapng
	editcap -F pcapng b.pcap b.pcapng
	run -0 compare b.pcapng a.pcap --learn c.pcap
	run -0 compare a.pcap a.pcap
	grep -qE '^total +0$' <<<"$output"

	# busybox has Date: at the same place in each answer
	run -0 compare a.pcap b.pcap --ignore payload@17+44
	# without the server's frames there is nothing to compare
	run -0 compare a.pcap b.pcap --ignore 'src port 80'
	grep -qE '^ignored +[1-9][0-9]* +[1-9][0-9]*$' <<<"$output"
}

@test "--diff-pcap has both packets of each difference, with comments" {
	site
	record a.pcap
	next_second
	record b.pcap
	run -1 compare a.pcap b.pcap --from :80 --report report \
		--diff-pcap diff.pcapng
	capinfos -M diff.pcapng >infos
	grep -q 'File type: .*pcapng' infos
	grep -q 'Number of interfaces in file: 2' infos
	grep -q 'File timestamp precision: *nanoseconds (9)' infos
	grep -q 'Capture application: colo-compare' infos
	tshark -r diff.pcapng -o http.desegment_body:FALSE -T fields \
		-e frame.interface_name \
		-e ip.src -e tcp.srcport -e http.date 2>/dev/null >shown
	[ "$(grep -c ^primary shown)" -eq 3 ]
	[ "$(grep -c ^secondary shown)" -eq 3 ]
	[ "$(cut -f4 shown | sort -u | wc -l)" -ge 2 ]
	run ! grep -v '^[a-z]*ary	10.9.1.1	80	.* GMT$' shown
	# each difference has a comment on both packets
	tshark -r diff.pcapng -Y 'frame.interface_id == 0' -T fields \
		-e frame.comment -E aggregator=/n 2>/dev/null | tr / '\n' >comments
	[ "$(grep -o 'offset [0-9]*: payload' comments | sort)" = \
		"$(jq -r '"offset \(.offset): payload"' report | sort)" ]
	grep -q 'primary: tcp 10.9.1.1:80 > 10.9.1.2:[0-9]* offset [0-9]*: payload, .*, header Date' comments
	# the packets have the times of the recordings
	tshark -r diff.pcapng -Y 'frame.interface_id == 1' -T fields \
		-e frame.time_epoch 2>/dev/null >times.txt
	tshark -r b.pcap -T fields -e frame.time_epoch 2>/dev/null >all.txt
	[ "$(grep -cFxf all.txt times.txt)" -eq 3 ]
}

@test "--learn hides only the differences that were learnt" {
	site
	record a.pcap
	next_second
	record c.pcap
	next_second
	site 1999
	echo '<p>hullo</p>' >www/index.html
	touch -d @1000000000 www/*
	record b.pcap
	run -1 compare a.pcap b.pcap --from :80 --learn c.pcap --report report
	row <(echo "$output") payload 4 0 '[1-9][0-9]*'
	[ "$(jq -r .text report | sort)" = "$(printf '%s\n' \
		'payload, 1 byte' \
		'payload, 1 byte, header ETag' \
		'payload, 2 bytes, header Content-Length' \
		'payload, 5 bytes against 0')" ]
}

@test "cooked captures, and captures with short packets, compare with plain ones" {
	site
	record a.pcap
	next_second
	record any.pcap -i any
	[ "$(tcpdump -r any.pcap -c 1 2>&1 >/dev/null |
		grep -c LINUX_SLL2)" -eq 1 ]
	run -0 compare a.pcap any.pcap --ignore header@Date
	run -0 compare any.pcap a.pcap --ignore header@Date
	# filters see the frame as captured: only a cooked one has a direction
	run -2 compare a.pcap any.pcap --ignore 'ether host 52:54:00:00:00:99'
	run -0 compare any.pcap any.pcap --ignore outbound
	grep -qE '^ignored +[1-9][0-9]* +[1-9][0-9]*$' <<<"$output"

	editcap -F pcap -s 100 a.pcap cut.pcap
	run -0 compare cut.pcap any.pcap
	n=$(tcpdump -nr cut.pcap greater 101 2>/dev/null | wc -l)
	grep -qE "^  cut short +$n +0\$" <<<"$output"
	# so are packets without all headers: but only to some cut alike
	editcap -F pcap -s 50 a.pcap short.pcap
	run -0 compare short.pcap short.pcap
	grep -qE '^    in headers +[1-9][0-9]* +[1-9][0-9]*$' <<<"$output"
	run -1 compare short.pcap a.pcap
	# without its options a segment is one nevertheless
	editcap -F pcap -s 60 a.pcap options.pcap
	run -0 compare options.pcap any.pcap
	[[ $output != *'in headers'* ]]
}

@test "a recording that begins in the middle is found in the other" {
	site 20000
	record a.pcap
	next_second
	record b.pcap
	first=$(tshark -r b.pcap -Y 'tcp.stream == 1 && tcp.len > 1000' \
		-T fields -e frame.number 2>/dev/null | sed -n 2p)
	editcap -F pcap b.pcap late.pcap "1-$first"
	editcap -F pcap a.pcap also.pcap "1-$(tshark -r a.pcap \
		-Y 'tcp.stream == 1' -T fields -e frame.number 2>/dev/null |
		head -n 1)"
	run -0 compare also.pcap late.pcap --from :80 --ignore header@Date \
		--report report
	[[ $output = *': begins in midstream, compared from common bytes on, '* ]]
	[[ $output = *'flows that begin in midstream: 1'* ]]
	[ "$(jq 'select(.note == "midstream") | .skipped.primary > 1000' report)" = true ]
}

# --- made ones ---

@test "flows are paired by their order, or by their ports" {
	syn() { segment rx "$1" 9 18 "$2"; }
	pcap 1 1000 "$(syn 100 1001)" "$(syn 200 1002)" >a.pcap
	pcap 1 1000 "$(syn 300 2002)" "$(syn 400 2001)" >b.pcap
	pcap 1 1000 "$(syn 300 1002)" "$(syn 400 1001)" >c.pcap
	run -0 compare a.pcap b.pcap
	run -0 compare a.pcap b.pcap --pair order
	run -0 compare a.pcap c.pcap --pair tuple
	run -1 compare a.pcap b.pcap --pair tuple
	[ "$(grep -c 'missing, SYN' <<<"$output")" -eq 2 ]
	[ "$(grep -c 'extra, SYN' <<<"$output")" -eq 2 ]
}

@test "flows that both captures have go together, whatever their order" {
	local other
	syn() { segment rx "$1" 9 18 "$2"; }
	other=$(syn 301 1001)
	pcap 1 1000 "$(syn 100 1001)" "$(syn 200 1002)" "$(syn 300 1003)" \
		>a.pcap
	# the third is another one
	pcap 1 1000 "$(syn 101 2003)" "$(syn 201 1002)" \
		"${other/5012/5010}" >b.pcap
	run -1 compare a.pcap b.pcap
	[[ $output = *'tcp 10.0.0.2:80 > 10.0.0.1:1001 offset 0: '* ]]
	grep -qE '^total +1$' <<<"$output"
	# one in three is chance
	pcap 1 1000 "$(syn 101 2003)" "$(syn 201 2002)" \
		"${other/5012/5010}" >b.pcap
	run -1 compare a.pcap b.pcap
	[[ $output = *'tcp 10.0.0.2:80 > 10.0.0.1:1003 offset 0: '* ]]
}

@test "frames that are not IP go by their type, not by its order" {
	local type
	for type in 88b5 88b6 0020; do
		echo "525400000001525400000002$type$(printf "%064x" "0x$type")"
	done >frames
	mapfile -t frames <frames
	pcap 1 1000 "${frames[@]}" >a.pcap
	pcap 1 1000 "${frames[@]:1}" >b.pcap
	run -1 compare a.pcap b.pcap
	grep -qE '^missing +1 ' <<<"$output"
	grep -qE '^total +1$' <<<"$output"
	run -1 compare b.pcap a.pcap
	grep -qE '^extra +1 ' <<<"$output"
	grep -qE '^total +1$' <<<"$output"
}

@test "the service is where the SYN goes, whatever its port" {
	# client FILE PORT SERVICE [FLAGS]: a SYN, and the answer
	client() {
		local syn ports
		syn=$(segment tx 7 0 2)
		printf -v ports '%04x%04x' "$2" "$3"
		syn=${syn/04000050/$ports}
		printf -v ports '%04x%04x' "$3" "$2"
		pcap 1 1000 "$syn" "$(segment rx 9 8 18 |
			sed "s/00500400/$ports/")" >"$1"
	}
	client low.pcap 2000 50051
	client high.pcap 60000 50051
	client other.pcap 60000 50052
	run -0 compare low.pcap high.pcap
	run -0 compare low.pcap - <high.pcap
	run -0 compare low.pcap high.pcap --from :50051
	# the only one that the other capture does not have is the same service
	run -0 --separate-stderr compare low.pcap other.pcap
	# shellcheck disable=SC2154	# run sets it
	[[ $stderr = *'port 50052 of the secondary is taken for port 50051'* ]]
	run -0 --separate-stderr compare low.pcap other.pcap \
		--map-port 50051=50052
	[ -z "$stderr" ]
	run -0 compare low.pcap - --map-port 50051=50052 <other.pcap
	run -1 compare low.pcap - <other.pcap
	for bad in 1 1= =1 1=2=3 0=1 1=65536 ' 1=2' -1=2 a=b 1=2x; do
		refused 2 "--map-port: $bad is not OLD=NEW" \
			colo-compare low.pcap high.pcap --map-port "$bad"
	done
	refused 2 '--map-port goes without --pair tuple' colo-compare low.pcap high.pcap \
		--map-port 1=2 --pair tuple
}

@test "packets that find no room in the tables are reported as such" {
	local frames=() i
	for i in 1000 1001 1002 1003; do
		frames+=("$(segment rx 100 9 18 "$i")")
	done
	pcap 1 1000 "${frames[@]}" >a.pcap
	pcap 1 1000 >none.pcap
	run -1 compare a.pcap none.pcap
	grep -qE '^missing +4 +0 +0$' <<<"$output"
	run -1 compare a.pcap none.pcap --max-flows 2
	grep -qE '^queue +[1-4] +0 +0$' <<<"$output"
	grep -qE '^total +4$' <<<"$output"
}

@test "other bytes on a SYN are bytes, other options are options" {
	local syn
	syn=$(segment rx 100 9 18)
	pcap 1 1000 "$syn" >a.pcap
	pcap 1 1000 "${syn/45000028/4500002a}6162" >b.pcap
	pcap 1 1000 "${syn/45000028/4500002a}6163" >c.pcap
	pcap 1 1000 "$(sed 's/45000028/4500002c/; s/5012/6012/' \
		<<<"$syn")020405b4" >option.pcap
	run -1 compare a.pcap b.pcap
	[[ $output = *': payload, 0 bytes against 2'* ]]
	run -1 compare b.pcap c.pcap
	[[ $output = *': payload, 1 byte'* ]]
	run -1 compare a.pcap option.pcap
	[[ $output = *': option'* ]]
}

@test "differences of TCP flags are reported in words" {
	pcap 1 1000 "$(segment rx 100 9 18)" >a.pcap
	pcap 1 1000 "$(segment rx 300 9 20)" >b.pcap
	run -1 compare a.pcap b.pcap
	[[ ${lines[0]} = *'offset 0: flag, SYN against RST' ]]
	run -1 compare a.pcap b.pcap --compare-timeout 1
	pcap 1 1000 "$(udp 1 one)" "$(udp 1 two)" "$(udp 3 three)" >a.pcap
	pcap 1 9000 "$(udp 1 one)" "$(udp 3 three)" "$(udp 1 two)" >b.pcap
	run -1 compare a.pcap b.pcap --compare-timeout 5
	[[ $output = *'timeout, primary only, 3 bytes'* ]]
	run -0 compare a.pcap b.pcap
}

@test "captures with any times at all are compared to the end" {
	local frames=() i t
	for i in {1..40}; do
		frames+=("$(udp "$i" "answer $i")")
	done
	pcap 1000 1000 "${frames[@]}" >b.pcap
	for t in 1000 1023 90000 0 4294967295; do
		{
			pcap "$t" 1000 "${frames[0]}"
			pcap 1000 1000 "${frames[@]:1}" | tail -c +25
		} >a.pcap
		run -0 timeout -s KILL 60 colo-compare --primary-in pcap:a.pcap \
			--secondary-in pcap:a.pcap
		run timeout -s KILL 60 colo-compare --primary-in pcap:a.pcap \
			--secondary-in pcap:b.pcap --compare-timeout 10
		[ "$status" -le 1 ]
		run timeout -s KILL 60 colo-compare --primary-in pcap:b.pcap \
			--secondary-in pcap:a.pcap --compare-timeout 10
		[ "$status" -le 1 ]
	done
}

# link LINKTYPE BEFORE FRAME...: a capture of the frames without their Ethernet
# headers, with these bytes in place of each
link() {
	local linktype=$1 before=$2 frame
	shift 2
	local frames=()
	for frame; do
		frames+=("$before${frame:28}")
	done
	pcap 1 1000 "${frames[@]}" | perl -e 'local $/; $_ = <STDIN>;
		substr($_, 20, 4) = pack("N", shift); print' "$linktype"
}

# pcapng LINKTYPE,SNAPLEN... -- FRAME...: the frames come in through the
# interfaces in turn, with an Ethernet header when LINKTYPE is 1
pcapng() {
	perl -e '
		sub block { my ($type, $body) = @_;
			$body .= "\0" x (-length($body) % 4);
			my $len = 12 + length $body;
			print pack("VV", $type, $len), $body, pack("V", $len);
		}
		block(0x0a0d0d0a, pack("VvvVV", 0x1a2b3c4d, 1, 0, ~0, ~0));
		my @links;
		while (($_ = shift) ne "--") {
			my ($link, $snaplen) = split /,/;
			push @links, $link;
			block(1, pack("vvV", $link, 0, $snaplen));
		}
		for my $i (0 .. $#ARGV) {
			my $n = $i % @links;
			my $f = pack("H*", $ARGV[$i]);
			substr($f, 0, 14) = "" if $links[$n] != 1;
			block(6, pack("VVVVV", $n, 0, $i, length $f, length $f) . $f);
		}' "$@"
}

@test "captures of other link types, and of several, compare with plain ones" {
	local frames kind
	frames=("$(segment rx 100 9 18)" "$(udp 1 one)" "$(segment rx 101 9 17)"
		"$(udp 1 two)")
	pcap 1 1000 "${frames[@]}" >a.pcap
	link 0 02000000 "${frames[@]}" >null.pcap
	link 0 00000002 "${frames[@]}" >null-big.pcap
	link 108 00000002 "${frames[@]}" >loop.pcap
	link 9 ff030021 "${frames[@]}" >ppp.pcap
	link 50 0f000800 "${frames[@]}" >hdlc.pcap
	link 101 "" "${frames[@]}" >raw.pcap
	pcapng 1,65535 1,262144 -- "${frames[@]}" >snaplens.pcap
	pcapng 1,65535 101,0 -- "${frames[@]}" >linktypes.pcap
	link 105 "0802$(printf '%044x' 0)aaaa030000000800" "${frames[@]}" >wifi.pcap
	# radiotap with a time and flags, 802.11 with QoS filled up to 28 bytes
	link 127 "0000140003000000$(printf '%016x' 9)20000000""8802$(printf \
		'%048x' 0)0000aaaa030000000800" "${frames[@]}" >radio.pcap
	for kind in null null-big loop ppp hdlc wifi radio raw snaplens linktypes; do
		run -0 compare a.pcap $kind.pcap
		grep -qE '^compared +4 +4$' <<<"$output"
		run -0 compare $kind.pcap a.pcap
	done
	# filters are made for each link type
	run -0 compare a.pcap linktypes.pcap --ignore udp
	grep -qE '^ignored +2 +2$' <<<"$output"
	head -c 200 linktypes.pcap >cut.pcap
	run -2 compare a.pcap cut.pcap
	[[ $output = *'cut.pcap: cut off in the middle of a block'* ]]
}

@test "wireless frames without data are housekeeping, encrypted ones are bytes" {
	local ack=d4000000 null beacon=8000 data
	null=4801$(printf '%044x' 0)
	data="0841$(printf '%044x' 0)aabbccdd"
	# the frames have 28 letters that go with an Ethernet header
	wifi() { link 105 "" "${@/#/$(printf '%028x' 0)}"; }
	wifi "$ack" "$null" "$beacon$(printf '%060x' 1)" "${data}01" >a.pcap
	wifi "$null" "${data}01" >b.pcap
	wifi "$null" "${data}02" >c.pcap
	run -0 compare a.pcap b.pcap
	grep -qE '^compared +1 +1$' <<<"$output"
	grep -qE '^housekeeping +3 +1$' <<<"$output"
	run -1 compare a.pcap c.pcap
}

@test "what gzip has compressed is read, from files and from pipes" {
	local file
	pcap 1 1000 "$(udp 1 one)" "$(udp 2 two)" >a.pcap
	pcap 1 1000 "$(udp 1 one)" "$(udp 2 TWO)" >b.pcap
	pcapng 1,0 -- "$(udp 1 one)" "$(udp 2 two)" >a.pcapng
	gzip -k a.pcap b.pcap a.pcapng
	for file in a.pcap.gz a.pcapng.gz; do
		run -0 colo-compare a.pcap $file
		grep -qE '^compared +2 +2$' <<<"$output"
		run -1 colo-compare $file b.pcap.gz
		run -0 colo-compare a.pcap - <$file
		run -0 colo-compare a.pcap - < <(cat $file)
	done
	# in two parts, as `cat` joins them
	cat <(head -c 60 a.pcap | gzip) <(tail -c +61 a.pcap | gzip) >parts.gz
	run -0 colo-compare a.pcap parts.gz
	head -c -9 a.pcap.gz >cut.gz
	run -2 colo-compare -q a.pcap cut.gz
	[[ $output = *'error: secondary-in: cut.gz: '* ]]
	{ cat a.pcap.gz && echo junk; } >junk.gz
	run -2 colo-compare -q a.pcap junk.gz
	colo-mirror --net-in pcap:a.pcap.gz --guest-out - --outdev null: |
		cmp - <(wire "$(udp 1 one)" "$(udp 2 two)")
}

@test "a frame whose IP length is 0, to be cut by the hardware, is all payload" {
	local a b
	a=$(udp 1 "$(printf '%1600s' x)")
	b=$(udp 1 "$(printf '%1600s' y)")
	pcap 1 1000 "${a:0:32}0000${a:36}" >a.pcap
	pcap 1 1000 "${b:0:32}0000${b:36}" >b.pcap
	run -0 compare a.pcap a.pcap
	grep -qE '^compared +1 +1$' <<<"$output"
	run -1 compare a.pcap b.pcap
	[[ $output = *'offset 1599: payload, 1 byte'* ]]
}

# around BEFORE FRAME...: the frames with this in place of their EtherType; NN is
# the number of the frame
around() {
	local before=$1 n=0 frame
	shift
	for frame; do
		printf '%s%s%s\n' "${frame:0:24}" "${before/NN/$(printf %02x $n)}" \
			"${frame:28}"
		n=$((n + 1))
	done
}

@test "what is inside of tags, labels and tunnels is compared" {
	local a b before
	a=("$(udp 1 "answer one")" "$(udp 2 two)")
	b=("$(udp 1 "answer OnE")" "$(udp 2 two)")
	pcap 1 1000 "${a[@]}" >plain.pcap
	for before in 8100000581000006810000070800 884700001140 \
		8864110000070026'0021' 0030aaaa030000000800 \
		080045000000000000004004'00000a0000630a000062' \
		08004500000000000000402f'00000a0000630a0000621000080000NN00aa'; do
		# shellcheck disable=SC2046  # frames have no spaces
		pcap 1 1000 $(around "$before" "${a[@]}") >a.pcap
		# shellcheck disable=SC2046
		pcap 1 1000 $(around "$before" "${b[@]}") >b.pcap
		run -0 compare a.pcap a.pcap
		grep -qE '^compared +2 +2$' <<<"$output"
		run -1 compare a.pcap b.pcap
		[ "$(grep -c 'payload, ' <<<"$output")" -eq 1 ]
		[[ $output = *'udp 10.0.0.1:80 > 10.0.0.2:1000'* ]]
	done
	# the last one: another tunnel, and none
	# shellcheck disable=SC2046
	pcap 1 1000 $(around "${before/0NN0/1NN1}" "${a[@]}") >other.pcap
	run -0 compare a.pcap other.pcap --outdev pcap:out.pcap
	grep -qE '^  unwrapped +2 +2$' <<<"$output"
	# what passes is what came
	tcpdump -xxnr a.pcap >a.txt 2>/dev/null
	tcpdump -xxnr out.pcap 2>/dev/null | sed 's/\(\.[0-9]\{6\}\)000/\1/' >out.txt
	[ "$(grep -c 0x0000 out.txt)" -eq 2 ]
	diff <(grep 0x out.txt) <(grep 0x a.txt)
	run -0 compare a.pcap plain.pcap
}

# said SEQ TEXT [FLAGS]: a segment of the guest that says something, from SEQ on
said() {
	local head
	head=$(segment rx "$1" 9 "${3:-16}")
	printf '%s%04x%s%s' "${head:0:32}" $((40 + ${#2})) "${head:36}" "$(hex "$2")"
}

# one TEXT [FRAME...]: a connection that says TEXT, and goes on with the frames
one() {
	pcap 1 1000 "$(segment rx 4294967290 9 18)" "$(said 4294967291 "$1")" "${@:2}"
}

@test "what TCP repeats is compared with what was said before" {
	local at=4294967291
	one 'hello, world' >plain.pcap
	one 'hello, world' "$(said $at 'hello, world')" >again.pcap
	one 'hello, world' "$(said $at 'hello, World')" >other.pcap
	one 'hello, world' "$(said 2 'Worl')" "$(said $at 'hello, ')" >parts.pcap
	one 'hello, world' "$(said $at 'hello, wOrld')" >else.pcap
	for i in plain again other parts else; do
		run -0 compare $i.pcap $i.pcap
	done
	run -0 compare plain.pcap again.pcap
	run -0 compare again.pcap plain.pcap
	# the sequence numbers wrap in the middle of the text
	run -0 compare other.pcap parts.pcap
	run -1 compare again.pcap other.pcap --report report
	[[ $output = *' offset 7: repeat, secondary only, 1 byte other than before'* ]]
	[ "$(jq -r '[.kind, .offset, .secondary.frame] | @csv' report)" = '"repeat",7,3' ]
	row <(echo "$output") repeat 1 0 0
	run -1 compare other.pcap plain.pcap
	run -1 compare other.pcap else.pcap
	row <(echo "$output") repeat 2 0 0
	run -0 compare again.pcap other.pcap --learn other.pcap
	# of before the recording
	one 'hello, world' "$(said 4294967200 old)" >old.pcap
	one 'hello, world' "$(said 4294967200 olD)" >older.pcap
	run -0 compare old.pcap old.pcap
	run -1 compare old.pcap older.pcap
	run -2 compare old.pcap plain.pcap
	grep -qE '^old repeats +1 +0$' <<<"$output"
	grep -qE '^compared +2 +2$' <<<"$output"
	[[ $output = *'repetitions of old bytes could not be compared'* ]]
	# what a RST says
	one 'hello, world' "$(said 7 'no more' 4)" >rst.pcap
	one 'hello, world' "$(said 7 'no More' 4)" >rst2.pcap
	run -0 compare rst.pcap rst.pcap
	run -1 compare rst.pcap rst2.pcap
}

@test "what is not compared has a row, and is no success unless it was asked for" {
	local one arp unknown
	one=$(udp 1 one)
	arp=$(printf 'ffffffffffff5254000000020806%056x' 1)
	unknown="5254000000015254000000021234"
	pcap 1 1000 "$one" "$arp" "${unknown}000001" >a.pcap
	pcap 1 1000 "$one" "$arp" "${unknown}000002" >b.pcap
	run -0 compare a.pcap a.pcap
	grep -qE '^compared +2 +2$' <<<"$output"
	grep -qE '^housekeeping +1 +1$' <<<"$output"
	run -1 compare a.pcap b.pcap
	# nobody has this port
	run -2 compare a.pcap a.pcap --from :9999
	[[ $output = *'nothing was compared: no packet is what --from says'* ]]
	run -0 compare a.pcap a.pcap --from :80
	# longer than any frame
	pcap 1 1000 "$one" "$(printf '%0140000d' 0)" >long.pcap
	printf '\0\2\0\0' | dd of=long.pcap bs=1 seek=16 conv=notrunc 2>/dev/null
	run -2 compare long.pcap long.pcap
	grep -qE '^not read +1 +1$' <<<"$output"
	[ "$(grep -c 'packet 2, of 70000 bytes, is no frame: skipped' <<<"$output")" -eq 2 ]
	[[ $output = *'packets could not be read, and were not compared'* ]]
}

# not_decoded N A B: A is itself, with N packets of unknown headers, and not B
not_decoded() {
	run -0 compare "$2" "$2"
	grep -qE "^  not decoded +$1 +$1\$" <<<"$output"
	run -1 compare "$2" "$3"
}

@test "what is no frame, or of an unknown link type, is compared byte by byte" {
	local one i

	one=$(udp 1 one)
	# frames without a whole header are compared with all their bytes
	for i in 01:02 0102030405:0102030406 020304050607:030304050607 \
		0102030405060708090a0b:0102030405060708090a0c; do
		pcap 1 1000 "$one" "${i%:*}" >a.pcap
		pcap 1 1000 "$one" "${i#*:}" >b.pcap
		run -0 compare a.pcap a.pcap
		run -1 compare a.pcap b.pcap
	done
	# nothing of it was captured
	pcap 1 1000 "$one" "" >a.pcap
	pcap 1 1000 "$one" >b.pcap
	not_decoded 1 a.pcap b.pcap
	# the link type is unknown, of all packets or of some; pcapng takes a header off
	pcapng 107,0 -- "$one" "$(printf '%030x' 0)" >a.pcapng
	pcapng 107,0 -- "$one" "$(printf '%030x' 1)" >b.pcapng
	not_decoded 2 a.pcapng b.pcapng
	pcapng 1,0 147,0 -- "$one" "$one" >a.pcapng
	pcapng 1,0 147,0 -- "$one" "$(udp 1 two)" >b.pcapng
	not_decoded 1 a.pcapng b.pcapng
	# shorter than its link header: SLL, radiotap
	pcapng 113,0 127,0 -- "$(printf '%030x' 1)" "$(printf '%030x' 1)" >a.pcapng
	pcapng 113,0 127,0 -- "$(printf '%030x' 1)" "$(printf '%030x' 2)" >b.pcapng
	not_decoded 2 a.pcapng b.pcapng
}

@test "what is cut is compared as far as it is there, whatever it is" {
	local rest cut tcp udp kind
	rest=000141ff$(printf "%0392x" 1)
	tcp=$(said 100 "$(printf '%0150d' 1)")
	udp=$(udp 1 "$(printf '%0150d' 2)")
	# nobody's EtherType, LLC, a wrong IP header; as Ethernet and as unknown
	for kind in 88b5 00c8 0800; do
		set -- "525400000001525400000002$kind$rest" "$tcp" "$udp"
		pcap 1 1000 "$@" >"$kind.pcap"
		link 147 5254 "$@" >"$kind-147.pcap"
		pcap 1 1000 "${1:0:62}a${1:63}" "$tcp" "$udp" >"$kind-other.pcap"
		pcap 1 1000 "${1}00" "$tcp" "$udp" >"$kind-longer.pcap"
		for cut in 60 96 128; do
			editcap -F pcap -s $cut "$kind.pcap" cut.pcap
			run -0 compare "$kind.pcap" cut.pcap
			grep -qE '^  cut short +0 +3$' <<<"$output"
			run -0 compare cut.pcap "$kind.pcap"
			run -0 compare cut.pcap cut.pcap
			run -1 compare cut.pcap "$kind-other.pcap"
			run -1 compare "$kind-longer.pcap" cut.pcap
			editcap -F pcap -s $cut "$kind-147.pcap" cut.pcap
			run -0 compare cut.pcap "$kind-147.pcap"
		done
	done
	# the hardware was to cut it: no length, but that of the frame
	pcap 1 1000 "${tcp:0:32}0000${tcp:36}" "$(said 250 "$(printf '%0150d' 3)")" >tso.pcap
	editcap -F pcap -s 96 tso.pcap cut.pcap
	run -0 compare tso.pcap cut.pcap
	grep -qE '^  cut short +0 +2$' <<<"$output"
	# UDP says that it is longer than IP: that is wrong however little is there
	udp=$(udp 1 "$(printf '%0150d' 2)")
	pcap 1 1000 "${udp:0:76}0fff${udp:80}" >wrong.pcap
	editcap -F pcap -s 96 wrong.pcap cut.pcap
	run -0 compare wrong.pcap cut.pcap
	# ICMPv6 that is housekeeping is so with one byte of it
	rest=$(printf '%080x' 1)
	pcap 1 1000 "33330000000152540000000286dd60000000001c3aff$(printf '%064x' 1)8f00$rest" >mld.pcap
	editcap -F pcap -s 55 mld.pcap cut.pcap
	run -0 compare mld.pcap cut.pcap
	grep -qE '^housekeeping +1 +1$' <<<"$output"
}

@test "a header that is cut is counted, whichever it is" {
	local at ip6 ext
	# hop-by-hop, routing, destination options, then UDP
	ext=2b00$(printf %012x 0)3c00$(printf %012x 0)1100$(printf %012x 0)
	ip6=52540000000152540000000286dd6000000000400040
	ip6+=$(printf '%064x' 1)$ext$(printf '03e803e900280000%064x' 7)
	pcap 1 1000 "$ip6" "$(udp 1 "$(printf '%090d' 2)")" >whole.pcap
	# in the addresses, IPv4, IPv6, each of the headers behind that
	for at in 18:2 30:2 40:2 58:1 64:1 76:1 82:1; do
		editcap -F pcap -s "${at%:*}" whole.pcap cut.pcap
		run -0 compare cut.pcap cut.pcap
		grep -qE "^    in headers +${at#*:} +${at#*:}\$" <<<"$output"
		run -1 compare whole.pcap cut.pcap
	done
	editcap -F pcap -s 90 whole.pcap cut.pcap
	run -0 compare whole.pcap cut.pcap
	[[ $output != *'in headers'* ]]
}

@test "packets that are longer than their file says are read whole" {
	pcap 1 1000 "$(udp 1 "$(printf '%0150d' 2)")" >a.pcap
	pcap 1 1000 "$(udp 1 "$(printf '%0150d' 3)")" >b.pcap
	for i in a b; do	# the snapshot length is 60
		printf '\0\0\0\74' |
			dd of=$i.pcap bs=1 seek=16 conv=notrunc 2>/dev/null
	done
	run -0 compare a.pcap a.pcap
	[[ $output != *'cut short'* ]]
	run -1 compare a.pcap b.pcap
	run -1 compare a.pcap <(cat b.pcap)
	gzip b.pcap
	run -1 compare <(cat b.pcap.gz) a.pcap
	# and those that are longer than the packet was
	pcap 1 1000 "52540000000152540000000288b5$(printf '%080x' 1)" >a.pcap
	printf '\0\0\0\40' | dd of=a.pcap bs=1 seek=36 conv=notrunc 2>/dev/null
	editcap a.pcap a.pcapng
	run -0 compare a.pcap a.pcapng
	[[ $output != *'cut short'* ]]
}

@test "ignored frames are not compared, but released" {
	arp() { printf 'ffffffffffff5254000000020806%056x' "$1"; }
	pcap 1 1000 "$(arp 1)" "$(udp 1 one)" >a.pcap
	pcap 1 1000 "$(udp 1 one)" "$(arp 2)" "$(arp 3)" >b.pcap
	run -1 compare a.pcap b.pcap --non-ip compare
	run -0 compare a.pcap b.pcap --non-ip compare --ignore arp \
		--outdev pcap:released.pcap
	grep -qE '^ignored +1 +2$' <<<"$output"
	grep -qE '^compared +1 +1$' <<<"$output"
	[ "$(tcpdump -nr released.pcap 2>/dev/null | wc -l)" -eq 2 ]
	run -0 compare a.pcap b.pcap --non-ip compare --ignore udp --ignore arp
}

@test "--dry-run: frames that are not selected pass, too" {
	start compare colo-compare --primary-in unix-listen:p.sock \
		--secondary-in unix-listen:s.sock --outdev - --dry-run \
		--ignore 'udp[4:2] = 11' --from 10.0.0.1 --report report \
		--diff-pcap diff.pcapng >>out
	feeder p UNIX-CONNECT:p.sock
	feeder s UNIX-CONNECT:s.sock
	exec 5>p 6>s
	wire "$(udp 1 one)" "$(udp 2 four)" "$(segment rx 1 2 12)" >&5
	wire "$(udp 1 two)" "$(udp 2 five)" >&6
	came_out() {
		cmp -s out <(wire "$(udp 1 one)" "$(udp 2 four)" \
			"$(segment rx 1 2 12)")
	}
	wait_for came_out
	wait_for logged compare 'offset 1: payload, 3 bytes'
	s=$(stats compare)
	check_account "$s"
	stop compare
	logged compare '^ignored +1 +1$'
	logged compare '^not selected +1 +0$'
	# frames that are not from captures have the time of day
	[ "$(jq '.time > 1700000000' report)" = true ]
	[ "$(tshark -r diff.pcapng -T fields -e frame.time_epoch 2>/dev/null |
		awk '$1 > 1700000000' | wc -l)" -eq 2 ]
}

@test "bad rules and options that exclude each other end with status 2 and one line" {
	pcap 1 1000 "$(udp 1 one)" >a.pcap
	same=(colo-compare --primary-in pcap:a.pcap --secondary-in pcap:a.pcap)
	refused 2 '^colo-compare: error: --ignore: tcp port: ' \
		"${same[@]}" --ignore 'tcp port'
	refused 2 'payload@7 is not payload@OFFSET\+LEN' \
		"${same[@]}" --ignore payload@7
	refused 2 'header@ is not' "${same[@]}" --ignore header@
	refused 2 'noise: ' "${same[@]}" -n --ignore noise
	refused 2 'learn is for two captures' colo-compare --primary-in null: \
		--secondary-in null: --outdev null: --learn a.pcap
	refused 2 'need captures or --dry-run' colo-compare \
		--primary-in null: --secondary-in null: --outdev null: \
		--ignore arp
	# raw IP has no Ethernet addresses
	{ xxd -r -p <<<"a1b2c3d400020004$(printf '%016x' 0)0001000000000065"; } \
		>raw.pcap
	refused 2 'ether host 02:00:00:00:00:01' colo-compare \
		--primary-in pcap:a.pcap --secondary-in pcap:raw.pcap --ignore 'ether host 02:00:00:00:00:01'
	refused 2 'none.pcap' "${same[@]}" --learn none.pcap
	refused 2 'nowhere/x: No such file' "${same[@]}" \
		--diff-pcap nowhere/x
	refused 2 'nowhere/x: No such file' "${same[@]}" \
		--report nowhere/x
}

@test "a full disk is status 2, whatever was found" {
	pcap 1 1000 "$(udp 1 one)" >a.pcap
	pcap 1 1000 "$(udp 1 two)" >b.pcap
	for option in --report --diff-pcap; do
		run -2 compare a.pcap b.pcap $option /dev/full
		[[ $output = *'/dev/full: No space left on device'* ]]
	done
	run -2 eval 'compare a.pcap a.pcap >/dev/full'
	[[ $output = *'standard output: No space left on device'* ]]
}

# flood FILE N LAST: a capture of N frames of 1400 bytes; the last one contains LAST
flood() {
	local filler
	printf -v filler '%1390s' ''
	perl -e '
		my ($n, $last, $hex) = @ARGV;
		my $frame = pack("H*", $hex);
		print pack("NnnNNNN", 0xa1b2c3d4, 2, 4, 0, 0, 65536, 1);
		for my $i (1 .. $n) {
			my $f = $frame;
			substr($f, 42, 10) = sprintf("%-10s", $i < $n ? $i : $last);
			print pack("NNNN", 1, $i, length($f), length($f)), $f;
		}' "$2" "$3" "$(udp 1 "0123456789$filler")" >"$1"
}

@test "on a terminal, large captures show their progress and clear the line" {
	flood a.pcap 13000 last
	flood b.pcap 13000 LAST
	# script gives the command a terminal; its exit status is passed on
	run -1 script -qec 'colo-compare --primary-in pcap:a.pcap --secondary-in pcap:b.pcap --learn a.pcap 2>&1' typescript
	grep -qE $'colo-compare: [0-9]+ % of 3[0-9] MiB.*\033\\[K\r' typescript
	grep -qE $'colo-compare: learning: 0 % of 3[0-9] MiB' typescript
	# the line is cleared before anything is printed
	grep -qE $'\r\033\\[K.*offset 0: payload, 4 bytes' typescript
	tail -n 8 typescript >end
	run ! grep -q ' MiB' end
	# without a terminal nothing is shown
	run -1 compare a.pcap b.pcap
	[[ $output != *MiB* ]]
	# nor for small captures
	flood a.pcap 10 last
	run -0 script -qec 'colo-compare --primary-in pcap:a.pcap --secondary-in pcap:a.pcap' typescript
	run ! grep -q MiB typescript
}

@test "an interrupted comparison ends with status 2 and reports no difference" {
	flood a.pcap 13000 last
	mkfifo full
	exec 7<>full
	# nobody reads the output, so the comparison cannot end by itself
	start compare colo-compare --primary-in pcap:a.pcap \
		--secondary-in pcap:a.pcap --outdev - >full
	stop compare 2
	logged compare 'error: interrupted: the rest was not compared'
	run ! logged compare missing
}

@test "recordings at different speeds are compared to the end" {
	flood a.pcap 60000 last
	flood b.pcap 60000 last
	# one is a thousand times as slow: the other waits for it, with little held
	perl -e '
		open(my $in, "<", "b.pcap"); binmode $in; local $/; $_ = <$in>;
		my $out = substr($_, 0, 24);
		for (my $at = 24; $at < length; ) {
			my ($s, $us, $len, $wire) = unpack("N4", substr($_, $at, 16));
			my $t = $us * 1000;
			$out .= pack("N4", 1 + int($t / 1e6), $t % 1e6, $len, $wire);
			$out .= substr($_, $at + 16, $len);
			$at += 16 + $len;
		}
		print $out' >slow.pcap
	run -0 compare a.pcap slow.pcap --max-queue-bytes 8388608
	grep -qE '^compared +60000 +60000$' <<<"$output"
	run -0 compare slow.pcap a.pcap --max-queue-bytes 8388608
	grep -qE '^compared +60000 +60000$' <<<"$output"
}

# --- as diff(1) ---

# answers FILE TEXT...: a capture of datagrams, one for each text
answers() {
	local file=$1 text

	{
		untraced
		for text in "${@:2}"; do
			od -Ax -tx1 -v <<<"$text"
		done
	} | text2pcap -q -u 53,4000 - "$file" 2>text2pcap.err
}

@test "two captures need no options, whatever characters their names have" {
	answers 'old, one.pcap' a1 a2 a3
	answers new.pcap a1 b2 b3
	run -0 colo-compare 'old, one.pcap' 'old, one.pcap'
	run -1 colo-compare 'old, one.pcap' new.pcap
	[ "$(grep -c 'payload, 1 byte$' <<<"$output")" -eq 2 ]
	# an option may stand behind them
	run -0 colo-compare new.pcap 'old, one.pcap' --ignore payload@0+1
	refused 2 '2 captures are wanted, or none' colo-compare new.pcap
	refused 2 '2 captures are wanted, or none' colo-compare a b c
	refused 2 'a: --primary-in is given already' \
		colo-compare --primary-in pcap:x a b
	refused 2 'no.pcap: No such file or directory' \
		colo-compare new.pcap no.pcap
	refused 2 'the path is too long' colo-compare new.pcap \
		"$(printf 'x%.0s' {1..300})"
	# `-` is standard input
	cp new.pcap copy.pcap
	colo-compare new.pcap - <copy.pcap
}

@test "-q prints nothing, --max N the first N; the exit status tells" {
	answers old.pcap a1 a2 a3
	answers new.pcap b1 b2 b3
	run -1 colo-compare -q old.pcap new.pcap
	[ -z "$output" ]
	run -0 colo-compare old.pcap old.pcap --quiet
	[ -z "$output" ]
	run -1 colo-compare --max 2 old.pcap new.pcap --report two.json
	[ "$(grep -c 'payload, 1 byte$' <<<"$output")" -eq 2 ]
	[ "$(wc -l <two.json)" -eq 2 ]
	grep -qx 'and 1 more difference' <<<"$output"
	grep -qE '^payload +3 ' <<<"$output"
	refused 2 'need captures or --dry-run' colo-compare --primary-in null: \
		--secondary-in null: --outdev null: -q
}

@test "--report - writes JSON to standard output and text to standard error" {
	answers old.pcap a1 a2
	answers new.pcap b1 b2
	run -1 --separate-stderr colo-compare old.pcap new.pcap --report -
	[ "$(jq -s length <<<"$output")" -eq 2 ]
	# shellcheck disable=SC2154	# run sets it
	[ "$(grep -c 'payload, 1 byte$' <<<"$stderr")" -eq 2 ]
	[ ! -e - ]
	refused 2 'are both standard output' colo-compare --dry-run \
		--primary-in null: --secondary-in null: --outdev - --report -
}

@test "a reader that has had enough is no trouble" {
	local texts others
	# six lines for each, and the pipe holds 64 KiB
	mapfile -t texts < <(printf "a %s $PWD\n" {1..400})
	mapfile -t others < <(printf "b %s $PWD\n" {1..400})
	answers old.pcap "${texts[@]}"
	answers new.pcap "${others[@]}"
	colo-compare old.pcap new.pcap 2>err | head -n 1 >first || true
	[ ! -s err ] || fail "$(cat err)"
	grep -q 'payload' first
}

@test "each difference names its frames, in text, JSON and Wireshark's comments" {
	answers old.pcap a1 same a3
	answers new.pcap same b3 more
	# the second of one is the first of the other: TCP counts frames apart
	pcap 1 1000 "$(udp 9 x)" "$(segment rx 100 9 18)" "$(segment rx 101 9 17)" >a.pcap
	pcap 1 1000 "$(segment rx 100 9 18)" "$(segment rx 101 9 20)" >b.pcap
	run -1 colo-compare a.pcap b.pcap --report report --diff-pcap diff.pcapng
	[[ $output = *'flag, FIN against RST
  primary   frame 3'*'
  secondary frame 2'* ]]
	[[ $output = *'missing, 1 byte
  primary   frame 1  x'* ]]
	[[ $output = *'
primary        a.pcap
secondary      b.pcap
'* ]]
	[ "$(jq -c 'select(.kind == "flag") | [.primary.frame, .secondary.frame]' \
		report)" = '[3,2]' ]
	tshark -r diff.pcapng -T fields -e frame.comment 2>/dev/null >comments
	grep -q '^frame 3 of the primary, frame 2 of the secondary,primary: tcp' comments
	grep -q '^frame 2 of the secondary, frame 3 of the primary,secondary: tcp' comments
	grep -q '^frame 1 of the primary,primary: udp' comments
}

@test "bytes are text where they can be read, hex where they cannot or --hex says so" {
	answers old.pcap 'the first answer' $'\x01\x02\x03'
	answers new.pcap 'the other answer' $'\x01\x05\x06'
	run -1 colo-compare old.pcap new.pcap
	[[ $output = *'
  primary   frame 1  first answer.
  secondary frame 1  other answer.
'* ]]
	[[ $output = *'
  secondary frame 2  05 06 0a  '*' ...
'* ]]
	run -1 colo-compare old.pcap new.pcap --hex
	[[ $output = *'primary   frame 1  66 69 72 73 74 20 61 '*' first answer.'* ]]
}

@test "--color: on a terminal, always, never" {
	local red=$'\033''\[31m  primary   frame 1  1.'$'\033''\[m'
	answers old.pcap a1
	answers new.pcap a2
	run -1 colo-compare old.pcap new.pcap --color always
	grep -q "^$red" <<<"$output"
	run -1 colo-compare old.pcap new.pcap
	[[ $output != *$'\033'* ]]
	run -1 env -u NO_COLOR TERM=xterm script -qec \
		'colo-compare old.pcap new.pcap' typescript
	grep -q "^$red" typescript
	run -1 env -u NO_COLOR TERM=xterm script -qec \
		'colo-compare old.pcap new.pcap --color never' typescript
	run ! grep -q "$red" typescript
	run -1 env NO_COLOR=1 TERM=xterm script -qec \
		'colo-compare old.pcap new.pcap' typescript
	run ! grep -q "$red" typescript
}

@test "the flows that differ most stand first in the summary" {
	pcap 1 1000 "$(udp 1 one 1001)" "$(udp 2 two 1002)" "$(udp 3 six 1002)" \
		"$(udp 4 ten 1003)" >a.pcap
	pcap 1 1000 "$(udp 1 ONE 1001)" "$(udp 2 TWO 1002)" "$(udp 3 SIX 1002)" \
		"$(udp 4 tEn 1003)" >b.pcap
	run -1 colo-compare a.pcap b.pcap
	[ "$(sed -n '/worst first/,$p' <<<"$output" | awk 'NR > 1 { print $1, $2, $6 }')" = \
		"$(printf '%s\n' '2 6 10.0.0.2:1002' '1 3 10.0.0.2:1001' '1 1 10.0.0.2:1003')" ]
	# one flow needs no summary
	run -1 colo-compare a.pcap b.pcap --ignore 'dst port 1001 or dst port 1002'
	[[ $output != *'worst first'* ]]
}

# data SEQ HEX: a segment of the guest with these bytes
data() {
	local len=$((40 + ${#2} / 2))
	segment rx "$1" 9 24 | sed "s/45000028/4500$(printf %04x $len)/"
	printf '%s' "$2"
}

@test "a flow that looks like TLS is told of once, and its bytes are not counted" {
	local records=() others=() i n=0
	for i in {1..20}; do
		records+=("$(data $((101 + n)) "1703030004$(printf %08x "$i")")")
		others+=("$(data $((101 + n)) "1703030004$(printf %08x $((i * 777)))")")
		n=$((n + 9))
	done
	pcap 1 1000 "$(segment rx 100 9 18)" "${records[@]}" "$(udp 1 one)" >a.pcap
	pcap 1 1000 "$(segment rx 100 9 18)" "${others[@]}" "$(udp 1 two)" >b.pcap
	run -1 colo-compare a.pcap b.pcap --report report
	[[ $output = *'payload, '*", looks like TLS: no more of this flow's bytes are told"* ]]
	[ "$(wc -l <report)" -eq 2 ]
	row <(echo "$output") payload 2 0 0
	[[ $output = *'flows that look like TLS: 1'* ]]
	[[ $output = *'1                         0  tcp 10.0.0.2:80 > 10.0.0.1:1024 (TLS)'* ]]
	run -0 colo-compare a.pcap a.pcap
	[[ $output != *TLS* ]]
}
