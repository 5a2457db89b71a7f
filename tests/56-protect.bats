#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Failover, `colo-ctl protect`, and another failover, with clients: which connections
# live through it (protect-scene says how). The processes that live through the first
# death are not restarted.

load helpers

export BATS_TEST_TIMEOUT=600

setup() {
	scene_setup
}

scene() {
	run "$TOP/tests/protect-scene" "$1"
	echo "$output"
	[ "$status" -eq 0 ]
}

said() { grep -qxF "protect: $1" <<<"$output"; }

@test "the primary dies, and the new one too: connections live but those translated twice" {
	scene primary
	said 'rewriter: connections are tracked again, all offsets are 0'
	said 'redirector: indev and outdev are open again'
	said 'made before the first failover: 4 whole'
	said 'made under protection: 4 whole'
	said 'made after the first failover, and silent since: 4 whole'
	said 'made before the first failover, and silent since: broken'
}

@test "the secondary dies, and then the primary: what both guests know lives" {
	scene secondary
	said 'compare: frames are compared again, a checkpoint is asked for'
	said 'mirror: outdev is open again'
	said 'made before the first failover: 4 whole'
	said 'made after the first failover: 4 whole'
	said 'made under protection: 4 whole'
	# of the old secondary the new one has nothing
	said 'rewriter: 4 connections go on with their offsets'
}
