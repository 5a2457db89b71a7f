/* SPDX-License-Identifier: ISC */
/*
 * Services: an address, a protocol and a port, and how connections to them are
 * scheduled. They are few, and only new connections look for one.
 */
#include "service.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "../../common/packet.h"
#include "../../common/quantity.h"
#include "../../common/time.h"
#include "scheduler.h"

#define PERSIST_S 360u			/* IPVS's, where no time is given */
#define SECONDS_MAX (31u * 86400)	/* IPVS's */

/**
 * service_parse_seconds() - Read a time
 * @text:	as quantity_seconds() reads it; 1 s to 31 days
 * @s:		set, seconds
 */
bool service_parse_seconds(const char *text, uint32_t *s)
{
	uint64_t n;

	if (quantity_seconds(&n, text, SECONDS_MAX) < 0 || !n)
		return false;
	*s = (uint32_t)n;
	return true;
}

/**
 * service_parse_mac() - Read an Ethernet address
 * @text:	52:54:00:12:34:56; hexadecimal digits and colons, nothing else
 * @mac:	set on success
 *
 * Return: false when it is none, or a group's
 */
bool service_parse_mac(const char *text, uint8_t mac[6])
{
	unsigned v[6];
	int len = 0;

	if (text[strspn(text, "0123456789abcdefABCDEF:")] ||
	    sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &v[0], &v[1], &v[2],
		   &v[3], &v[4], &v[5], &len) != 6 || text[len] || v[0] & 1)
		return false;
	for (unsigned i = 0; i < 6; i++)
		mac[i] = (uint8_t)v[i];
	return true;
}

static bool parse_proto(struct service *svc, const char *name)
{
	if (!strcmp(name, "tcp"))
		svc->proto = PACKET_TCP;
	else if (!strcmp(name, "udp"))
		svc->proto = PACKET_UDP;
	else if (!strcmp(name, "icmp"))
		svc->proto = PACKET_ICMP;
	else
		return false;
	return true;
}

static bool parse_addr(struct service *svc, const char *text)
{
	if (inet_pton(AF_INET, text, svc->addr) == 1)
		svc->ip_version = 4;
	else if (inet_pton(AF_INET6, text, svc->addr) == 1)
		svc->ip_version = 6;
	else
		return false;
	svc->mask = svc->ip_version == 4 ? 32 : 128;
	if (svc->proto == PACKET_ICMP && svc->ip_version == 6)
		svc->proto = PACKET_ICMP6;
	return true;
}

/* PROTO:ADDR:PORT, PROTO:[ADDR6]:PORT; without a port for icmp. */
static bool parse_place(struct service *svc, char *text)
{
	char *addr = strchr(text, ':'), *port;
	uint64_t n = 0;

	if (!addr)
		return false;
	*addr++ = '\0';
	if (!parse_proto(svc, text))
		return false;
	if (*addr == '[') {
		port = strchr(++addr, ']');
		if (!port)
			return false;
		*port++ = '\0';
	} else {
		port = addr + strcspn(addr, ":");
	}
	if (*port == ':') {
		*port++ = '\0';
		if (quantity_number(&n, port, UINT16_MAX) < 0)
			return false;
	} else if (*port || svc->proto != PACKET_ICMP) {
		return false;
	}
	svc->port = (uint16_t)n;
	return parse_addr(svc, addr) &&
	       (!n || svc->proto == PACKET_TCP || svc->proto == PACKET_UDP);
}

static bool parse_mask(struct service *svc, const char *text)
{
	uint64_t n;

	if (quantity_number(&n, text, svc->ip_version == 4 ? 32 : 128) < 0 ||
	    !n)
		return false;
	svc->mask = (uint8_t)n;
	return true;
}

static bool parse_slow_start(struct service *svc, const char *text)
{
	uint32_t s;

	if (!service_parse_seconds(text, &s))
		return false;
	svc->scheduler.slow_ns = s * NS_PER_S;
	return true;
}

static bool parse_flag(struct service *svc, const char *name)
{
	if (!strcmp(name, "persist"))
		svc->persist_s = PERSIST_S;
	else if (!strcmp(name, "one-packet"))
		svc->one_packet = true;
	else if (!strcmp(name, "strict"))
		svc->scheduler.strict = true;
	else if (!strcmp(name, "hash-port"))
		svc->scheduler.with_port = true;
	else
		return false;
	return true;
}

