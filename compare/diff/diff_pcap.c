/* SPDX-License-Identifier: ISC */
/*
 * --diff-pcap: the packets of both sides that differ, for Wireshark. Two
 * interfaces say which side a packet is of, its comments what differs. A pair
 * of packets that differ in many places is written once.
 */
#include <errno.h>
#include <pcap/dlt.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/file.h"
#include "../../common/flow.h"
#include "diff.h"
#include "pcapng.h"

#define COMMENTS_MAX 32u	/* of a packet; the rest is only counted */
#define PREFIX_LEN 12u		/* `secondary: ` */
#define COMMENT_LEN (FLOW_TEXT_MAX + DIFF_TEXT_MAX + 64u)

struct kept {			/* a side's packet, not written yet */
	bool is_there;
	uint64_t time_ns;
	uint32_t len, wire_len;
	uint8_t bytes[FRAME_LEN_MAX];
};

struct diff_pcap {
	FILE *file;
	struct pcapng blocks;
	struct kept kept[2];
	char comments[COMMENTS_MAX][COMMENT_LEN];
	unsigned n_comments;	/* may be more than there is room for */
	int err;		/* the first one */
};

static void write_blocks(struct diff_pcap *p)
{
	errno = 0;
	if (!p->err && fwrite(p->blocks.bytes, 1, p->blocks.len, p->file) !=
		       p->blocks.len)
		p->err = errno ? -errno : -EIO;
	p->blocks.len = 0;
}

/**
 * diff_pcap_open - begin a file
 * @out:	gets it, for diff_pcap_close()
 * @path:	the file; an old one is overwritten
 *
 * Return: 0 or a negative errno
 */
int diff_pcap_open(struct diff_pcap **out, const char *path)
{
	int fd = file_create(path);
	struct diff_pcap *p;

	if (fd < 0)
		return fd;
	p = calloc(1, sizeof(*p));
	if (!p || !(p->file = fdopen(fd, "w")))
		abort();
	pcapng_section(&p->blocks, "colo-compare " COLO_VERSION);
	pcapng_interface(&p->blocks, DLT_EN10MB, "primary",
			 "what the primary sent");
	pcapng_interface(&p->blocks, DLT_EN10MB, "secondary",
			 "what the secondary sent");
	write_blocks(p);
	*out = p;
	return 0;
}

static void write_kept(struct diff_pcap *p, uint32_t side)
{
	char lines[COMMENTS_MAX][PREFIX_LEN + COMMENT_LEN];
	const char *comments[COMMENTS_MAX + 1];
	const struct kept *k = &p->kept[side];
	struct pcapng_packet packet = {
		.interface = side,
		.time_ns = k->time_ns,
		.bytes = k->bytes,
		.len = k->len,
		.wire_len = k->wire_len,
		.comments = comments,
	};
	char more[64];

	if (!k->is_there)
		return;
	for (unsigned i = 0; i < p->n_comments && i < COMMENTS_MAX; i++) {
		snprintf(lines[i], sizeof(lines[i]), "%s: %s",
			 side == COMPARE_PRIMARY ? "primary" : "secondary",
			 p->comments[i]);
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

static uint64_t captured_ns(const struct diff *d, unsigned i,
			    const struct diff_side *s)
{
	return d->now_ns ? d->now_ns : s->frame.time_ns + d->shift_ns[i];
}

static bool is_kept(const struct diff_pcap *p, const struct diff *d,
		    unsigned i, const struct diff_side *s)
{
	const struct kept *k = &p->kept[i];

	if (!s->is_there || !k->is_there)
		return s->is_there == k->is_there;
	return k->len == frame_eth_len(&s->frame) &&
	       k->time_ns == captured_ns(d, i, s) &&
	       !memcmp(k->bytes, frame_eth(&s->frame), k->len);
}

static void keep(struct diff_pcap *p, const struct diff *d, unsigned i,
		 const struct diff_side *s)
{
	struct kept *k = &p->kept[i];

	k->is_there = s->is_there;
	if (!s->is_there)
		return;
	k->time_ns = captured_ns(d, i, s);
	k->len = frame_eth_len(&s->frame);
	k->wire_len = packet_wire_len(&s->packet);
	memcpy(k->bytes, frame_eth(&s->frame), k->len);
}

/**
 * diff_pcap_add - write down the packets of a difference
 * @p:		the file; an error shows at diff_pcap_close()
 * @d:		the report
 * @f:		the difference; one without packets leaves no trace
 */
void diff_pcap_add(struct diff_pcap *p, const struct diff *d,
		   const struct diff_found *f)
{
	char flow[FLOW_TEXT_MAX], text[DIFF_TEXT_MAX];

	if (p->err || !(f->side[0].is_there || f->side[1].is_there))
		return;
	if (!is_kept(p, d, 0, &f->side[0]) || !is_kept(p, d, 1, &f->side[1])) {
		write_pair(p);
		keep(p, d, 0, &f->side[0]);
		keep(p, d, 1, &f->side[1]);
	}
	diff_flow_text(flow, sizeof(flow), f);
	diff_text(text, sizeof(text), f);
	if (p->n_comments < COMMENTS_MAX)
		snprintf(p->comments[p->n_comments], COMMENT_LEN,
			 "%s offset %u: %s", flow, (unsigned)f->offset, text);
	p->n_comments++;
}

/**
 * diff_pcap_close - finish the file
 * @p:		freed; may be NULL
 *
 * Return: 0, or the negative errno of what could not be written
 */
int diff_pcap_close(struct diff_pcap *p)
{
	int err;

	if (!p)
		return 0;
	write_pair(p);
	errno = 0;
	if (fclose(p->file) && !p->err)
		p->err = errno ? -errno : -EIO;
	err = p->err;
	pcapng_fini(&p->blocks);
	free(p);
	return err;
}
