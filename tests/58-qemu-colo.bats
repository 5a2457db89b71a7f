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

# scenes PAIR...: plays scenes; their namespaces are named after the process id,
# which is in the file `pid`
scenes() {
	bash -c 'echo $$ >pid; exec "$@"' - "$TOP/examples/qemu-colo/run" "$@"
}

nothing_is_left() {
	[ -z "$(ls -A tmp)" ]
	run ! grep "^colo-vm-$(cat pid)-" <<<"$(ip netns list)"
}

@test "all ours: same and random output, a guest that connects, a primary that is killed" {
	run -0 scenes all:same+noise+outward+kill
	echo "$output"
	[ "$(grep -c ' all  *ok ' <<<"$output")" -eq 4 ]
	nothing_is_left
}

@test "our comparison and rewriter among QEMU's filters survive a torn checkpoint" {
	run -0 scenes compare+rewriter:cut
	echo "$output"
	[ "$(grep -c ' compare+rewriter  *ok ' <<<"$output")" -eq 1 ]
	nothing_is_left
}

# tcg.so knows QEMU's threads by their names; without names pages would be lost.
@test "tcg.so lets no QEMU run that does not name its threads" {
	qemu() {
		env LD_PRELOAD="$COLO_VM/tcg.so" qemu-system-x86_64 "$@"
	}
	run -1 qemu -version
	[[ $output == *'QEMU needs -name debug-threads=on' ]]
	run -0 qemu -name debug-threads=on -version
}

@test "unknown pairs and scenes are bad usage" {
	run -2 scenes 'all kill'
	run -2 scenes all:dance
	run -2 scenes mirrors:kill
}
