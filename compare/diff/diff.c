/* SPDX-License-Identifier: ISC */
/*
 * What the comparison found, in the terms of the report.
 */
#include "diff.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TCP_LEN 20u

static int parse_port(const char *text, uint16_t *port)
{
	unsigned long n;
	char *rest;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	n = strtoul(text, &rest, 10);
	if (*rest || !n || n > UINT16_MAX)
		return -EINVAL;
	*port = (uint16_t)n;
	return 0;
}

/**
 * diff_from - understand --from [ADDR][:PORT], IPv6 in brackets
 * @from:	gets the address
 * @text:	the option's value
 *
 * Return: 0 or -EINVAL
 */
int diff_from(struct diff_from *from, const char *text)
{
	char addr[INET6_ADDRSTRLEN];
	bool v6 = *text == '[';
	size_t len = strcspn(text + v6, v6 ? "]" : ":");
	const char *rest = text + v6 + len;

	if (len >= sizeof(addr) || (v6 && *rest++ != ']'))
		return -EINVAL;
	memcpy(addr, text + v6, len);
	addr[len] = '\0';
	from->ip_version = !len ? 0 : v6 ? 6 : 4;
	if (len && inet_pton(v6 ? AF_INET6 : AF_INET, addr, from->addr) != 1)
		return -EINVAL;
	from->is_set = true;
	if (!*rest)
		return 0;
	return *rest == ':' ? parse_port(rest + 1, &from->port) : -EINVAL;
}

/**
 * diff_selects - does a packet count?
 * @from:	the service
 * @p:		the packet
 *
 * Return: true when --from was not given, or the packet is the service's
 */
bool diff_selects(const struct diff_from *from, const struct packet *p)
{
	size_t len = from->ip_version == 6 ? 16 : 4;

	if (!from->is_set)
		return true;
	if (p->level == PACKET_ETHER)
		return false;
	if (from->ip_version && (p->ip_version != from->ip_version ||
				 memcmp(p->src, from->addr, len)))
		return false;
	return !from->port || p->frag_off || p->sport == from->port;
}

/**
 * diff_count - a packet is compared
 * @d:		the report
 * @side:	whose packet
 * @p:		the packet
 */
void diff_count(struct diff *d, enum compare_side side, const struct packet *p)
{
	d->n_packets[side]++;
	d->n_cut[side] += p->truncated;
}

static bool is_tcp(const struct packet *p)
{
	return p->level == PACKET_L4 && p->proto == PACKET_TCP && !p->fragment;
}

static enum diff_kind kind_of_flags(const struct diff_side side[2])
{
	const struct packet *p = &side[COMPARE_PRIMARY].packet;
	const struct packet *s = &side[COMPARE_SECONDARY].packet;
	const unsigned mask = TCP_SYN | TCP_ACK | TCP_FIN | TCP_RST;

	if (!side[0].is_there || !side[1].is_there || !is_tcp(p) || !is_tcp(s))
		return DIFF_FLAG;
	return (p->flags & s->flags & TCP_SYN) &&
	       !((p->flags ^ s->flags) & mask) ? DIFF_OPTION : DIFF_FLAG;
}

static enum diff_kind kind_of(const struct diff *d, enum compare_reason reason,
			      const struct diff_side side[2])
{
	bool is_primary = side[COMPARE_PRIMARY].is_there;

	switch (reason) {
	case COMPARE_FLAGS:
		return kind_of_flags(side);
	case COMPARE_TIMEOUT:
		if (d->is_full)
			return DIFF_QUEUE;
		if (!d->is_over)
			return DIFF_TIMEOUT;
		return is_primary ? DIFF_MISSING : DIFF_EXTRA;
	case COMPARE_MAC:
		return DIFF_MAC;
	case COMPARE_QUEUE:
		return DIFF_QUEUE;
	default:		/* of fragments that nobody can put together: one side */
		return is_primary && side[COMPARE_SECONDARY].is_there ?
		       DIFF_PAYLOAD : DIFF_MISSING;
	}
}

/* Where what is compared begins: core/datagram.c, too. */
static uint32_t begin_of(const struct packet *p)
{
	if (p->level == PACKET_ETHER)
		return p->len < 12 ? 0 : 12;
	if (p->level == PACKET_L4 && !p->fragment &&
	    (p->proto == PACKET_TCP || p->proto == PACKET_UDP))
		return p->payload_off;
	return p->l4_off;
}

static struct diff_side side_of(const struct compare_difference *difference,
				unsigned i)
{
	struct diff_side s = {
		.is_there = difference->has[i],
		.frame = difference->frame[i],
		.at = difference->at[i],
		.len = difference->len[i],
	};
	const struct packet *p = &s.packet;

	if (!s.is_there)
		return s;
	packet_parse(&s.packet, frame_eth(&s.frame), frame_eth_len(&s.frame));
	s.begin = begin_of(p);
	s.end = p->level == PACKET_ETHER ? p->len : p->l4_off + p->l4_len;
	if (s.at > s.end)
		s.at = s.end;
	return s;
}

/* Of what stands outside of the payload, that is the place. */
static void move_place(struct diff_side *s, enum diff_kind kind)
{
	if (!s->is_there)
		return;
	if (kind == DIFF_MAC) {
		s->at = s->begin = 0;
		s->end = s->packet.len < 6 ? s->packet.len : 6;
	} else if (kind == DIFF_OPTION) {
		s->at = s->begin = s->packet.l4_off + TCP_LEN;
		s->end = s->packet.payload_off;
	}
}

static void tell(struct diff *d, const struct diff_found *found)
{
	d->n[found->kind][DIFF_TOLD]++;
	diff_print(d, found);
	if (d->json)
		diff_print_json(d, found);
	if (d->pcap)
		diff_pcap_add(d->pcap, d, found);
}

/**
 * diff_differ - report a difference, or what of it is not known noise
 * @d:		the report
 * @difference:	borrowed
 */
void diff_differ(struct diff *d, const struct compare_difference *difference)
{
	struct diff_found found = {
		.key = difference->flow,
		.offset = difference->offset,
		.side = { side_of(difference, COMPARE_PRIMARY),
			  side_of(difference, COMPARE_SECONDARY) },
	};
	enum diff_fate fate;

	found.kind = kind_of(d, difference->reason, found.side);
	move_place(&found.side[COMPARE_PRIMARY], found.kind);
	move_place(&found.side[COMPARE_SECONDARY], found.kind);
	fate = diff_known(d, &found, tell);
	if (fate != DIFF_TOLD)
		d->n[found.kind][fate]++;
}

/**
 * diff_total - how many differences were found
 * @d:		the report
 *
 * Return: their number, without those that are known noise
 */
uint64_t diff_total(const struct diff *d)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < DIFF_KINDS; i++)
		n += d->n[i][DIFF_TOLD];
	return n;
}
