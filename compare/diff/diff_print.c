/* SPDX-License-Identifier: ISC */
#include "diff_print.h"

#include <inttypes.h>

#include "../../common/flow_key.h"
#include "../../common/time.h"
#include "diff_text.h"

#define SHOWN_MAX 16u		/* bytes of each side in a line of hex, in JSON */
#define SHOWN_TEXT_MAX 60u	/* in a line of text */

#define BOLD "\033[1m"
#define RED "\033[31m"
#define GREEN "\033[32m"
#define RESET "\033[m"

static void print_color(const struct diff_print *out, const char *color)
{
	if (out->has_color)
		fputs(color, out->text);
}

static uint32_t shown_len(const struct diff_side *s, uint32_t max)
{
	uint32_t len = s->is_there ? s->end - s->at : 0;

	return len > max ? max : len;
}

static bool is_readable(uint8_t byte)
{
	return (byte >= ' ' && byte < 0x7f) || byte == '\n' ||
	       byte == '\r' || byte == '\t';
}

/* Can people read the bytes that differ? Then they are shown as text. */
static bool is_text(const struct diff_side *s)
{
	const uint8_t *bytes = diff_found_bytes(s, s->at);
	uint32_t len = shown_len(s, SHOWN_MAX), n = 0;

	if (s->len && s->len < len)
		len = s->len;

	for (uint32_t i = 0; i < len; i++)
		n += is_readable(bytes[i]);
	return n * 4 >= len * 3;	/* UTF-8 has some that are not */
}

static void print_hex(FILE *out, const struct diff_side *s)
{
	const uint8_t *bytes = diff_found_bytes(s, s->at);
	uint32_t len = shown_len(s, SHOWN_MAX);

	for (uint32_t i = 0; i < SHOWN_MAX; i++) {
		if (i < len)
			fprintf(out, " %02x", bytes[i]);
		else
			fprintf(out, "   ");
	}
	fputc(' ', out);
}

static void print_letters(FILE *out, const struct diff_side *s, uint32_t len)
{
	const uint8_t *bytes = diff_found_bytes(s, s->at);

	fputc(' ', out);
	for (uint32_t i = 0; i < len; i++)
		fputc(bytes[i] >= ' ' && bytes[i] < 0x7f ? bytes[i] : '.', out);
}

/* `width` digits for the number of the frame; none live. */
static void print_side(const struct diff_print *out, unsigned i,
		       const struct diff_found *f, int width, bool has_hex)
{
	const struct diff_side *s = &f->side[i];
	uint32_t len = shown_len(s, f->is_tls ? 0 : has_hex ? SHOWN_MAX :
							      SHOWN_TEXT_MAX);

	if (!s->is_there || !(len || width))
		return;
	print_color(out, i == COMPARE_PRIMARY ? RED : GREEN);
	fprintf(out->text, "  %-9s", diff_text_side(i));
	if (width)
		fprintf(out->text, " frame %-*" PRIu32 " ", width,
			s->frame.number);
	if (len && has_hex)
		print_hex(out->text, s);
	if (len)
		print_letters(out->text, s, len);
	print_color(out, RESET);
	fputc('\n', out->text);
}

static int width_of(const struct diff_found *f)
{
	uint32_t n = 0;
	int width = 0;

	for (unsigned i = 0; i < 2; i++)
		if (f->side[i].is_there && f->side[i].frame.number > n)
			n = f->side[i].frame.number;
	for (; n; n /= 10)
		width++;
	return width;
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

static void print_text(const struct diff_print *out,
		       const struct diff_clock *clock,
		       const struct diff_found *f)
{
	char flow[FLOW_TEXT_MAX], text[DIFF_TEXT_MAX];
	bool has_hex = out->has_hex || !is_text(&f->side[0]) ||
		       !is_text(&f->side[1]);

	diff_text_flow(flow, sizeof(flow), f);
	diff_text(text, sizeof(text), f);
	print_color(out, BOLD);
	print_time_of(out->text, clock, f);
	fprintf(out->text, " %s offset %" PRIu32 ": %s", flow, f->offset, text);
	print_color(out, RESET);
	fputc('\n', out->text);
	for (unsigned i = 0; i < 2; i++)
		print_side(out, i, f, width_of(f), has_hex);
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
	if (s->frame.number)
		fprintf(out, ",\"frame\":%" PRIu32, s->frame.number);
	if (!clock->now_ns) {
		fprintf(out, ",\"captured\":");
		print_time(out, diff_clock_captured_ns(clock, i, &s->frame));
	}
	fprintf(out, ",\"bytes\":\"");
	for (uint32_t j = 0; j < len && j < SHOWN_MAX; j++)
		fprintf(out, "%02x", diff_found_bytes(s, s->at)[j]);
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
 * @out:	Gets it: as text with both sides' frames and bytes below each
 *		other, and as a line of JSON
 * @clock:	When it was
 * @f:		The difference
 */
void diff_print_found(const struct diff_print *out,
		      const struct diff_clock *clock,
		      const struct diff_found *f)
{
	if (out->text)
		print_text(out, clock, f);
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
