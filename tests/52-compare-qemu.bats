#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The same replicas are compared by QEMU's own colo-compare and by ours: the same
# packets come out in the same order, and as many checkpoints are asked for.

load helpers

N=${SOAK_N:-60}

qemu_compare() {
	local chardevs=() n

	mkdir qemu
	for n in p s out notify; do
		chardevs+=(-chardev "socket,id=$n,path=qemu/$n.sock,server=on,wait=off")
	done
	spawn qemu qemu-system-x86_64 -machine none -nodefaults -display none \
		-monitor none "${chardevs[@]}" -object iothread,id=io \
		-object colo-compare,id=c,primary_in=p,secondary_in=s,outdev=out,notify_dev=notify,iothread=io
	wait_for test -S qemu/notify.sock
}

# our_compare: without limits for checkpoints, as QEMU has none
our_compare() {
	mkdir -p ours
	start ours colo-compare --primary-in unix-listen:ours/p.sock \
		--secondary-in unix-listen:ours/s.sock \
		--outdev unix-listen:ours/out.sock \
		--notify-dev unix-listen:ours/notify.sock \
		--quarantine off --max-checkpoint-share 0 --max-checkpoint-rate 0
}

@test "QEMU's colo-compare and ours decide alike" {
	qemu_compare
	for seed in 1 2 3; do
		our_compare	# a new one for each seed: a peer that comes back would ask for a checkpoint
		replicas ours "$seed" "$N" >ours.txt
		stop ours
		replicas qemu "$seed" "$N" >qemu.txt
		diff qemu.txt ours.txt
		grep -E 'released [1-9][0-9]* .* asked [1-9]' ours.txt
	done
}
