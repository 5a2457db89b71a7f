#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The resource agent of examples/pacemaker: its meta-data; ocf-tester; its actions
# with a real QEMU that has no guest; two nodes with Corosync and Pacemaker that
# fence each other; and one scene of `make run-pacemaker`, with a guest and a client.

# shellcheck disable=SC2016,SC2034	# sed's $, what helpers.bash reads
true
BATS_TEST_TIMEOUT=900
load helpers

setup() {
	colo_setup
	PACEMAKER=$TOP/examples/pacemaker
	export OCF_ROOT=/usr/lib/ocf OCF_RESOURCE_INSTANCE=vm HA_RSCTMP=$PWD
	export OCF_RESKEY_CRM_meta_interval=10000 OCF_RESKEY_CRM_meta_timeout=60000
	export HA_LOGFACILITY=none HA_LOGFILE=$PWD/ha.log HA_DEBUGLOG=$PWD/ha.log
	TAP=tap0
	# The agent's three TCP ports are always the same, and another test or another
	# program of this host may use them.
	NS=colo-agent-$$
	ip netns add "$NS"
	NETNS+=("$NS")
	ip -n "$NS" link set lo up
	TCG=$TOP/build/examples/qemu-colo/tcg.so
	# without it QEMU hangs now and then, and the loader only warns
	[ -e "$TCG" ] || fail "make vm makes $TCG"
	# shellcheck disable=SC2016	# expanded by the agent
	QEMU="env LD_PRELOAD=$TCG \
qemu-system-x86_64 -nodefaults -no-user-config -display none -m 16 -name \
debug-threads=on -machine pc,accel=tcg -netdev \
stream,id=n0,server=on,addr.type=unix,addr.path=\$DIR/guest"
}

teardown() {
	if [ -n "${CLUSTER-}" ]; then
		[ -n "${BATS_TEST_COMPLETED-}" ] || what_happened
		"$PACEMAKER/cluster" down "$CLUSTER"
	fi
	agent stop
	colo_teardown
}

what_happened() {
	grep -hE ' (INFO|ERROR): |Result of .*rc=[1-69]' \
		cluster/node?/pacemaker/pacemaker.log | sort | cut -c 1-150
	grep -hv ': stats: ' cluster/node?/vm.log | tail -n 40
	on node1 crm_mon -1A
} 2>&1

# on_host COMMAND: in the test's own network, which stands for a host
on_host() { nsenter --net="/run/netns/$NS" "$@"; }

# agent ACTION: runs the agent without a cluster; this host is one of the two nodes
agent() {
	OCF_RESKEY_qemu=$QEMU OCF_RESKEY_run_dir=$PWD/vm \
		OCF_RESKEY_node_addresses="$(uname -n):127.0.0.1;other:127.0.0.2" \
		OCF_RESKEY_tap=$TAP OCF_RESKEY_log=$PWD/vm.log \
		OCF_RESKEY_runner=$BIN/colo-run on_host "$PACEMAKER/colo" "$@" 3>&-
}

# answers STATUS ACTION: the action ends with this status
answers() {
	run -"$1" agent "$2"
	echo "$output"
}

tap() { on_host ip tuntap add "$TAP" mode tap && ip -n "$NS" link set "$TAP" up; }
pid_of() { cat "vm/$1.pid"; }
# none_lives: QEMU and our programs are gone now, and the shells of a killed runner,
# which hold nothing, are gone soon
none_serves() {
	! pgrep -af -- "$PWD/vm/" | grep -v 'colo-run ' >/dev/null
}
none_lives() { none_serves && wait_for nothing_lives; }
nothing_lives() { ! pgrep -f -- "$PWD/vm/" >/dev/null; }

@test "meta-data is valid, and the README knows every parameter" {
	agent meta-data >meta.xml
	(cd /usr/share/resource-agents && xmllint --noout --valid -) <meta.xml
	xmllint --nonet --noout --relaxng /usr/share/resource-agents/metadata.rng \
		<(grep -v DOCTYPE meta.xml)
	diff <(xmllint --xpath '//parameter/@name' - <<<"$(grep -v DOCTYPE meta.xml)" |
		sed 's/.*"\(.*\)"/\1/') \
		<(sed -n '/^| parameter/,/^$/s/^| `\([a-z_]*\)`.*/\1/p' \
			"$PACEMAKER/README.md")
}

