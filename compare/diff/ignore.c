/* SPDX-License-Identifier: ISC */
#include "ignore.h"

#include <ctype.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../../common/frame_filter.h"

static const char payload_prefix[] = "payload@";
static const char header_prefix[] = "header@";

/* The text behind a prefix; NULL when the rule has another one. */
static const char *behind(const char *rule, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(rule, prefix, len) ? NULL : rule + len;
}

/* Read a number of 32 bits with this character behind it.
 * Return: where the character stands, or NULL */
static const char *parse_u32(const char *text, char end, uint32_t *n)
{
	unsigned long long value;
	char *rest;

	if (!isdigit((unsigned char)*text))
		return NULL;
	errno = 0;
	value = strtoull(text, &rest, 10);
	if (errno || value > UINT32_MAX || *rest != end)
		return NULL;
	*n = (uint32_t)value;
	return rest;
}

static int add_span(struct ignore *ig, const char *text, char *err,
		    size_t err_len)
{
	struct ignore_span span;
	const char *at = parse_u32(text, '+', &span.offset);

	if (!at || !parse_u32(at + 1, '\0', &span.len) || !span.len ||
	    span.len > UINT32_MAX - span.offset) {
		snprintf(err, err_len, "%s%s is not payload@OFFSET+LEN",
			 payload_prefix, text);
		return -EINVAL;
	}
	ig->spans[ig->n_spans++] = span;
	return 0;
}

static int add_header(struct ignore *ig, const char *name, char *err,
		      size_t err_len)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++) {
		if (isalnum((unsigned char)name[i]) || strchr("-_", name[i]))
			continue;
		len = 0;
	}
	if (!len) {
		snprintf(err, err_len, "%s%s is not header@NAME",
			 header_prefix, name);
		return -EINVAL;
	}
	ig->headers[ig->n_headers++] = name;
	return 0;
}

/* A filter may make sense on one link type only: it is good if there is one. */
static int add_filter(struct ignore *ig, const char *filter, char *err,
		      size_t err_len)
{
	static const int linktypes[] = { DLT_LINUX_SLL2, DLT_RAW, DLT_EN10MB };
	struct bpf_program program;
	int result = -EINVAL;

	for (unsigned i = 0; i < 3 && result < 0; i++) {
		result = frame_filter_compile(&program, filter, linktypes[i],
					      err, err_len);
		if (result == 0)
			pcap_freecode(&program);
	}
	if (result == 0)
		ig->filters[ig->n_filters++] = filter;
	return result;
}

/**
 * ignore_add() - Read a rule
 * @ig:		Gets it
 * @rule:	Text, borrowed for as long as @ig is used
 * @err:	Gets one line that says what is wrong with it
 * @err_len:	Bytes of room
 *
 * Return: 0, -EINVAL when it is no rule, -E2BIG when there are too many
 */
int ignore_add(struct ignore *ig, const char *rule, char *err, size_t err_len)
{
	const char *span = behind(rule, payload_prefix);
	const char *header = behind(rule, header_prefix);

	if (ig->n_spans + ig->n_headers + ig->n_filters >= IGNORE_MAX) {
		snprintf(err, err_len, "more than %d rules", IGNORE_MAX);
		return -E2BIG;
	}
	if (span)
		return add_span(ig, span, err, err_len);
	if (header)
		return add_header(ig, header, err, err_len);
	return add_filter(ig, rule, err, err_len);
}

static void free_programs(struct bpf_program *programs, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		pcap_freecode(&programs[i]);
	free(programs);
}

static struct ignore_filters *find_compiled(struct ignore *ig, int linktype)
{
	for (unsigned i = 0; i < ig->n_compiled; i++)
		if (ig->compiled[i].linktype == linktype)
			return &ig->compiled[i];
	return NULL;
}

