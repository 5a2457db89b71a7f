/* SPDX-License-Identifier: ISC */
#ifndef COLO_IPVS_GUEST_H
#define COLO_IPVS_GUEST_H

#include <stddef.h>

#include "wire.h"

#define GUEST_NONE 255u		/* no real server */

/* The guest in which the kernel's IPVS is the director. */
struct guest {
	int fd;
	uint32_t n_orders;
};

void guest_connect(struct guest *g, const char *path);
void guest_give_up(const char *what) __attribute__((noreturn));
void guest_send(const struct guest *g, const void *frame, size_t len);
int guest_order(struct guest *g, struct oracle_order *order);
uint8_t guest_where(struct guest *g);

#endif
