/* SPDX-License-Identifier: ISC */
#ifndef COLO_FLOW_FILTER_H
#define COLO_FLOW_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow_key.h"

/* `[ADDR][:PORT]`: one end of a flow. Pure. */
struct flow_filter_end {
	uint8_t ip_version;	/* 0: any address */
	uint8_t addr[16];
	uint16_t port;		/* 0: any port */
};

/*
 * Flows that are asked for: pure. What flow_key_text() prints asks for that flow,
 * and any part of it can be left out.
 */
struct flow_filter {
	uint8_t proto;		/* 0: any */
	bool has_vlan;
	uint32_t vlan;		/* as in a flow's key */
	bool has_two_ends;	/* else end[0] is either one of them */
	struct flow_filter_end end[2];
};

int flow_filter_end_parse(struct flow_filter_end *end, const char *text);
bool flow_filter_end_is(const struct flow_filter_end *end, uint8_t ip_version,
			const uint8_t *addr, uint16_t port);
int flow_filter_parse(struct flow_filter *f, const char *text, char *why,
		      size_t size);
bool flow_filter_key(const struct flow_filter *f, bool reverse,
		     struct flow_key *key);
bool flow_filter_selects(const struct flow_filter *f,
			 const struct flow_key *key);

#endif
