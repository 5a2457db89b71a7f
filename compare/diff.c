/* SPDX-License-Identifier: ISC */
/*
 * The report: what differs between two recordings, or live with --dry-run.
 */
#include "diff.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../common/flow.h"

#define SHOWN_MAX 16u		/* bytes of each side in a line */
#define NS_PER_S UINT64_C(1000000000)
#define MASK_PREFIX "payload@"

static const char *const kind_text[DIFF_KINDS] = {
	"payload", "missing", "extra", "flag", "option", "mac", "queue",
};

struct side {			/* what one side has at the place */
	bool is_there;
	struct packet packet;
	const uint8_t *bytes;
	uint32_t len;
};

/* A number of 32 bits and the character behind it. */
static const char *parse_u32(const char *text, char end, uint32_t *n)
{
	unsigned long long value;
	char *rest;

	if (!isdigit((unsigned char)*text))
		return NULL;
	value = strtoull(text, &rest, 10);
	if (value > UINT32_MAX || *rest != end)
		return NULL;
	*n = (uint32_t)value;
	return rest;
}

/**
 * diff_ignore - understand --ignore payload@OFFSET+LEN
 * @d:		gets the mask
 * @rule:	the option's value
 *
 * Return: 0, -EINVAL when it is no such rule, -E2BIG for one too many
 */
int diff_ignore(struct diff *d, const char *rule)
{
	size_t prefix_len = strlen(MASK_PREFIX);
	struct diff_mask mask;
	const char *at;

	if (strncmp(rule, MASK_PREFIX, prefix_len))
		return -EINVAL;
	at = parse_u32(rule + prefix_len, '+', &mask.offset);
	if (!at || !parse_u32(at + 1, '\0', &mask.len))
		return -EINVAL;
	if (d->n_masks == DIFF_MASKS_MAX)
		return -E2BIG;
	d->masks[d->n_masks++] = mask;
	return 0;
}

static int parse_port(const char *text, uint16_t *port)
{
	uint32_t n;

	if (!parse_u32(text, '\0', &n) || !n || n > UINT16_MAX)
		return -EINVAL;
	*port = (uint16_t)n;
	return 0;
}

/**
 * diff_from - understand --from [ADDR][:PORT], IPv6 in brackets
 * @d:		gets the address
 * @text:	the option's value
 *
 * Return: 0 or -EINVAL
 */
int diff_from(struct diff *d, const char *text)
{
	char addr[INET6_ADDRSTRLEN];
	bool v6 = *text == '[';
	size_t len = strcspn(text + v6, v6 ? "]" : ":");
	const char *rest = text + v6 + len;

	if (len >= sizeof(addr) || (v6 && *rest++ != ']'))
		return -EINVAL;
	memcpy(addr, text + v6, len);
	addr[len] = '\0';
	d->from_version = !len ? 0 : v6 ? 6 : 4;
	if (len && inet_pton(v6 ? AF_INET6 : AF_INET, addr, d->from) != 1)
		return -EINVAL;
	d->has_from = true;
	if (!*rest)
		return 0;
	return *rest == ':' ? parse_port(rest + 1, &d->from_port) : -EINVAL;
}

/**
 * diff_selects - does a packet count?
 * @d:		the report
 * @p:		the packet
 *
 * Return: true when --from was not given, or the packet is the service's
 */
bool diff_selects(const struct diff *d, const struct packet *p)
{
	size_t len = d->from_version == 6 ? 16 : 4;

	if (!d->has_from)
		return true;
	if (p->level == PACKET_ETHER)
		return false;
	if (d->from_version && (p->ip_version != d->from_version ||
				memcmp(p->src, d->from, len)))
		return false;
	return !d->from_port || p->frag_off || p->sport == d->from_port;
}

static bool is_syn(const struct side *s)
{
	return s->is_there && s->packet.level == PACKET_L4 &&
	       s->packet.proto == PACKET_TCP && (s->packet.flags & TCP_SYN);
}

static enum diff_kind kind_of(const struct compare_difference *difference,
			      const struct side side[2])
{
	switch (difference->reason) {
	case COMPARE_FLAGS:
		return is_syn(&side[0]) && is_syn(&side[1]) ? DIFF_OPTION :
							      DIFF_FLAG;
	case COMPARE_TIMEOUT:
		return side[COMPARE_PRIMARY].is_there ? DIFF_MISSING :
							DIFF_EXTRA;
	case COMPARE_MAC:
		return DIFF_MAC;
	case COMPARE_QUEUE:
		return DIFF_QUEUE;
	default:
		return DIFF_PAYLOAD;
	}
}

static struct side side_of(const struct compare_difference *difference,
			   unsigned i)
{
	const struct frame *f = &difference->frame[i];
	uint32_t at = difference->at[i];
	struct side s = { .is_there = difference->has[i] };
	uint32_t end;

	if (!s.is_there)
		return s;
	packet_parse(&s.packet, frame_eth(f), frame_eth_len(f));
	end = s.packet.level == PACKET_ETHER ? s.packet.len :
	      s.packet.l4_off + s.packet.l4_len;
	if (at >= end)
		return s;
	s.bytes = frame_eth(f) + at;
	s.len = end - at < SHOWN_MAX ? end - at : SHOWN_MAX;
	return s;
}

