/* SPDX-License-Identifier: ISC */
#ifndef COLO_ICMP_QUOTE_H
#define COLO_ICMP_QUOTE_H

#include "packet.h"

/* The packet that an error quotes, as far as it is quoted. */
struct icmp_quote {
	struct packet p;	/* only what flow_key_of() wants */
	uint8_t *l4;		/* behind its IP headers */
	uint32_t len;		/* bytes at l4, 8 or more */
};

bool icmp_quote_is_error(const struct packet *p);
bool icmp_quote_is_intact(const struct packet *p);
bool icmp_quote_find(struct icmp_quote *q, const struct packet *p);

#endif
