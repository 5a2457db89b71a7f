/* SPDX-License-Identifier: ISC */
#include "diff_from.h"

/**
 * diff_from_parse() - Read the value of --from
 * @from:	Gets the service
 * @text:	[ADDR][:PORT], an IPv6 address in brackets where a port follows
 *
 * Return: 0, or -EINVAL for other text
 */
int diff_from_parse(struct diff_from *from, const char *text)
{
	from->is_set = true;
	return flow_filter_end_parse(&from->service, text);
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
	if (!from->is_set)
		return true;
	if (p->level == PACKET_ETHER)
		return false;
	return flow_filter_end_is(&from->service, p->ip_version, p->src,
				  p->frag_off ? from->service.port : p->sport);
}