static void flow_text(const struct compare_difference *difference,
		      const struct side side[2], char *buf, size_t len)
{
	const struct side *s = side[0].is_there ? &side[0] : &side[1];
	struct flow_key key;

	if (s->is_there && flow_key_of(&key, &s->packet, false) == 0)
		flow_key_text(&key, buf, len);
	else if (difference->flow && difference->flow->ip_version)
		flow_key_text(difference->flow, buf, len);
	else
		snprintf(buf, len, "not IP");
}

static void print_bytes(FILE *out, const char *name, const struct side *s)
{
	if (!s->is_there || !s->bytes)
		return;
	fprintf(out, "  %-9s", name);
	for (uint32_t i = 0; i < SHOWN_MAX; i++) {
		if (i < s->len)
			fprintf(out, " %02x", s->bytes[i]);
		else
			fprintf(out, "   ");
	}
	fprintf(out, "  ");
	for (uint32_t i = 0; i < s->len; i++)
		fputc(isprint(s->bytes[i]) ? s->bytes[i] : '.', out);
	fputc('\n', out);
}

static void print_json_bytes(FILE *out, const char *name, const struct side *s)
{
	if (!s->is_there)
		return;
	fprintf(out, ",\"%s\":\"", name);
	for (uint32_t i = 0; i < s->len; i++)
		fprintf(out, "%02x", s->bytes[i]);
	fprintf(out, "\"");
}

static uint64_t time_of(const struct diff *d,
			const struct compare_difference *difference)
{
	unsigned i = difference->has[COMPARE_PRIMARY] ? COMPARE_PRIMARY :
							COMPARE_SECONDARY;
	uint64_t ns = difference->has[i] ? difference->frame[i].time_ns : 0;

	return ns > d->epoch_ns ? ns - d->epoch_ns : 0;
}

static void print(struct diff *d, const struct compare_difference *difference,
		  const struct side side[2], enum diff_kind kind)
{
	uint64_t ns = time_of(d, difference);
	char flow[FLOW_TEXT_MAX];

	flow_text(difference, side, flow, sizeof(flow));
	fprintf(d->text, "%" PRIu64 ".%06" PRIu64 " %s offset %" PRIu32
		": %s\n", ns / NS_PER_S, ns % NS_PER_S / 1000, flow,
		difference->offset, kind_text[kind]);
	print_bytes(d->text, "primary", &side[COMPARE_PRIMARY]);
	print_bytes(d->text, "secondary", &side[COMPARE_SECONDARY]);
	if (!d->json)
		return;
	fprintf(d->json, "{\"time\":%" PRIu64 ".%06" PRIu64 ",\"flow\":\"%s\","
		"\"offset\":%" PRIu32 ",\"length\":%" PRIu32 ",\"kind\":\"%s\"",
		ns / NS_PER_S, ns % NS_PER_S / 1000, flow, difference->offset,
		difference->len, kind_text[kind]);
	print_json_bytes(d->json, "primary", &side[COMPARE_PRIMARY]);
	print_json_bytes(d->json, "secondary", &side[COMPARE_SECONDARY]);
	fprintf(d->json, "}\n");
}

static bool is_masked(const struct diff *d,
		      const struct compare_difference *difference)
{
	for (unsigned i = 0; i < d->n_masks; i++) {
		const struct diff_mask *m = &d->masks[i];

		if (difference->offset >= m->offset &&
		    difference->offset - m->offset + difference->len <= m->len)
			return true;
	}
	return false;
}

/**
 * diff_differ - report a difference
 * @d:		the report
 * @difference:	borrowed
 */
void diff_differ(struct diff *d, const struct compare_difference *difference)
{
	const struct side side[2] = {
		side_of(difference, COMPARE_PRIMARY),
		side_of(difference, COMPARE_SECONDARY),
	};
	enum diff_kind kind = kind_of(difference, side);

	if (kind == DIFF_PAYLOAD && is_masked(d, difference)) {
		d->n_masked++;
		return;
	}
	d->n[kind]++;
	print(d, difference, side, kind);
}

/**
 * diff_total - how many differences were found
 * @d:		the report
 *
 * Return: their number, without those that were ignored
 */
uint64_t diff_total(const struct diff *d)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < DIFF_KINDS; i++)
		n += d->n[i];
	return n;
}

/**
 * diff_summary - the sum, at the end
 * @d:		the report; its files are flushed
 */
void diff_summary(const struct diff *d)
{
	fprintf(d->text, "packets: primary %" PRIu64 ", secondary %" PRIu64
		"\ndifferences: %" PRIu64, d->n_packets[COMPARE_PRIMARY],
		d->n_packets[COMPARE_SECONDARY], diff_total(d));
	for (unsigned i = 0; i < DIFF_KINDS; i++)
		if (d->n[i])
			fprintf(d->text, ", %s %" PRIu64, kind_text[i],
				d->n[i]);
	if (d->n_masked)
		fprintf(d->text, "; ignored %" PRIu64, d->n_masked);
	fprintf(d->text, "\n");
	fflush(d->text);
	if (d->json)
		fflush(d->json);
}
