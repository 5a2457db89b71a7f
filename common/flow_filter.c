/* SPDX-License-Identifier: ISC */
/*
 * Words in the order in which flow_key_text() has them: a protocol, one end or
 * two with a `>` between them, VLAN tags. The two ends of a flow are meant in
 * either order: colo-compare knows flows as from the guest, colo-rewriter as
 * to it.
 */
#include "flow_filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "packet.h"
#include "quantity.h"

#define WORDS_MAX 8u

static const struct {
	const char *name;
	uint8_t proto;
} protos[] = {
	{ "tcp", PACKET_TCP }, { "udp", PACKET_UDP },
	{ "icmp", PACKET_ICMP }, { "icmp6", PACKET_ICMP6 },
	{ "dccp", PACKET_DCCP }, { "sctp", PACKET_SCTP },
	{ "udplite", PACKET_UDPLITE },
};

static int parse_port(const char *text, uint16_t *port)
{
	uint64_t n;

	if (quantity_number(&n, text, UINT16_MAX) < 0 || !n)
		return -EINVAL;
	*port = (uint16_t)n;
	return 0;
}

/* Where the text of an IPv6 address without brackets has two colons. */
static bool is_bare_v6(const char *text)
{
	const char *colon = strchr(text, ':');

	return *text != '[' && colon && strchr(colon + 1, ':');
}

/**
 * flow_filter_end_parse() - Read one end of a flow
 * @end:	set
 * @text:	[ADDR][:PORT], an IPv6 address in brackets where a port follows
 *
 * Return: 0, or -EINVAL for other text
 */
int flow_filter_end_parse(struct flow_filter_end *end, const char *text)
{
	char addr[INET6_ADDRSTRLEN];
	bool in_brackets = *text == '[', is_bare = is_bare_v6(text);
	bool v6 = in_brackets || is_bare;
	size_t len = is_bare ? strlen(text) :
		     strcspn(text + in_brackets, in_brackets ? "]" : ":");
	const char *rest = text + in_brackets + len;

	*end = (struct flow_filter_end){ 0 };
	if (len >= sizeof(addr) || (in_brackets && *rest++ != ']'))
		return -EINVAL;
	memcpy(addr, text + in_brackets, len);
	addr[len] = '\0';
	end->ip_version = !len && !in_brackets ? 0 : v6 ? 6 : 4;
	if (end->ip_version &&
	    inet_pton(v6 ? AF_INET6 : AF_INET, addr, end->addr) != 1)
		return -EINVAL;
	if (!*rest)
		return *text ? 0 : -EINVAL;
	return *rest == ':' ? parse_port(rest + 1, &end->port) : -EINVAL;
}

/**
 * flow_filter_end_is() - Is this the end that is asked for?
 * @end:	from flow_filter_end_parse(); zeroed it is any
 * @ip_version:	4 or 6
 * @addr:	4 or 16 bytes
 * @port:	0 for none
 */
bool flow_filter_end_is(const struct flow_filter_end *end, uint8_t ip_version,
			const uint8_t *addr, uint16_t port)
{
	if (end->ip_version &&
	    (end->ip_version != ip_version ||
	     memcmp(end->addr, addr, ip_version == 6 ? 16 : 4) != 0))
		return false;
	return !end->port || end->port == port;
}

/* --- a whole flow --- */

struct words {
	char text[FLOW_TEXT_MAX];
	const char *v[WORDS_MAX + 1];	/* NULL behind the last one */
	unsigned at;			/* the next one */
};

static int split(struct words *w, const char *text)
{
	char *rest = NULL, *word;
	unsigned n = 0;

	*w = (struct words){ 0 };
	if (strlen(text) >= sizeof(w->text))
		return -EINVAL;
	memcpy(w->text, text, strlen(text));
	for (word = strtok_r(w->text, " \t", &rest); word;
	     word = strtok_r(NULL, " \t", &rest)) {
		if (n == WORDS_MAX)
			return -EINVAL;
		w->v[n++] = word;
	}
	return 0;
}

static bool takes(struct words *w, const char *word)
{
	bool is_there = w->v[w->at] && !strcmp(w->v[w->at], word);

	w->at += is_there;
	return is_there;
}

static int take_proto(struct words *w, uint8_t *proto)
{
	uint64_t n;

	for (unsigned i = 0; i < sizeof(protos) / sizeof(*protos); i++) {
		if (takes(w, protos[i].name)) {
			*proto = protos[i].proto;
			return 0;
		}
	}
	if (!takes(w, "proto"))
		return 0;
	if (!w->v[w->at] || quantity_number(&n, w->v[w->at++], UINT8_MAX) < 0)
		return -EINVAL;
	*proto = (uint8_t)n;
	return 0;
}

