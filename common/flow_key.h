/* SPDX-License-Identifier: ISC */
#ifndef COLO_FLOW_KEY_H
#define COLO_FLOW_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct packet;

/* What all packets of a flow have in common, in one direction. */
struct flow_key {
	uint8_t src[16];	/* IPv4 in the first 4 bytes, the rest zero */
	uint8_t dst[16];
	uint16_t sport;
	uint16_t dport;
	uint32_t vlan;
	uint8_t proto;
	uint8_t ip_version;
	uint8_t tag[2];		/* 0, or what a table's owner tells apart */
};

#define FLOW_TEXT_MAX 128	/* enough for flow_key_text() */

int flow_key_of(struct flow_key *key, const struct packet *p, bool reverse);
bool flow_key_is_of(const struct flow_key *key, const struct packet *p);
size_t flow_key_text(const struct flow_key *key, char *buf, size_t len);

#endif
