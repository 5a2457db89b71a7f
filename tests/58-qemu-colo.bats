#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Two real VMs under QEMU's COLO: some scenes of `make run-vm`, and what
# they leave behind.

load helpers

setup() {
	colo_setup
	mkdir tmp
	export COLO_BIN=$BIN COLO_VM=$TOP/build/examples/qemu-colo
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
}

# scenes PAIR...: its namespaces bear the process id, which is in the file
scenes() {
	bash -c 'echo $$ >pid; exec "$@"' - "$TOP/examples/qemu-colo/run" "$@"
}

nothing_is_left() {
	[ -z "$(ls -A tmp)" ]
	run ! grep "^colo-vm-$(cat pid)-" <<<"$(ip netns list)"
}

@test "all ours: same and random output, a guest that connects, the primary killed" {
	run -0 scenes all:same+noise+outward+kill
	echo "$output"
	[ "$(grep -c ' all  *ok ' <<<"$output")" -eq 4 ]
	nothing_is_left
}

@test "QEMU's filters, our comparison and rewriter: a checkpoint torn apart" {
	run -0 scenes compare+rewriter:cut
	echo "$output"
	[ "$(grep -c ' compare+rewriter  *ok ' <<<"$output")" -eq 1 ]
	nothing_is_left
}

# Its threads have names only then, and the dirty log holes for one without.
@test "tcg.so lets no QEMU run that does not name its threads" {
	qemu() {
		env LD_PRELOAD="$COLO_VM/tcg.so" qemu-system-x86_64 "$@"
	}
	run -1 qemu -version
	[[ $output == *'QEMU needs -name debug-threads=on' ]]
	run -0 qemu -name debug-threads=on -version
}

@test "bad usage" {
	run -2 scenes 'all kill'
	run -2 scenes all:dance
	run -2 scenes mirrors:kill
}
