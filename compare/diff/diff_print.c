/* SPDX-License-Identifier: ISC */
/*
 * The report as text and as JSON lines.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "../../common/flow.h"
#include "diff.h"

#define SHOWN_MAX 16u		/* bytes of each side in a line */
#define NS_PER_S UINT64_C(1000000000)

static const char *const kind_text[DIFF_KINDS] = {
	"payload", "missing", "extra", "timeout", "flag", "option", "mac",
	"queue",
};

static const char *const side_text[2] = { "primary", "secondary" };

/* Text that grows; what has no room is cut. */
struct text {
	char *buf;
	size_t len, cap;
};

static void add(struct text *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, t->cap - t->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n < t->cap - t->len ? (size_t)n :
						       t->cap - t->len - 1;
}

static void add_bytes(struct text *t, uint32_t n)
{
	add(t, "%" PRIu32 " byte%s", n, n == 1 ? "" : "s");
}

static bool is_tcp(const struct diff_side *s)
{
	return s->is_there && s->packet.level == PACKET_L4 &&
	       s->packet.proto == PACKET_TCP;
}

static void add_flags(struct text *t, const struct diff_side *s)
{
	static const char *const names[] = { "FIN", "SYN", "RST" };
	const char *comma = "";
	bool is_data = !s->packet.flags || s->packet.payload_len;

	for (unsigned i = 0; is_tcp(s) && i < 3; i++) {
		if (!(s->packet.flags & 1u << i))
			continue;
		add(t, "%s%s", comma, names[i]);
		comma = "+";
		is_data = false;
	}
	if (is_tcp(s) && s->packet.payload_len) {
		add(t, "%s", *comma ? " with " : "");
		add_bytes(t, s->packet.payload_len);
	} else if (!is_data && !*comma) {
		add(t, "ACK");
	}
}

/* What only one side has. */
static void add_lone(struct text *t, const struct diff_found *f)
{
	const struct diff_side *s = &f->side[f->side[0].is_there ? 0 : 1];

	if (!s->is_there)
		return;
	add(t, ", ");
	if (f->kind == DIFF_TIMEOUT)
		add(t, "%s only, ", side_text[f->side[0].is_there ? 0 : 1]);
	if (is_tcp(s) && s->packet.flags & (TCP_SYN | TCP_FIN | TCP_RST))
		add_flags(t, s);
	else
		add_bytes(t, s->len ? s->len : s->end - s->at);
}

static void add_payload(struct text *t, const struct diff_found *f)
{
	const struct diff_side *p = &f->side[COMPARE_PRIMARY];
	const struct diff_side *s = &f->side[COMPARE_SECONDARY];
	size_t len;
	const char *name = diff_header(p, p->at, &len);

	add(t, ", ");
	add_bytes(t, p->len);
	if (p->len != s->len)
		add(t, " against %" PRIu32, s->len);
	if (name)
		add(t, ", header %.*s", (int)len, name);
}

/**
 * diff_text - a difference in words, without its place
 * @buf:	gets the text
 * @len:	room there
 * @f:		the difference
 */
void diff_text(char *buf, size_t len, const struct diff_found *f)
{
	struct text t = { .buf = buf, .cap = len };

	add(&t, "%s", kind_text[f->kind]);
	switch (f->kind) {
	case DIFF_PAYLOAD:
		add_payload(&t, f);
		break;
	case DIFF_MISSING:
	case DIFF_EXTRA:
	case DIFF_TIMEOUT:
		add_lone(&t, f);
		break;
	case DIFF_FLAG:
		add(&t, ", ");
		add_flags(&t, &f->side[COMPARE_PRIMARY]);
		add(&t, " against ");
		add_flags(&t, &f->side[COMPARE_SECONDARY]);
		break;
	default:
		break;
	}
}

static void flow_of_side(char *buf, size_t len, const struct diff_side *s)
{
	struct flow_key key;

	if (flow_key_of(&key, &s->packet, false) == 0)
		flow_key_text(&key, buf, len);
	else
		snprintf(buf, len, "type 0x%04x", s->packet.ethertype);
}