/* Two numbers with a dot between them: the outer tag, the inner one. */
static int parse_vlan(const char *text, uint32_t *vlan)
{
	unsigned outer, inner;
	int end = 0;

	if (text[strspn(text, "0123456789.")])
		return -EINVAL;
	if (sscanf(text, "%4u%n", &inner, &end) == 1 && !text[end])
		outer = 0;
	else if (sscanf(text, "%4u.%4u%n", &outer, &inner, &end) != 2 ||
		 text[end])
		return -EINVAL;
	if (outer > 0xfff || inner > 0xfff)
		return -EINVAL;
	*vlan = outer << 12 | inner;
	return 0;
}

static int parse_tags(const char *text, uint32_t *vlan)
{
	int end = 0;

	if (*text != '#' ||
	    text[1 + strspn(text + 1, "0123456789abcdefABCDEF")] ||
	    sscanf(text, "#%8x%n", vlan, &end) != 1 || text[end])
		return -EINVAL;
	*vlan |= PACKET_TAGS;
	return 0;
}

static int take_vlan(struct words *w, struct flow_filter *f)
{
	bool has_vlan = takes(w, "vlan"), has_tags = !has_vlan &&
							takes(w, "tags");
	const char *text = w->v[w->at];

	f->has_vlan = has_vlan || has_tags;
	if (!f->has_vlan)
		return 0;
	if (!text)
		return -EINVAL;
	w->at++;
	return has_vlan ? parse_vlan(text, &f->vlan) :
			  parse_tags(text, &f->vlan);
}

static bool is_end(const char *word)
{
	return word && strcmp(word, "vlan") != 0 && strcmp(word, "tags") != 0;
}

static int take_ends(struct words *w, struct flow_filter *f)
{
	if (!is_end(w->v[w->at]))
		return 0;
	if (flow_filter_end_parse(&f->end[0], w->v[w->at++]) < 0)
		return -EINVAL;
	f->has_two_ends = takes(w, ">");
	if (!f->has_two_ends)
		return 0;
	return w->v[w->at] ? flow_filter_end_parse(&f->end[1], w->v[w->at++]) :
			     -EINVAL;
}

/**
 * flow_filter_parse() - Read which flows are asked for
 * @f:		set
 * @text:	`[PROTO] [END [> END]] [vlan N | tags #X]`; empty: all
 * @why:	set to what is wrong
 * @size:	of @why, bytes
 *
 * Return: 0 or -EINVAL
 */
int flow_filter_parse(struct flow_filter *f, const char *text, char *why,
		      size_t size)
{
	struct words w;

	*f = (struct flow_filter){ 0 };
	if (split(&w, text) == 0 && take_proto(&w, &f->proto) == 0 &&
	    take_ends(&w, f) == 0 && take_vlan(&w, f) == 0 && !w.v[w.at])
		return 0;
	snprintf(why, size, "\"%.64s\" is not [PROTO] [[ADDR][:PORT] "
		 "[> [ADDR][:PORT]]] [vlan N], such as tcp 10.0.0.1:80", text);
	return -EINVAL;
}

/**
 * flow_filter_key() - The one flow that a filter names in full
 * @f:		from flow_filter_parse()
 * @reverse:	with the ends in the other order
 * @key:	set: of the flow without VLAN tags, if nothing is said of them
 *
 * Return: false when a protocol or an end is left out
 */
bool flow_filter_key(const struct flow_filter *f, bool reverse,
		     struct flow_key *key)
{
	const struct flow_filter_end *src = &f->end[reverse],
				     *dst = &f->end[!reverse];

	if (!f->proto || !f->has_two_ends || !src->ip_version ||
	    src->ip_version != dst->ip_version)
		return false;
	*key = (struct flow_key){
		.sport = src->port, .dport = dst->port, .vlan = f->vlan,
		.proto = f->proto, .ip_version = src->ip_version,
	};
	memcpy(key->src, src->addr, sizeof(key->src));
	memcpy(key->dst, dst->addr, sizeof(key->dst));
	return true;
}

static bool is_src(const struct flow_filter_end *end,
		   const struct flow_key *key)
{
	return flow_filter_end_is(end, key->ip_version, key->src, key->sport);
}

static bool is_dst(const struct flow_filter_end *end,
		   const struct flow_key *key)
{
	return flow_filter_end_is(end, key->ip_version, key->dst, key->dport);
}

/**
 * flow_filter_selects() - Is this one of the flows that are asked for?
 * @f:		from flow_filter_parse()
 * @key:	the flow's
 */
bool flow_filter_selects(const struct flow_filter *f,
			 const struct flow_key *key)
{
	const struct flow_filter_end *a = &f->end[0], *b = &f->end[1];

	if ((f->proto && f->proto != key->proto) ||
	    (f->has_vlan && f->vlan != key->vlan))
		return false;
	if (!f->has_two_ends)
		return is_src(a, key) || is_dst(a, key);
	return (is_src(a, key) && is_dst(b, key)) ||
	       (is_src(b, key) && is_dst(a, key));
}