/**
 * ignore_compile() - Compile the filters for the frames of a link type
 * @ig:		The rules; ignore_fini() frees what is compiled
 * @linktype:	The DLT_ of these frames, from libpcap
 * @err:	Gets one line that says what is wrong
 * @err_len:	Bytes of room
 *
 * Return: 0, or -EINVAL when a filter makes no sense on this link type
 */
int ignore_compile(struct ignore *ig, int linktype, char *err, size_t err_len)
{
	struct bpf_program *programs;
	struct ignore_filters *f;
	int result = 0;

	if (!ig->n_filters || find_compiled(ig, linktype))
		return 0;
	if (ig->n_compiled == IGNORE_LINKTYPES_MAX) {
		snprintf(err, err_len, "too many link types");
		return -EINVAL;
	}
	programs = calloc(ig->n_filters, sizeof(*programs));
	if (!programs)
		abort();
	for (unsigned i = 0; i < ig->n_filters && result == 0; i++)
		result = frame_filter_compile(&programs[i], ig->filters[i],
					      linktype, err, err_len);
	if (result < 0) {
		free_programs(programs, ig->n_filters);
		programs = NULL;
	}
	f = &ig->compiled[ig->n_compiled++];
	*f = (struct ignore_filters){ linktype, programs };
	return result;
}

/**
 * ignore_fini() - Free the compiled filters
 * @ig:		The rules; they stay
 */
void ignore_fini(struct ignore *ig)
{
	for (unsigned i = 0; i < ig->n_compiled; i++)
		if (ig->compiled[i].programs)
			free_programs(ig->compiled[i].programs, ig->n_filters);
	ig->n_compiled = 0;
}

/**
 * ignore_frame() - Does a filter match a frame?
 * @ig:		The rules
 * @linktype:	The frame's DLT_, from libpcap. A file may have frames of several:
 *		the filters are compiled when the first one comes
 * @bytes:	The frame as captured, with its link header
 * @len:	Bytes captured
 * @wire_len:	Bytes that the frame had
 *
 * Return: true when a filter matches; false for all frames of a link type on
 * which a filter makes no sense
 */
bool ignore_frame(struct ignore *ig, int linktype, const uint8_t *bytes,
		  uint32_t len, uint32_t wire_len)
{
	const struct pcap_pkthdr h = { .caplen = len, .len = wire_len };
	const struct ignore_filters *f;
	char err[512];

	ignore_compile(ig, linktype, err, sizeof(err));
	f = find_compiled(ig, linktype);
	if (!f || !f->programs)
		return false;
	for (unsigned i = 0; i < ig->n_filters; i++)
		if (pcap_offline_filter(&f->programs[i], &h, bytes))
			return true;
	return false;
}

/**
 * ignore_bytes() - Does a payload@ rule name a byte?
 * @ig:		The rules
 * @at:		Offset of the byte in its stream or datagram
 * @gap:	Set when none does: how many bytes from @at on no rule names;
 *		UINT32_MAX for all of them
 *
 * Return: how many bytes from @at on a rule names; 0 when none names this one
 */
uint32_t ignore_bytes(const struct ignore *ig, uint32_t at, uint32_t *gap)
{
	*gap = UINT32_MAX;
	for (unsigned i = 0; i < ig->n_spans; i++) {
		const struct ignore_span *s = &ig->spans[i];

		if (at >= s->offset && at - s->offset < s->len)
			return s->len - (at - s->offset);
		if (at < s->offset && s->offset - at < *gap)
			*gap = s->offset - at;
	}
	return 0;
}

/**
 * ignore_header() - Does a header@ rule name a line?
 * @ig:		The rules
 * @name:	The line's name, before its colon
 * @len:	Bytes of the name
 *
 * Return: true when a rule does, in whatever case
 */
bool ignore_header(const struct ignore *ig, const char *name, size_t len)
{
	for (unsigned i = 0; i < ig->n_headers; i++)
		if (strlen(ig->headers[i]) == len &&
		    !strncasecmp(ig->headers[i], name, len))
			return true;
	return false;
}
