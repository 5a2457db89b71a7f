/* SPDX-License-Identifier: ISC */
/*
 * The report as text and as JSON lines.
 */
#include <inttypes.h>

#include "../../common/flow.h"
#include "diff.h"

#define SHOWN_MAX 16u		/* bytes of each side in a line */
#define NS_PER_S UINT64_C(1000000000)

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
		print_bytes(d->text, diff_text_side(i), &f->side[i]);
}

static void print_json_side(struct diff *d, unsigned i,
			    const struct diff_side *s)
{
	uint32_t len = s->end - s->at;
	char flow[FLOW_TEXT_MAX];

	if (!s->is_there)
		return;
	diff_text_flow_of(flow, sizeof(flow), s);
	fprintf(d->json, ",\"%s\":{\"flow\":\"%s\",\"length\":%" PRIu32,
		diff_text_side(i), flow, s->len);
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
		diff_text_kind(f->kind), text);
	for (unsigned i = 0; i < 2; i++)
		print_json_side(d, i, &f->side[i]);
	fprintf(d->json, "}\n");
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
	diff_text_flow_of(flow, sizeof(flow), &s);
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