/**
 * diff_flow_text - the flow of a difference, in the primary's terms
 * @buf:	gets the text
 * @len:	room there, FLOW_TEXT_MAX is enough
 * @f:		the difference
 */
void diff_flow_text(char *buf, size_t len, const struct diff_found *f)
{
	const struct diff_side *s = f->side[0].is_there ? &f->side[0] :
							  &f->side[1];

	if (s->is_there)
		flow_of_side(buf, len, s);
	else if (f->key && f->key->ip_version)
		flow_key_text(f->key, buf, len);
	else
		snprintf(buf, len, "not IP");
}

static void print_bytes(FILE *out, const char *name, const struct diff_side *s)
{
	uint32_t len = s->end - s->at;
	const uint8_t *bytes;

	if (!s->is_there || !len)
		return;
	bytes = frame_eth(&s->frame) + s->at;
	if (len > SHOWN_MAX)
		len = SHOWN_MAX;
	fprintf(out, "  %-9s", name);
	for (uint32_t i = 0; i < SHOWN_MAX; i++) {
		if (i < len)
			fprintf(out, " %02x", bytes[i]);
		else
			fprintf(out, "   ");
	}
	fprintf(out, "  ");
	for (uint32_t i = 0; i < len; i++)
		fputc(bytes[i] >= ' ' && bytes[i] < 0x7f ? bytes[i] : '.', out);
	fputc('\n', out);
}

static void print_time(FILE *out, uint64_t ns)
{
	fprintf(out, "%" PRIu64 ".%06" PRIu64, ns / NS_PER_S,
		ns % NS_PER_S / 1000);
}

static uint64_t time_told(const struct diff *d, uint64_t ns)
{
	return ns > d->epoch_ns ? ns - d->epoch_ns : 0;
}

static uint64_t time_of(const struct diff *d, const struct diff_found *f)
{
	const struct diff_side *s = f->side[0].is_there ? &f->side[0] :
							  &f->side[1];

	if (d->now_ns)
		return d->now_ns;
	return s->is_there ? time_told(d, s->frame.time_ns) : 0;
}

/**
 * diff_print - a difference as text, both sides' bytes below each other
 * @d:		the report
 * @f:		the difference
 */
void diff_print(struct diff *d, const struct diff_found *f)
{
	char flow[FLOW_TEXT_MAX], text[DIFF_TEXT_MAX];

	diff_flow_text(flow, sizeof(flow), f);
	diff_text(text, sizeof(text), f);
	print_time(d->text, time_of(d, f));
	fprintf(d->text, " %s offset %" PRIu32 ": %s\n", flow, f->offset,
		text);
	for (unsigned i = 0; i < 2; i++)
		print_bytes(d->text, side_text[i], &f->side[i]);
}

static void print_json_side(struct diff *d, unsigned i,
			    const struct diff_side *s)
{
	uint32_t len = s->end - s->at;
	char flow[FLOW_TEXT_MAX];

	if (!s->is_there)
		return;
	flow_of_side(flow, sizeof(flow), s);
	fprintf(d->json, ",\"%s\":{\"flow\":\"%s\",\"length\":%" PRIu32,
		side_text[i], flow, s->len);
	if (!d->now_ns) {
		fprintf(d->json, ",\"captured\":");
		print_time(d->json, s->frame.time_ns + d->shift_ns[i]);
	}
	fprintf(d->json, ",\"bytes\":\"");
	for (uint32_t j = 0; j < len && j < SHOWN_MAX; j++)
		fprintf(d->json, "%02x", frame_eth(&s->frame)[s->at + j]);
	fprintf(d->json, "\"}");
}

/**
 * diff_print_json - a difference as a line of JSON
 * @d:		the report
 * @f:		the difference
 */
