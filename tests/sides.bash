# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# The two sides of a colo-compare that listens on p.sock and s.sock: `load sides`,
# behind helpers and packets.

# feed_sides: from now on descriptor 5 leads to the primary's side, 6 to the
# secondary's
feed_sides() {
	feeder p UNIX-CONNECT:p.sock
	feeder s UNIX-CONNECT:s.sock
	exec 5>p 6>s
}

primary() { wire "$@" >&5; }
secondary() { wire "$@" >&6; }

# came_out FRAME...: these have come out, and nothing else
came_out() { cmp -s out <(wire "$@"); }
