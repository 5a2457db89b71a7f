#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# An outdev that takes both directions. A frame that is held for it does not say
# which way it was going.

load helpers

talk() {
	cat >talk.sh <<-'END'
		cat "$1" &
		exec cat >"$2"
	END
	spawn net dial UNIX-CONNECT:net.sock sh talk.sh from_net to_net
	spawn guest dial UNIX-CONNECT:guest.sock sh talk.sh from_guest to_guest
}

@test "frames held from both directions are dropped, never sent back" {
	local s

	# long enough for the frames to come on a busy machine
	start ours colo-redirector --net unix-listen:net.sock \
		--guest unix-listen:guest.sock --outdev unix:absent.sock \
		--when-down-grace 4
	frames gen --seed 1 --count 100 >from_net
	frames gen --seed 2 --count 50 >from_guest
	talk
	wait_for stat_is ours in 150
	wait_for logged ours 'event: uncompared'
	s=$(stats ours)
	check_account "$s"
	[ "$(value "$s" dropped.outdev-down)" -eq 150 ]
	[ "$(value "$s" redirector.uncompared)" -eq 0 ]
	stop ours
	ends net
	ends guest
	[ ! -s to_net ]
	[ ! -s to_guest ]
}

@test "frames that come after the grace period pass, both ways" {
	start ours colo-redirector --net unix-listen:net.sock \
		--guest unix-listen:guest.sock --outdev unix:absent.sock \
		--when-down pass
	frames gen --seed 1 --count 100 >from_net
	frames gen --seed 2 --count 50 >from_guest
	wait_for logged ours 'event: uncompared'
	talk
	wait_for stat_is ours out 150
	check_account "$(stats ours)"
	stop ours
	ends net
	ends guest
	cmp from_net to_guest
	cmp from_guest to_net
}