void diff_print_json(struct diff *d, const struct diff_found *f)
{
	char flow[FLOW_TEXT_MAX], text[DIFF_TEXT_MAX];

	diff_flow_text(flow, sizeof(flow), f);
	diff_text(text, sizeof(text), f);
	fprintf(d->json, "{\"time\":");
	print_time(d->json, time_of(d, f));
	fprintf(d->json, ",\"flow\":\"%s\",\"offset\":%" PRIu32
		",\"kind\":\"%s\",\"text\":\"%s\"", flow, f->offset,
		kind_text[f->kind], text);
	for (unsigned i = 0; i < 2; i++)
		print_json_side(d, i, &f->side[i]);
	fprintf(d->json, "}\n");
}

static void print_row(FILE *out, const char *name, const uint64_t n[2])
{
	if (n[0] || n[1])
		fprintf(out, "%-14s %12" PRIu64 " %12" PRIu64 "\n", name, n[0],
			n[1]);
}

static void print_packets(const struct diff *d)
{
	fprintf(d->text, "\n%-14s %12s %12s\n", "packets", "primary",
		"secondary");
	fprintf(d->text, "%-14s %12" PRIu64 " %12" PRIu64 "\n", "compared",
		d->n_packets[0], d->n_packets[1]);
	print_row(d->text, "  cut short", d->n_cut);
	print_row(d->text, "ignored", d->n_ignored);
	print_row(d->text, "not selected", d->n_other);
	print_row(d->text, "too short", d->n_short);
}

static void print_kinds(const struct diff *d)
{
	fprintf(d->text, "\n%-14s %12s %12s %12s\n", "differences", "found",
		"ignored", "learnt");
	for (unsigned i = 0; i < DIFF_KINDS; i++) {
		const uint64_t *n = d->n[i];

		if (n[DIFF_TOLD] || n[DIFF_IGNORED] || n[DIFF_LEARNT])
			fprintf(d->text, "%-14s %12" PRIu64 " %12" PRIu64
				" %12" PRIu64 "\n", kind_text[i], n[DIFF_TOLD],
				n[DIFF_IGNORED], n[DIFF_LEARNT]);
	}
	fprintf(d->text, "%-14s %12" PRIu64 "\n", "total", diff_total(d));
	if (d->n_midstream)
		fprintf(d->text, "\nflows that begin in midstream: %" PRIu64
			"\n", d->n_midstream);
}

static void print_midstream_json(struct diff *d, uint64_t ns, const char *flow,
				 const struct compare_midstream *m)
{
	fprintf(d->json, "{\"time\":");
	print_time(d->json, ns);
	fprintf(d->json, ",\"flow\":\"%s\",\"note\":\"midstream\",\"found\":%s,"
		"\"skipped\":{\"primary\":%" PRIu32 ",\"secondary\":%" PRIu32
		"}}\n", flow, m->is_found ? "true" : "false", m->skipped[0],
		m->skipped[1]);
}

/**
 * diff_midstream - a flow is compared from its middle on
 * @d:		the report
 * @m:		borrowed
 */
void diff_midstream(struct diff *d, const struct compare_midstream *m)
{
	const struct frame *f = &m->frame[m->frame[0].data ? 0 : 1];
	char flow[FLOW_TEXT_MAX];
	struct diff_side s;
	uint64_t ns;

	d->n_midstream++;
	if (d->is_learning || !f->data)
		return;
	packet_parse(&s.packet, frame_eth(f), frame_eth_len(f));
	flow_of_side(flow, sizeof(flow), &s);
	ns = d->now_ns ? d->now_ns : time_told(d, f->time_ns);
	print_time(d->text, ns);
	fprintf(d->text, " %s: begins in midstream, compared from ", flow);
	if (m->is_found)
		fprintf(d->text, "common bytes on, primary + %" PRIu32
			", secondary + %" PRIu32 "\n", m->skipped[0],
			m->skipped[1]);
	else
		fprintf(d->text, "the first bytes of both on\n");
	if (d->json)
		print_midstream_json(d, ns, flow, m);
}

/**
 * diff_summary - the sums, at the end
 * @d:		the report
 */
void diff_summary(struct diff *d)
{
	print_packets(d);
	print_kinds(d);
}
