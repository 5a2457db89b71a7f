/* SPDX-License-Identifier: ISC */
/*
 * The claims of a guest to addresses, learnt from its frames, and the frames that
 * repeat them to the net. The caller owns the claims and says when; there is no
 * clock and no I/O.
 */
#include "announce.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "../common/bytes.h"
#include "../common/checksum.h"

#define ETH_ARP 0x0806
#define ETH_RARP 0x8035
#define ETH_IPV6 0x86dd
#define ARP_REQUEST 1
#define RARP_REQUEST 3
#define ND_SOLICIT 135
#define ND_ADVERT 136
#define ND_LEN 24u			/* ICMPv6 header and target address */
#define ND_ROUTER 0x80
#define ND_OVERRIDE 0x20

static bool is_tag(uint16_t ethertype)
{
	return ethertype == 0x8100 || ethertype == 0x88a8 ||
	       ethertype == 0x9100;
}

static struct announce_claim *remember(struct announce *a,
				       const struct announce_claim *claim)
{
	const size_t key_len = offsetof(struct announce_claim, nd_flags);
	struct announce_claim *at;

	for (unsigned i = 0; i < a->n_claims; i++) {
		if (!memcmp(&a->claims[i], claim, key_len))
			return &a->claims[i];
	}
	at = &a->claims[a->next];
	*at = *claim;
	a->next = (a->next + 1) % ANNOUNCE_MAX;
	if (a->n_claims < ANNOUNCE_MAX)
		a->n_claims++;
	return at;
}

static bool is_zero(const uint8_t *p, size_t len)
{
	while (len--) {
		if (*p++)
			return false;
	}
	return true;
}

/* RFC 826: the sender's protocol address; zero in a probe (RFC 5227). */
static void learn_arp(struct announce *a, struct announce_claim *claim,
		      const uint8_t *p, size_t len)
{
	if (len < 28 || bytes_get16(p) != 1 || bytes_get16(p + 2) != 0x0800 ||
	    p[4] != 6 || p[5] != 4 || is_zero(p + 14, 4))
		return;
	memcpy(claim->mac, p + 8, 6);
	memcpy(claim->ip, p + 14, 4);
	claim->ip_len = 4;
	remember(a, claim);
}

/* RFC 4861: an advertisement's target; a solicitation's source, or its target
 * while the guest is still probing for it (RFC 4862, source unspecified). */
static void learn_nd(struct announce *a, struct announce_claim *claim,
		     const uint8_t *p, size_t len)
{
	const uint8_t *src = p + 8, *target = p + 40 + 8;

	if (len < 40 + ND_LEN || p[6] != 58)
		return;
	if (p[40] == ND_ADVERT)
		memcpy(claim->ip, target, 16);
	else if (p[40] == ND_SOLICIT)
		memcpy(claim->ip, is_zero(src, 16) ? target : src, 16);
	else
		return;
	claim->ip_len = 16;
	claim = remember(a, claim);
	if (p[40] == ND_ADVERT)
		claim->nd_flags = p[44] & ND_ROUTER;
}

/**
 * announce_learn() - Look at a frame from the guest
 * @a:		What is known so far
 * @f:		Any frame; hostile bytes do no harm
 */
void announce_learn(struct announce *a, const struct frame *f)
{
	const uint8_t *p = frame_eth(f);
	size_t len = frame_eth_len(f), at = 12;
	struct announce_claim claim = { 0 };
	const struct announce_claim *last;
	uint16_t ethertype;

	if (f->len < f->vnet_len || len < 14 || (p[6] & 1))
		return;
	while (is_tag(bytes_get16(p + at)) && at < 12 + ANNOUNCE_TAGS_MAX &&
	       len >= at + 6) {
		bytes_put16(claim.tags + (at - 12), bytes_get16(p + at));
		bytes_put16(claim.tags + (at - 12) + 2,
			    bytes_get16(p + at + 2) & 0x0fff);
		at += 4;
	}
	ethertype = bytes_get16(p + at);
	claim.n_tag_bytes = (uint8_t)(at - 12);
	memcpy(claim.mac, p + 6, 6);
	/* nearly every frame comes from the MAC that the first one came from */
	last = &a->claims[0];
	if (!a->n_claims || memcmp(last->mac, claim.mac, 6) ||
	    last->n_tag_bytes != claim.n_tag_bytes ||
	    memcmp(last->tags, claim.tags, sizeof(claim.tags)))
		remember(a, &claim);
	if (ethertype == ETH_ARP)
		learn_arp(a, &claim, p + at + 2, len - at - 2);
	else if (ethertype == ETH_IPV6 && len >= at + 2 + 40)
		learn_nd(a, &claim, p + at + 2, len - at - 2);
}

