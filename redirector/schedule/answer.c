/* SPDX-License-Identifier: ISC */
/*
 * Answers to who asks by ARP or ND for the address of a service that has a
 * `vmac`. With direct routing the guests have the address, too, and must not
 * answer for it. There is no state.
 */
#include "answer.h"

#include <string.h>

#include "../../common/bytes.h"
#include "../../common/checksum.h"

#define ETHERTYPE_ARP 0x0806
#define ARP_LEN 28u
#define ARP_REQUEST 1
#define ARP_REPLY 2
#define IPV6_LEN 40u
#define ND_LEN 24u			/* ICMPv6 header and target address */
#define ND_ADVERT_LEN (ND_LEN + 8)	/* with the target's MAC */
#define ND_SOLICIT 135
#define ND_ADVERT 136
#define ND_SOLICITED 0x40
#define ND_OVERRIDE 0x20

/* RFC 826: Ethernet and IPv4, a question. */
static bool is_arp_request(const struct packet *p)
{
	const uint8_t *arp = p->eth + p->l3_off;

	return p->ethertype == ETHERTYPE_ARP && p->l3_off &&
	       p->len >= p->l3_off + ARP_LEN && bytes_get16(arp) == 1 &&
	       bytes_get16(arp + 2) == 0x0800 && arp[4] == 6 && arp[5] == 4 &&
	       bytes_get16(arp + 6) == ARP_REQUEST;
}

/* RFC 4861 section 7.1.1. */
static bool is_solicit(const struct packet *p)
{
	return p->level == PACKET_L4 && p->proto == PACKET_ICMP6 &&
	       p->l4_len >= ND_LEN && *packet_l4(p) == ND_SOLICIT &&
	       p->eth[p->l3_off + 7] == 255;
}

/**
 * answer_find() - For which service's address does a frame ask?
 * @set:	services
 * @p:		parsed frame
 *
 * Return: index of a service with a vmac, or SERVICE_NONE
 */
uint16_t answer_find(const struct service_set *set, const struct packet *p)
{
	if (is_arp_request(p) && p->l3_off + ARP_LEN <= ANSWER_ROOM)
		return service_of_vmac(set, 4, p->eth + p->l3_off + 24);
	if (is_solicit(p) &&
	    p->l3_off + IPV6_LEN + ND_ADVERT_LEN <= ANSWER_ROOM)
		return service_of_vmac(set, 6, packet_l4(p) + 8);
	return SERVICE_NONE;
}

static uint32_t write_arp(uint8_t *out, const struct service *svc,
			  const struct packet *p)
{
	const uint8_t *asked = p->eth + p->l3_off;
	uint8_t *arp = out + p->l3_off;

	memcpy(arp, asked, 8);
	bytes_put16(arp + 6, ARP_REPLY);
	memcpy(arp + 8, svc->vmac, 6);
	memcpy(arp + 14, asked + 24, 4);
	memcpy(arp + 18, asked + 8, 10);	/* who asked */
	return p->l3_off + ARP_LEN;
}

/* To who asked, or to all nodes when it has no address yet (RFC 4862). */
static uint32_t write_advert(uint8_t *out, const struct service *svc,
			     const struct packet *p)
{
	static const uint8_t nobody[16], all[16] = { 0xff, 2, [15] = 1 };
	static const uint8_t all_mac[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	bool is_probe = !memcmp(p->src, nobody, 16);
	uint8_t *ip = out + p->l3_off, *nd = ip + IPV6_LEN;
	uint32_t sum;

	memset(ip, 0, IPV6_LEN + ND_ADVERT_LEN);
	if (is_probe)
		memcpy(out, all_mac, 6);
	ip[0] = 0x60;
	bytes_put16(ip + 4, ND_ADVERT_LEN);
	ip[6] = PACKET_ICMP6;
	ip[7] = 255;
	memcpy(ip + 8, svc->addr, 16);
	memcpy(ip + 24, is_probe ? all : p->src, 16);
	nd[0] = ND_ADVERT;
	nd[4] = ND_OVERRIDE | (is_probe ? 0 : ND_SOLICITED);
	memcpy(nd + 8, svc->addr, 16);
	nd[24] = 2;			/* target link-layer address */
	nd[25] = 1;
	memcpy(nd + 26, svc->vmac, 6);
	sum = checksum_pseudo(6, ip + 8, ip + 24, PACKET_ICMP6, ND_ADVERT_LEN);
	bytes_put16(nd + 2,
		    checksum_fold(checksum_add(sum, nd, ND_ADVERT_LEN)));
	return p->l3_off + IPV6_LEN + ND_ADVERT_LEN;
}

/**
 * answer_write() - Write the answer to a frame that answer_find() knew
 * @out:	room for ANSWER_ROOM bytes
 * @svc:	the service that was found
 * @eth:	the frame
 * @len:	its bytes
 *
 * Return: bytes of the answer, at least Ethernet's 60
 */
uint32_t answer_write(uint8_t *out, const struct service *svc, uint8_t *eth,
		      size_t len)
{
	struct packet p;
	uint32_t n;

	packet_parse(&p, eth, len);
	memset(out, 0, ANSWER_ROOM);
	memcpy(out, eth, p.l3_off);		/* with its VLAN tags */
	memcpy(out, eth + 6, 6);
	memcpy(out + 6, svc->vmac, 6);
	n = svc->ip_version == 4 ? write_arp(out, svc, &p) :
				   write_advert(out, svc, &p);
	return n < 60 ? 60 : n;
}
