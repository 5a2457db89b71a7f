#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The units for systemd. No systemd runs here: systemd-analyze checks the units, and our
# programs check the options in the files beside them.

load helpers

UNITS() { echo "$TOP"/examples/systemd/colo@.service "$TOP"/examples/systemd/colo.target; }

# install_units: makes a root directory with the units and the programs in place
install_units() {
	local unit
	mkdir -p root/etc/systemd/system root/usr/bin root/etc/colo-pipe
	cp "$TOP"/examples/systemd/colo* root/etc/systemd/system
	for unit in mirror redirector rewriter compare; do
		cp "$BIN/colo-$unit" root/usr/bin
		ln -s colo@.service "root/etc/systemd/system/colo@$unit.service"
	done
	# units of this machine that ours need
	cp -r /usr/lib/systemd root/usr/lib-systemd
	mkdir -p root/usr/lib
	mv root/usr/lib-systemd root/usr/lib/systemd
}

@test "systemd-analyze finds nothing wrong with the units" {
	install_units
	local unit
	for unit in colo.target colo@{mirror,redirector,rewriter,compare}.service; do
		systemd-analyze verify --man=no --root="$PWD/root" \
			--recursive-errors=no "$unit" >said 2>&1 ||
			fail "$unit: $(cat said)"
		[ ! -s said ] || fail "$unit: $(cat said)"
	done
}

@test "systemd-analyze finds the unit well protected" {
	install_units
	# 10 is a service without any protection
	systemd-analyze security --offline=yes --root="$PWD/root" \
		--threshold=45 colo@mirror.service
}

@test "the programs accept the options of both hosts" {
	local file program OPTIONS words
	for file in "$TOP"/examples/systemd/{primary,secondary}/*; do
		program=colo-${file##*/}
		# shellcheck source=/dev/null
		. "$file"
		read -ra words <<<"$OPTIONS"
		"$program" --control c.ctl --state-dir . "${words[@]}" -n ||
			fail "$file"
	done
}
