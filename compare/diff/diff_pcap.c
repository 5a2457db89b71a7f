/* SPDX-License-Identifier: ISC */
#include "diff_pcap.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pcap/dlt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../common/file.h"
#include "../../common/flow_key.h"
#include "../../common/pcapng.h"
#include "diff_text.h"

#define COMMENTS_MAX 32u	/* of a packet; further ones are only counted */
#define PREFIX_LEN 12u		/* `secondary: ` */
#define COMMENT_LEN (FLOW_TEXT_MAX + DIFF_TEXT_MAX + 64u)

/* A side's packet that is not written yet. */
struct kept {
	bool is_there;
	uint32_t number;	/* in its capture; 0 live */
	uint64_t time_ns;
	uint32_t len, wire_len;
	uint8_t bytes[FRAME_LEN_MAX];
};

struct diff_pcap {
	FILE *file;		/* NULL after an error */
	const char *path;	/* borrowed */
	uint64_t ring_bytes;	/* or 0 */
	uint64_t n_bytes;	/* of the file */
	bool is_regular;	/* no device, which must not be renamed */
	struct pcapng blocks;
	struct kept kept[2];
	char comments[COMMENTS_MAX][COMMENT_LEN];
	unsigned n_comments;	/* may be over COMMENTS_MAX */
	int err;		/* the first one: nothing more is written */
};

static void write_blocks(struct diff_pcap *p)
{
	errno = 0;
	if (!p->err && fwrite(p->blocks.bytes, 1, p->blocks.len, p->file) !=
		       p->blocks.len)
		p->err = errno ? -errno : -EIO;
	p->n_bytes += p->blocks.len;
	p->blocks.len = 0;
}

/* Return: 0 or a negative errno; there is no file then */
static int begin_file(struct diff_pcap *p)
{
	int fd = file_create(p->path);
	struct stat st;

	p->is_regular = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	p->file = fd < 0 ? NULL : fdopen(fd, "w");
	if (fd < 0)
		return fd;
	if (!p->file)
		abort();
	p->n_bytes = 0;
	pcapng_section(&p->blocks, "colo-compare " COLO_VERSION);
	pcapng_interface(&p->blocks, DLT_EN10MB, "primary",
			 "what the primary sent");
	pcapng_interface(&p->blocks, DLT_EN10MB, "secondary",
			 "what the secondary sent");
	write_blocks(p);
	return 0;
}

/**
 * diff_pcap_open() - Begin a file
 * @out:	Gets it; the caller ends it with diff_pcap_close()
 * @path:	The file; an old one is overwritten. Borrowed
 * @ring_bytes:	Keep the last differences only: a file of more than half of this
 *		becomes PATH.1, and another one is begun. 0: keep all
 *
 * Return: 0 or a negative errno
 */
int diff_pcap_open(struct diff_pcap **out, const char *path,
		   uint64_t ring_bytes)
{
	struct diff_pcap *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		abort();
	p->path = path;
	p->ring_bytes = ring_bytes;
	err = begin_file(p);
	if (err < 0)
		free(p);
	else
		*out = p;
	return err;
}

/* Where the packet, and what it was compared with, stand in the captures. */
static void number_text(char *buf, size_t len, const struct diff_pcap *p,
			uint32_t side)
{
	const struct kept *other = &p->kept[!side];
	int n = snprintf(buf, len, "frame %" PRIu32 " of the %s",
			 p->kept[side].number, diff_text_side(side));

	if (other->is_there && other->number)
		snprintf(buf + n, len - (size_t)n, ", frame %" PRIu32
			 " of the %s", other->number, diff_text_side(!side));
}

static void write_kept(struct diff_pcap *p, uint32_t side)
{
	char lines[COMMENTS_MAX][PREFIX_LEN + COMMENT_LEN];
	const char *comments[COMMENTS_MAX + 2];
	const struct kept *k = &p->kept[side];
	struct pcapng_packet packet = {
		.interface = side,
		.time_ns = k->time_ns,
		.bytes = k->bytes,
		.len = k->len,
		.wire_len = k->wire_len,
		.comments = comments,
	};
	char more[64], number[96];

	if (!k->is_there)
		return;
	if (k->number) {
		number_text(number, sizeof(number), p, side);
		comments[packet.n_comments++] = number;
	}
	for (unsigned i = 0; i < p->n_comments && i < COMMENTS_MAX; i++) {
		snprintf(lines[i], sizeof(lines[i]), "%s: %s",
			 diff_text_side(side), p->comments[i]);
		comments[packet.n_comments++] = lines[i];
	}
	if (p->n_comments > COMMENTS_MAX) {
		snprintf(more, sizeof(more), "and %u more differences",
			 p->n_comments - COMMENTS_MAX);
		comments[packet.n_comments++] = more;
	}
	pcapng_packet(&p->blocks, &packet);
}