static bool parse_option(struct service *svc, char *text)
{
	char *value = strchr(text, '=');

	if (!value)
		return parse_flag(svc, text);
	*value++ = '\0';
	if (!strcmp(text, "scheduler"))
		return scheduler_find(value, &svc->scheduler.kind);
	if (!strcmp(text, "persist"))
		return service_parse_seconds(value, &svc->persist_s);
	if (!strcmp(text, "mask"))
		return parse_mask(svc, value);
	if (!strcmp(text, "slow-start"))
		return parse_slow_start(svc, value);
	if (!strcmp(text, "timeout"))
		return service_parse_seconds(value, &svc->timeout_s);
	if (!strcmp(text, "vmac"))
		return svc->has_vmac = service_parse_mac(value, svc->vmac);
	return false;
}

static bool place_failed(char *why, size_t size, const char *text)
{
	snprintf(why, size, "\"%s\" is not PROTO:ADDR:PORT with tcp, udp or "
		 "icmp, an address as a number and a port, as in "
		 "tcp:192.0.2.1:80", text);
	return false;
}

static bool option_failed(char *why, size_t size, const char *text)
{
	snprintf(why, size, "\"%s\" is none of scheduler=rr, wrr, lc, wlc, "
		 "sed, nq, sh, dh, mh, fo, ovf or conhash, persist[=TIME], "
		 "mask=BITS, one-packet, slow-start=TIME, timeout=TIME, "
		 "vmac=MAC, strict, hash-port", text);
	return false;
}

/**
 * service_parse() - Read the argument of --service
 * @svc:	set; its scheduler is not begun
 * @text:	`PROTO:ADDR:PORT[,OPTION...]`
 * @why:	set to what is wrong
 * @size:	of @why, bytes
 *
 * Return: false when it is wrong
 */
bool service_parse(struct service *svc, const char *text, char *why,
		   size_t size)
{
	char copy[256], part[64], *option, *rest = NULL;

	*svc = (struct service){ .scheduler.kind = SCHEDULER_WLC };
	if (strlen(text) >= sizeof(copy)) {
		snprintf(why, size, "the text is longer than %zu bytes",
			 sizeof(copy) - 1);
		return false;
	}
	snprintf(copy, sizeof(copy), "%s", text);
	option = strtok_r(copy, ",", &rest);
	snprintf(part, sizeof(part), "%s", option ? option : "");
	if (!option || !parse_place(svc, option))
		return place_failed(why, size, part);
	while ((option = strtok_r(NULL, ",", &rest))) {
		snprintf(part, sizeof(part), "%s", option);
		if (!parse_option(svc, option))
			return option_failed(why, size, part);
	}
	if (svc->one_packet && svc->proto != PACKET_UDP) {
		snprintf(why, size, "one-packet is for udp");
		return false;
	}
	svc->id = XXH3_64bits_withSeed(svc->addr, sizeof(svc->addr),
				       (uint64_t)svc->proto << 16 | svc->port);
	return true;
}

static bool matches(const struct service *svc, const struct flow_key *key,
		    uint16_t port)
{
	return svc->port == port && svc->proto == key->proto &&
	       svc->ip_version == key->ip_version &&
	       !memcmp(svc->addr, key->dst, sizeof(svc->addr));
}

/**
 * service_find() - Which service a new connection from the net is to
 * @set:	services
 * @key:	the connection's
 *
 * One with the port comes before one with all ports.
 *
 * Return: index or SERVICE_NONE
 */
uint16_t service_find(const struct service_set *set,
		      const struct flow_key *key)
{
	for (uint16_t i = 0; key->dport && i < set->n; i++)
		if (matches(&set->v[i], key, key->dport))
			return i;
	for (uint16_t i = 0; i < set->n; i++)
		if (matches(&set->v[i], key, 0))
			return i;
	return SERVICE_NONE;
}

/**
 * service_find_id() - Look a service up by what a record says
 * @set:	services
 * @id:		hash of a service
 *
 * Return: index or SERVICE_NONE
 */
uint16_t service_find_id(const struct service_set *set, uint64_t id)
{
	for (uint16_t i = 0; i < set->n; i++)
		if (set->v[i].id == id)
			return i;
	return SERVICE_NONE;
}

/**
 * service_of_vmac() - The service for whose address we answer ARP or ND
 * @set:	services
 * @ip_version:	4 or 6
 * @addr:	4 or 16 bytes
 *
 * Return: index or SERVICE_NONE
 */
uint16_t service_of_vmac(const struct service_set *set, uint8_t ip_version,
			 const uint8_t *addr)
{
	for (uint16_t i = 0; i < set->n; i++) {
		const struct service *svc = &set->v[i];

		if (svc->has_vmac && svc->ip_version == ip_version &&
		    !memcmp(svc->addr, addr, ip_version == 4 ? 4 : 16))
			return i;
	}
	return SERVICE_NONE;
}
