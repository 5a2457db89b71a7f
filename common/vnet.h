/* SPDX-License-Identifier: ISC */
#ifndef COLO_VNET_H
#define COLO_VNET_H

#include <stdbool.h>

#include "frame.h"

/*
 * The virtio-net header (VIRTIO 1.2, section 5.1.6) in front of a frame: what
 * the sender left for the hardware to do, a checksum to finish or a large
 * segment to cut, is done here, for receivers that take plain Ethernet only.
 */
bool vnet_is_trivial(const struct frame *f);
bool vnet_is_partial(const struct frame *f, uint32_t l4_off);
uint16_t vnet_gso_size(const struct frame *f);
void vnet_clear_gso(const struct frame *f);
int vnet_complete(const struct frame *f);
int vnet_to_plain(const struct frame *f,
		  void (*emit)(void *arg, const struct frame *plain),
		  void *arg);

#endif