static void write_pair(struct diff_pcap *p)
{
	write_kept(p, COMPARE_PRIMARY);
	write_kept(p, COMPARE_SECONDARY);
	write_blocks(p);
	p->n_comments = 0;
}

/* Is what a side has there the packet that is kept? */
static bool is_kept(const struct kept *k, uint64_t time_ns,
		    const struct diff_side *s)
{
	if (!s->is_there || !k->is_there)
		return s->is_there == k->is_there;
	return k->len == frame_eth_len(&s->frame) && k->time_ns == time_ns &&
	       k->number == s->frame.number &&
	       !memcmp(k->bytes, frame_eth(&s->frame), k->len);
}

static void keep(struct kept *k, uint64_t time_ns, const struct diff_side *s)
{
	k->is_there = s->is_there;
	if (!s->is_there)
		return;
	k->number = s->frame.number;
	k->time_ns = time_ns;
	k->len = frame_eth_len(&s->frame);
	k->wire_len = packet_wire_len(&s->packet);
	memcpy(k->bytes, frame_eth(&s->frame), k->len);
}

/* Keep the packets of a difference; others that were kept are written. */
static void keep_pair(struct diff_pcap *p, const struct diff_clock *clock,
		      const struct diff_side side[2])
{
	const uint64_t time_ns[2] = {
		diff_clock_captured_ns(clock, 0, &side[0].frame),
		diff_clock_captured_ns(clock, 1, &side[1].frame),
	};

	if (is_kept(&p->kept[0], time_ns[0], &side[0]) &&
	    is_kept(&p->kept[1], time_ns[1], &side[1]))
		return;
	write_pair(p);
	keep(&p->kept[0], time_ns[0], &side[0]);
	keep(&p->kept[1], time_ns[1], &side[1]);
}

static void end_file(struct diff_pcap *p)
{
	errno = 0;
	if (p->file && fclose(p->file) && !p->err)
		p->err = errno ? -errno : -EIO;
	p->file = NULL;
}

/* What was found is in the file at once; the file before it is kept. */
static void turn(struct diff_pcap *p)
{
	char old[PATH_MAX + sizeof(".1")];	/* too long: rename() says so */
	int err;

	write_pair(p);
	p->kept[0].is_there = p->kept[1].is_there = false;
	if (fflush(p->file) && !p->err)
		p->err = -errno;
	if (p->err || !p->is_regular || p->n_bytes <= p->ring_bytes / 2)
		return;
	end_file(p);
	snprintf(old, sizeof(old), "%s.1", p->path);
	err = rename(p->path, old) ? -errno : begin_file(p);
	if (!p->err)
		p->err = err;
}

/**
 * diff_pcap_add() - Write down the packets of a difference
 * @p:		The file
 * @clock:	When it was
 * @f:		The difference. One without packets leaves no trace
 *
 * Return: 0, or the negative errno of a write that has just failed: it is the last
 * one, and diff_pcap_close() has the error, too
 */
int diff_pcap_add(struct diff_pcap *p, const struct diff_clock *clock,
		  const struct diff_found *f)
{
	char flow[FLOW_TEXT_MAX], text[DIFF_TEXT_MAX];

	if (p->err || !(f->side[0].is_there || f->side[1].is_there))
		return 0;
	keep_pair(p, clock, f->side);
	diff_text_flow(flow, sizeof(flow), f);
	diff_text(text, sizeof(text), f);
	if (p->n_comments < COMMENTS_MAX)
		snprintf(p->comments[p->n_comments], COMMENT_LEN,
			 "%s offset %u: %s", flow, (unsigned)f->offset, text);
	p->n_comments++;
	if (p->ring_bytes)
		turn(p);
	return p->err;
}

/**
 * diff_pcap_close() - Finish the file
 * @p:		Freed; may be NULL
 *
 * Return: 0, or the negative errno of the first write that failed
 */
int diff_pcap_close(struct diff_pcap *p)
{
	int err;

	if (!p)
		return 0;
	write_pair(p);
	end_file(p);
	err = p->err;
	pcapng_fini(&p->blocks);
	free(p);
	return err;
}