@test "ocf-tester accepts the agent" {
	tap
	run -0 on_host ocf-tester -n vm -o qemu="$QEMU" -o run_dir="$PWD/vm" \
		-o node_addresses="$(uname -n):127.0.0.1;other:127.0.0.2" \
		-o tap="$TAP" -o log="$PWD/vm.log" -o runner="$BIN/colo-run" \
		"$PACEMAKER/colo" 3>&-
	echo "$output"
	none_lives
}

@test "a probe on a node where nothing was configured answers: not running" {
	run -7 env -i PATH="$PATH" OCF_ROOT=/usr/lib/ocf \
		OCF_RESKEY_CRM_meta_interval=0 OCF_RESOURCE_INSTANCE=none \
		HA_RSCTMP="$PWD" "$PACEMAKER/colo" monitor
}

@test "wrong parameters are refused, and the message says why" {
	wrong() { # REASON PARAMETER=VALUE
		run -"$1" env HA_RSCTMP="$PWD" \
			OCF_RESKEY_qemu=true OCF_RESKEY_runner="$BIN/colo-run" \
			OCF_RESKEY_node_addresses="$(uname -n):127.0.0.1;b:127.0.0.2" \
			"OCF_RESKEY_$3" "$PACEMAKER/colo" validate-all
		[[ $output == *"$2"* ]] || { echo "$3: $output"; return 1; }
	}
	wrong 0 '' tap=tap0
	wrong 6 'qemu is not set' qemu=
	wrong 6 'node_addresses does not name' "node_addresses=a:127.0.0.1;b:127.0.0.2"
	wrong 6 'node_addresses does not name' "node_addresses=$(uname -n):127.0.0.1"
	wrong 6 'listen is neither' listen=both
	wrong 6 'port is none' port=65535
	wrong 6 'checkpoint_period is not a number' checkpoint_period=often
	wrong 6 'checkpoint_timeout is not a number' checkpoint_timeout=1.5
	wrong 6 'run_dir is too long' run_dir=/"$(printf 'x%.0s' {1..90})"
	wrong 6 'notify must be true' CRM_meta_clone_max=2
	wrong 5 'is not installed' runner=/nowhere/colo-run
	wrong 5 'is no Procfile' procfiles=/nowhere
}

@test "monitor tells a QEMU that died from one that was never started" {
	tap
	answers 7 monitor
	answers 0 start
	answers 0 monitor
	kill -9 "$(pid_of qemu)"
	wait_for is_gone "$(pid_of qemu)"
	answers 1 monitor
	answers 0 stop
	answers 7 monitor
	answers 0 start
	answers 0 promote
	answers 8 monitor
	for process in mirror redirector compare; do
		colo-ctl -j -s "vm/ctl/$process.ctl" status >said || true
		grep -q '"state":"FAILOVER"' said
	done
	kill -9 "$(pid_of qemu)"
	wait_for is_gone "$(pid_of qemu)"
	answers 9 monitor
	[[ $output == *'QEMU is dead'* ]]
	answers 0 demote
	none_lives
	answers 1 monitor
	answers 0 stop
	answers 7 monitor
}

@test "a process that is being restarted is degraded, a dead runner has failed" {
	tap
	answers 0 start
	rewriter() { sed -n 's/.* pid=\([0-9]*\).*/\1/p' vm/ctl/rewriter.process; }
	is_down() { [ -z "$(rewriter)" ]; }
	# the runner is stopped between the end of the process and its next beginning
	is_restarting() {
		kill -9 "$(rewriter)" 2>/dev/null
		wait_for is_down
		kill -STOP "$(pid_of runner)"
		! is_down || return 0
		kill -CONT "$(pid_of runner)"
		return 1
	}
	wait_for is_restarting
	answers 190 monitor
	kill -CONT "$(pid_of runner)"
	wait_for agent monitor
	kill -9 "$(pid_of runner)"
	wait_for is_gone "$(pid_of runner)"
	answers 1 monitor
	[[ $output == *'colo-run is dead'* ]]
	answers 0 stop
	none_lives
}

@test "the ports of the tests are nobody else's" {
	local port taken=()

	tap
	for port in 9000 9001 9002; do
		socat "TCP-LISTEN:$port,bind=127.0.0.1" /dev/null 3>&- &
		taken+=($!)
	done
	answers 0 start
	answers 0 monitor
	answers 0 stop
	kill "${taken[@]}" 2>/dev/null || true
}

@test "a QEMU that hangs has failed, and stop ends it" {
	tap
	answers 0 start
	answers 0 promote
	kill -STOP "$(pid_of qemu)"
	OCF_RESKEY_qmp_timeout=1 answers 9 monitor
	before=$SECONDS
	answers 0 stop
	[ $((SECONDS - before)) -lt 15 ]
	none_lives
}

