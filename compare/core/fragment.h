/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_FRAGMENT_H
#define COLO_COMPARE_FRAGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "hold.h"

struct fragment_key {
	uint8_t src[16];
	uint8_t dst[16];
	uint32_t id;
	uint32_t vlan;
	uint8_t proto;
	uint8_t ip_version;
	uint8_t side;
	uint8_t zero;
};

/* The fragments of one datagram of one side. */
struct fragment_group {
	struct fragment_key key;
	uint32_t parts;		/* holds, by offset */
	uint32_t n_parts;
	uint32_t whole;		/* the hold of the datagram, once complete */
	uint32_t next, prev;	/* open ones, newest first; or free ones */
	bool is_open;		/* more fragments may join */
};

struct fragment_table {
	struct fragment_group *groups;
	uint32_t n_groups, free_group;
	uint32_t n_used;
	uint32_t open, oldest;	/* list of the open ones */
	uint32_t n_open;
};

static inline struct fragment_group *fragment_at(const struct fragment_table *t,
						 uint32_t i)
{
	return &t->groups[i];
}

void fragment_free(struct fragment_table *t, uint32_t i);

#endif
