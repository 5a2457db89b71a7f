/* SPDX-License-Identifier: ISC */
#include "diff_from.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
 * diff_from_parse() - Read the value of --from
 * @from:	Gets the service
 * @text:	[ADDR][:PORT], an IPv6 address in brackets
 *
 * Return: 0, or -EINVAL for other text
 */
int diff_from_parse(struct diff_from *from, const char *text)
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
 * diff_from_selects() - Is this packet compared?
 * @from:	The service
 * @p:		The packet
 *
 * Return: true when the service sends the packet, and always without --from. A
 * later fragment has no port: its address is enough
 */
bool diff_from_selects(const struct diff_from *from, const struct packet *p)
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