@test "stop kills nobody else's process" {
	tap
	answers 0 start
	kill -9 "$(pid_of qemu)"
	wait_for is_gone "$(pid_of qemu)"
	sleep 1000 3>&- &
	echo $! >vm/qemu.pid
	answers 1 monitor
	answers 0 stop
	kill -0 $!
	kill $!
}

# fake_cluster STONITH UNCLEAN ROLE: makes a crm_mon that says this of the other node
fake_cluster() {
	mkdir -p bin
	cat >bin/crm_mon <<-END
		#!/bin/sh
		cat <<-XML
		<cluster_options stonith-enabled="$1"/>
		<node name="$(uname -n)" id="1" unclean="false" type="member"/>
		<node name="other" id="2" unclean="$2" type="member"/>
		<resource id="vm" resource_agent="ocf:colo-pipe:colo" role="$3">
		<node name="other" id="2"/>
		XML
	END
	chmod +x bin/crm_mon
}

@test "an instance goes on alone only after fencing has succeeded" {
	tap
	PATH=$PWD/bin:$PATH
	fake_cluster false false Unpromoted
	answers 6 start
	[[ $output == *'stonith-enabled must be true'* ]]
	fake_cluster true true Unpromoted
	answers 0 start
	answers 1 promote
	[[ $output == *'other is not fenced yet'* ]]
	fake_cluster false false Unpromoted
	answers 1 promote
	[[ $output == *'without fencing'* ]]
	fake_cluster true false Promoted
	answers 1 promote
	[[ $output == *'other is the primary'* ]]
	answers 0 monitor
	fake_cluster true false Unpromoted
	answers 0 promote
	answers 8 monitor
}

# --- two nodes ---

on() { "$PACEMAKER/cluster" in "$CLUSTER" "$@"; }
primary_seen_by() {
	on "$1" crm_mon -1 --output-as=xml 2>/dev/null |
		grep -A1 -E '<resource id="vm" .* role="Promoted"' |
		sed -n 's/.*<node name="\([^"]*\)".*/\1/p'
}
is_primary() { [ "$(primary_seen_by "$1")" = "$1" ]; }
has_score() { # NODE SCORE
	on "$1" crm_attribute -q -l reboot -N "$1" -n master-vm -G |
		grep -qx "$2"
}
is_pair() {
	PRIMARY=$(primary_seen_by node1)
	[ -n "$PRIMARY" ] || PRIMARY=$(primary_seen_by node2)
	[ -n "$PRIMARY" ] || return
	SECONDARY=node1
	[ "$PRIMARY" = node2 ] || SECONDARY=node2
	has_score "$SECONDARY" 100
}
kill_qemu() { on "$1" kill -9 "$(vm "$1" qemu.pid)"; }
vm() { on "$1" cat "/run/resource-agents/colo-vm/$2"; }

