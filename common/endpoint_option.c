/* SPDX-License-Identifier: ISC */
/*
 * The options of an endpoint. Pure; endpoint_spec.c calls it.
 */
#include "endpoint_option.h"

#include <string.h>

#include "quantity.h"
#include "time.h"

#define KIND(k)		(1u << (k))
#define KINDS_ALL	(~0u)
#define KINDS_DIAL	(KIND(ENDPOINT_UNIX) | KIND(ENDPOINT_TCP))
#define KINDS_TCP	(KIND(ENDPOINT_TCP) | KIND(ENDPOINT_TCP_LISTEN))
#define KINDS_DEVICE	(KIND(ENDPOINT_TAP) | KIND(ENDPOINT_PACKET))

#define VNET_LEN	12		/* of vnet-hdr=on: virtio-net's, 1.0 on */

#define SEND_BUFFER_MIN	(UINT64_C(64) << 10)
#define SEND_BUFFER_MAX	(UINT64_C(1) << 30)
#define RECONNECT_S_MAX	86400
#define KEEPALIVE_S_MAX	32767		/* the kernel's MAX_TCP_KEEPIDLE */
#define USER_TIMEOUT_S_MAX 86400

/* An option's VALUE is NULL when there was no '='. */
static int option_vnet_hdr(struct parser *p, const char *value)
{
	uint8_t len;

	if (!value || !strcmp(value, "on") || !strcmp(value, "12"))
		len = VNET_LEN;
	else if (!strcmp(value, "10"))
		len = 10;
	else if (!strcmp(value, "off"))
		len = 0;
	else
		return parser_refuse(p, "vnet-hdr=%s is not on, off, 10 or 12",
				     value);
	if (len && p->spec.kind == ENDPOINT_PCAP)
		return parser_refuse(p, "vnet-hdr for pcap: captures are "
				     "written plain");
	p->spec.vnet_len = len;
	p->spec.vnet_set = true;
	return 0;
}

static int option_queue(struct parser *p, const char *value)
{
	static const struct {
		const char *name;
		enum endpoint_queue queue;
	} queues[] = {
		{ "tx", QUEUE_TX }, { "rx", QUEUE_RX }, { "all", QUEUE_ALL },
	};

	for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++) {
		if (!strcmp(value, queues[i].name)) {
			p->spec.queue = queues[i].queue;
			return 0;
		}
	}
	return parser_refuse(p, "queue=%s is not tx, rx or all", value);
}

/* A bare number counts seconds. */
static int option_reconnect(struct parser *p, const char *value)
{
	uint64_t ns;

	if (quantity_time(&ns, value, NS_PER_S) < 0 || ns % NS_PER_MS ||
	    ns / NS_PER_S > RECONNECT_S_MAX)
		return parser_refuse(p, "reconnect=%s is not seconds in 0..%d, "
				     "with at most three decimals", value,
				     RECONNECT_S_MAX);
	p->spec.reconnect_ms = (uint32_t)(ns / NS_PER_MS);
	return 0;
}

static int option_send_buffer(struct parser *p, const char *value)
{
	uint64_t n;

	if (quantity_bytes(&n, value) < 0 || n < SEND_BUFFER_MIN ||
	    n > SEND_BUFFER_MAX)
		return parser_refuse(p, "send-buffer=%s is not bytes in "
				     "64k..1G", value);
	p->spec.send_buffer = (size_t)n;
	return 0;
}

static int option_mode(struct parser *p, const char *value)
{
	if (quantity_mode(&p->spec.mode, value) < 0)
		return parser_refuse(p, "mode=%s is not octal in 0..0777",
				     value);
	return 0;
}

/* A name of `ip netns`, or with a slash the path of a namespace's file */
static int option_netns(struct parser *p, const char *value)
{
	if (parser_is_dots(value))
		return parser_refuse(p, "netns=%s is not the name of a network "
				     "namespace", value);
	return parser_copy(p, "netns", p->spec.netns, sizeof(p->spec.netns),
			   value);
}

static int option_allow(struct parser *p, const char *value)
{
	if (p->spec.n_allow == ENDPOINT_ALLOW_MAX)
		return parser_refuse(p, "more than %d times allow=",
				     ENDPOINT_ALLOW_MAX);
	if (cidr_parse(&p->spec.allow[p->spec.n_allow], value) < 0)
		return parser_refuse(p, "allow=%s is not ADDRESS[/BITS]",
				     value);
	p->spec.n_allow++;
	return 0;
}

/* 0 leaves the matter to the kernel. */
static int seconds(struct parser *p, const char *name, unsigned *out,
		   const char *value, unsigned max)
{
	uint64_t n;

	if (quantity_seconds(&n, value, max))
		return parser_refuse(p, "%s=%s is not seconds in 0..%u", name,
				     value, max);
	*out = (unsigned)n;
	return 0;
}

static int option_keepalive(struct parser *p, const char *value)
{
	return seconds(p, "keepalive", &p->spec.keepalive_s, value,
		       KEEPALIVE_S_MAX);
}

static int option_user_timeout(struct parser *p, const char *value)
{
	return seconds(p, "user-timeout", &p->spec.user_timeout_s, value,
		       USER_TIMEOUT_S_MAX);
}

static const struct option_row {
	const char *name;
	unsigned kinds;
	bool bare;			/* may stand without a value */
	int (*parse)(struct parser *p, const char *value);
} options[] = {
	{ "vnet-hdr", KINDS_ALL, true, option_vnet_hdr },
	{ "queue", KINDS_ALL, false, option_queue },
	{ "send-buffer", KINDS_ALL, false, option_send_buffer },
	{ "reconnect", KINDS_DIAL, false, option_reconnect },
	{ "mode", KIND(ENDPOINT_UNIX_LISTEN), false, option_mode },
	{ "netns", KINDS_DEVICE, false, option_netns },
	{ "allow", KIND(ENDPOINT_TCP_LISTEN), false, option_allow },
	{ "keepalive", KINDS_TCP, false, option_keepalive },
	{ "user-timeout", KINDS_TCP, false, option_user_timeout },
};

/**
 * endpoint_option_parse() - Read an option
 * @p:		The parser of the endpoint, whose kind is known; its spec is changed
 * @text:	NAME[=VALUE]; overwritten
 *
 * Return: 0; -EINVAL when it is wrong, which has been said
 */
int endpoint_option_parse(struct parser *p, char *text)
{
	const char *colon = p->spec.kind == ENDPOINT_STDIO ? "" : ":";
	char *value = strchr(text, '=');

	if (value)
		*value++ = '\0';
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (strcmp(text, options[i].name))
			continue;
		if (!(options[i].kinds & KIND(p->spec.kind)))
			return parser_refuse(p, "option \"%s\" is not for %s%s",
					     text, p->kind, colon);
		if (!value && !options[i].bare)
			return parser_refuse(p, "option \"%s\" needs a value",
					     text);
		return options[i].parse(p, value);
	}
	return parser_refuse(p, "unknown option \"%s\" for %s%s", text, p->kind,
			     colon);
}
