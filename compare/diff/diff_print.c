/* SPDX-License-Identifier: ISC */
#include "diff_print.h"

#include <inttypes.h>

#include "../../common/flow_key.h"
#include "../../common/time.h"
#include "diff_text.h"

#define SHOWN_MAX 16u		/* bytes of each side in a line */

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

static void print_time_of(FILE *out, const struct diff_clock *clock,
			  const struct diff_found *f)
{
	print_time(out, diff_clock_told_ns(clock, &diff_found_side(f)->frame));
}

static void print_text(FILE *out, const struct diff_clock *clock,
		       const struct diff_found *f)
{
	char flow[FLOW_TEXT_MAX], text[DIFF_TEXT_MAX];

	diff_text_flow(flow, sizeof(flow), f);
	diff_text(text, sizeof(text), f);
	print_time_of(out, clock, f);
	fprintf(out, " %s offset %" PRIu32 ": %s\n", flow, f->offset, text);
	for (unsigned i = 0; i < 2; i++)
		print_bytes(out, diff_text_side(i), &f->side[i]);
}

static void print_json_side(FILE *out, const struct diff_clock *clock,
			    unsigned i, const struct diff_side *s)
{
	uint32_t len = s->end - s->at;
	char flow[FLOW_TEXT_MAX];

	if (!s->is_there)
		return;
	diff_text_packet_flow(flow, sizeof(flow), &s->packet);
	fprintf(out, ",\"%s\":{\"flow\":\"%s\",\"length\":%" PRIu32,
		diff_text_side(i), flow, s->len);
	if (!clock->now_ns) {
		fprintf(out, ",\"captured\":");
		print_time(out, diff_clock_captured_ns(clock, i, &s->frame));
	}
	fprintf(out, ",\"bytes\":\"");
	for (uint32_t j = 0; j < len && j < SHOWN_MAX; j++)
		fprintf(out, "%02x", frame_eth(&s->frame)[s->at + j]);
	fprintf(out, "\"}");
}

static void print_json(FILE *out, const struct diff_clock *clock,
		       const struct diff_found *f)
{
	char flow[FLOW_TEXT_MAX], text[DIFF_TEXT_MAX];

	diff_text_flow(flow, sizeof(flow), f);
	diff_text(text, sizeof(text), f);
	fprintf(out, "{\"time\":");
	print_time_of(out, clock, f);
	fprintf(out, ",\"flow\":\"%s\",\"offset\":%" PRIu32
		",\"kind\":\"%s\",\"text\":\"%s\"", flow, f->offset,
		diff_text_kind(f->kind), text);
	for (unsigned i = 0; i < 2; i++)
		print_json_side(out, clock, i, &f->side[i]);
	fprintf(out, "}\n");
}

/**
 * diff_print_found() - Print a difference
 * @out:	Gets it: as text with both sides' bytes below each other, and as
 *		a line of JSON
 * @clock:	When it was
 * @f:		The difference
 */
void diff_print_found(const struct diff_print *out,
		      const struct diff_clock *clock,
		      const struct diff_found *f)
{
	if (out->text)
		print_text(out->text, clock, f);
	if (out->json)
		print_json(out->json, clock, f);
}

static void print_midstream_json(FILE *out, uint64_t ns, const char *flow,
				 const struct compare_midstream *m)
{
	fprintf(out, "{\"time\":");
	print_time(out, ns);
	fprintf(out, ",\"flow\":\"%s\",\"note\":\"midstream\",\"found\":%s,"
		"\"skipped\":{\"primary\":%" PRIu32 ",\"secondary\":%" PRIu32
		"}}\n", flow, m->is_found ? "true" : "false", m->skipped[0],
		m->skipped[1]);
}

static void print_midstream(FILE *out, uint64_t ns, const char *flow,
			    const struct compare_midstream *m)
{
	print_time(out, ns);
	fprintf(out, " %s: begins in midstream, compared from ", flow);
	if (m->is_found)
		fprintf(out, "common bytes on, primary + %" PRIu32
			", secondary + %" PRIu32 "\n", m->skipped[0],
			m->skipped[1]);
	else
		fprintf(out, "the first bytes of both on\n");
}

/**
 * diff_print_midstream() - Print from where on a flow is compared
 * @out:	Gets it
 * @clock:	When it was
 * @m:		A flow whose beginning was not captured, borrowed. Nothing is
 *		printed when neither side has bytes of it
 */
void diff_print_midstream(const struct diff_print *out,
			  const struct diff_clock *clock,
			  const struct compare_midstream *m)
{
	const struct frame *f = &m->frame[m->frame[0].data ? 0 : 1];
	char flow[FLOW_TEXT_MAX];
	struct packet p;
	uint64_t ns;

	if (!f->data)
		return;
	packet_parse(&p, frame_eth(f), frame_eth_len(f));
	diff_text_packet_flow(flow, sizeof(flow), &p);
	ns = diff_clock_told_ns(clock, f);
	if (out->text)
		print_midstream(out->text, ns, flow, m);
	if (out->json)
		print_midstream_json(out->json, ns, flow, m);
}