# begin LISTEN [PARAMETER VALUE]: starts two nodes, each with an instance whose QEMU
# has no guest
begin() {
	CLUSTER=$PWD/cluster
	mkdir cluster
	"$PACEMAKER/cluster" up "$CLUSTER" 3>&-
	QEMU=$QEMU RUNNER=$BIN/colo-run SWITCH=$CLUSTER/switch LISTEN=$1 \
		READY=true "$PACEMAKER/configure" >pair.xml
	[ $# -eq 1 ] || sed -i "/name=\"listen\"/a\\
		<nvpair id=\"vm-$2\" name=\"$2\" value=\"$3\"/>" pair.xml
	on node1 cibadmin --modify --allow-create --xml-file "$PWD/pair.xml"
	wait_for is_pair
}

# Without a guest: only the cluster's decisions are looked at.
@test "two nodes: failover waits for fencing; a broken link is no failover" {
	WAIT_S=180
	begin secondary
	first=$PRIMARY second=$SECONDARY
	[ "$(vm "$second" role)" = secondary ]
	touch cluster/broken
	"$PACEMAKER/cluster" off "$CLUSTER" "$first"
	wait_for grep "Peer $first was not terminated" \
		"cluster/$second/pacemaker/pacemaker.log"
	[ "$(vm "$second" role)" = secondary ]
	# also when somebody promotes it by hand
	run -1 on "$second" crm_resource -r vm --force-promote
	[[ $output == *"$first is not fenced yet"* ]]
	[ "$(vm "$second" role)" = secondary ]

	# a switch may take as long as a cluster waits for by default
	touch cluster/slow
	rm cluster/broken
	wait_for is_primary "$second"
	rm cluster/slow
	wait_for is_pair
	[ "$PRIMARY" = "$second" ]
	[ "$(vm "$second" chain)" = resumed ]

	# both QEMUs say COLO_EXIT, both nodes are well: no failover
	before=$(vm "$first" qemu.pid)
	on "$second" ss -K state established "dport = :9002"
	wait_for is_another "$first" "$before"
	wait_for is_pair
	[ "$PRIMARY" = "$second" ]
	grep -q "$first is reported as failed" \
		"cluster/$second/pacemaker/pacemaker.log"
}

# is_another NODE PID: its QEMU is another process than PID
is_another() { [ "$(vm "$1" qemu.pid)" != "$2" ]; }

# stick_in_checkpoint NODE: the primary's next checkpoint stops after 10 000 bytes
stick_in_checkpoint() {
	"$PACEMAKER/cluster" cut "$CLUSTER" "$1" 10000
	on "$1" sh -c 'echo "{\"execute\":\"migrate-set-parameters\",\"arguments\":
		{\"x-checkpoint-delay\":20000}}" 1<>/run/resource-agents/colo-vm/oob'
	wait_for "$PACEMAKER/cluster" is_cut "$CLUSTER" "$1"
}
answers_qmp() {
	echo '{"execute":"qmp_capabilities"}' |
		on "$1" socat -t 2 - UNIX-CONNECT:/run/resource-agents/colo-vm/qmp |
		grep -q return
}

@test "two nodes: the secondary takes over in the middle of a checkpoint" {
	WAIT_S=180
	begin secondary
	first=$PRIMARY second=$SECONDARY
	before=$(vm "$second" qemu.pid)
	stick_in_checkpoint "$first"
	run ! answers_qmp "$second"
	touch cluster/broken	# fencing takes its time
	"$PACEMAKER/cluster" off "$CLUSTER" "$first"
	wait_for grep "Peer $first was not terminated" \
		"cluster/$second/pacemaker/pacemaker.log"
	has_score "$second" 100
	rm cluster/broken
	wait_for is_primary "$second"
	[ "$(vm "$second" qemu.pid)" = "$before" ]
	wait_for is_pair
	[ "$PRIMARY" = "$second" ]
}

# The cluster does not notice the dead link.
@test "two nodes: a link that goes dead in a checkpoint costs the secondary only" {
	WAIT_S=180
	begin secondary checkpoint_timeout 5
	first=$PRIMARY second=$SECONDARY
	before=$(vm "$second" qemu.pid)
	kept=$(vm "$first" qemu.pid)
	stick_in_checkpoint "$first"
	wait_for is_another "$second" "$before"
	"$PACEMAKER/cluster" mend "$CLUSTER" "$first"
	wait_for is_pair
	[ "$PRIMARY" = "$first" ]
	[ "$(vm "$first" qemu.pid)" = "$kept" ]
	grep -q 'does not come to an end' \
		"cluster/$first/pacemaker/pacemaker.log"
	# at the beginning and now its processes went back to COLO without a restart
	[ "$(grep -c 'colo-compare.*: event: protect: done' \
		"cluster/$first/vm.log")" -eq 2 ]
	[ "$(grep -c 'colo-mirror.*: event: protect: done' \
		"cluster/$first/vm.log")" -eq 2 ]
}

@test "two nodes: dead QEMUs are replaced, and the primary can be moved" {
	WAIT_S=180
	begin primary
	first=$PRIMARY second=$SECONDARY
	kill_qemu "$first"
	wait_for is_primary "$second"
	wait_for is_pair
	[ "$PRIMARY" = "$second" ]

	before=$(vm "$first" qemu.pid)
	kill_qemu "$first"
	wait_for is_another "$first" "$before"
	wait_for is_pair
	[ "$PRIMARY" = "$second" ]

	before=$(vm "$first" qemu.pid)
	on "$second" crm_resource --ban -r vm-clone --promoted -N "$second"
	wait_for is_primary "$first"
	wait_for is_pair
	[ "$PRIMARY" = "$first" ]
	[ "$(vm "$first" qemu.pid)" = "$before" ]
}

@test "a guest: the client's download survives the death of the primary's QEMU" {
	mkdir tmp
	COLO_BIN=$BIN COLO_VM=$TOP/build/examples/qemu-colo \
		TMPDIR=$BATS_TEST_TMPDIR/tmp run -0 "$PACEMAKER/run" qemu 3>&-
	echo "$output"
	[[ $output == *'Every connection lived.' ]]
	[ -z "$(ls -A tmp)" ]
}