static uint8_t *put_ethernet(uint8_t *p, const struct announce_claim *claim,
			     const uint8_t *dst, uint16_t ethertype)
{
	memcpy(p, dst, 6);
	memcpy(p + 6, claim->mac, 6);
	memcpy(p + 12, claim->tags, claim->n_tag_bytes);
	p += 12 + claim->n_tag_bytes;
	bytes_put16(p, ethertype);
	return p + 2;
}

/* RFC 826 and RFC 903: both addresses are the guest's own. */
static uint8_t *put_arp(uint8_t *p, const struct announce_claim *claim)
{
	static const uint8_t broadcast[6] = { 255, 255, 255, 255, 255, 255 };
	bool is_rarp = !claim->ip_len;

	p = put_ethernet(p, claim, broadcast, is_rarp ? ETH_RARP : ETH_ARP);
	bytes_put16(p, 1);
	bytes_put16(p + 2, 0x0800);
	p[4] = 6;
	p[5] = 4;
	bytes_put16(p + 6, is_rarp ? RARP_REQUEST : ARP_REQUEST);
	memcpy(p + 8, claim->mac, 6);
	memcpy(p + 14, claim->ip, 4);
	if (is_rarp)
		memcpy(p + 18, claim->mac, 6);
	memcpy(p + 24, claim->ip, 4);
	return p + 28;
}

/* RFC 4861, 7.2.6: unsolicited, override, to all nodes. A router has to say
 * that it is one, or its hosts would drop it as their default (7.2.5). */
static uint8_t *put_advert(uint8_t *p, const struct announce_claim *claim)
{
	static const uint8_t all_mac[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	static const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };
	const uint32_t len = ND_LEN + 8;
	uint8_t *ip = put_ethernet(p, claim, all_mac, ETH_IPV6);
	uint8_t *nd = ip + 40;
	uint32_t sum;

	ip[0] = 0x60;
	bytes_put16(ip + 4, (uint16_t)len);
	ip[6] = 58;
	ip[7] = 255;
	memcpy(ip + 8, claim->ip, 16);
	memcpy(ip + 24, all_nodes, 16);
	nd[0] = ND_ADVERT;
	nd[4] = ND_OVERRIDE | claim->nd_flags;
	memcpy(nd + 8, claim->ip, 16);
	nd[24] = 2;			/* target link-layer address */
	nd[25] = 1;
	memcpy(nd + 26, claim->mac, 6);
	sum = checksum_pseudo(6, ip + 8, ip + 24, 58, len);
	bytes_put16(nd + 2, checksum_fold(checksum_add(sum, nd, len)));
	return nd + len;
}

/**
 * announce_emit() - One round: every claim once
 * @a:		What is known
 * @emit:	Gets each frame, borrowed for the call
 * @arg:	For @emit
 *
 * Return: frames emitted
 */
unsigned announce_emit(const struct announce *a,
		       void (*emit)(void *arg, const struct frame *f),
		       void *arg)
{
	for (unsigned i = 0; i < a->n_claims; i++) {
		struct chunk *c = chunk_new(128);
		struct frame f = { .chunk = c, .data = c->bytes };
		const struct announce_claim *claim = &a->claims[i];
		uint8_t *end;

		memset(c->bytes, 0, c->cap);
		end = claim->ip_len == 16 ? put_advert(f.data, claim) :
					    put_arp(f.data, claim);
		f.len = (uint32_t)(end - f.data);
		if (f.len < 60)			/* Ethernet's shortest frame */
			f.len = 60;
		emit(arg, &f);
		chunk_unref(c);
	}
	return a->n_claims;
}
