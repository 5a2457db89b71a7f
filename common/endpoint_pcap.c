/* SPDX-License-Identifier: ISC */
/*
 * Captures (libpcap: pcap and pcapng are read, pcap is written). Link types
 * without an Ethernet header get one made of zeros. When every input is a
 * capture, the loop reads them merged by time and their clock is its clock.
 */
#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <pcap/sll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "endpoint_impl.h"
#include "endpoint_set.h"
#include "file.h"
#include "time.h"
#include "vnet.h"

#define FRAMES_A_TURN 256
#define ETH_LEN 14u
#define TIME_MAX_S (1ull << 32)	/* year 2106: sums with timeouts do not wrap */

struct endpoint_pcap {
	pcap_t *in;
	int linktype;
	struct pcap_pkthdr *next;	/* read ahead; NULL at the end */
	const uint8_t *next_bytes;
	uint64_t shift_ns;		/* taken off the capture's times */
	pcap_t *dead;			/* what a dumper hangs on */
	pcap_dumper_t *out;
	int write_err;			/* of stdio, whose errno is soon lost */
};

/* Read one packet ahead: its time decides whose turn it is. */
static void read_ahead(struct endpoint *ep)
{
	struct endpoint_pcap *p = ep->pcap;
	int rc = pcap_next_ex(p->in, &p->next, &p->next_bytes);

	if (rc == 1)
		return;
	p->next = NULL;
	if (rc == PCAP_ERROR) {
		log_error(ep->name, "%s: %s", ep->spec.target,
			  pcap_geterr(p->in));
		endpoint_set_fail(ep->set);
	}
}

/* A capture may say anything. It was opened with nanoseconds: tv_usec holds
 * them. */
static uint64_t time_of(const struct timeval *ts)
{
	uint64_t ns = ts->tv_usec < 0 ? 0 : (uint64_t)ts->tv_usec;

	if (ts->tv_sec < 0)
		return 0;
	if ((uint64_t)ts->tv_sec >= TIME_MAX_S)
		return TIME_MAX_S * NS_PER_S;
	return (uint64_t)ts->tv_sec * NS_PER_S +
	       (ns < NS_PER_S ? ns : NS_PER_S - 1);
}

/**
 * endpoint_pcap_next_ns() - When was the next frame captured?
 * @ep:		A capture that is read
 *
 * The clock of who captures may be set back. With from_start the first frame is
 * at 1 s, and what was captured more than a second before it is at 1 ns.
 *
 * Return: nanoseconds since 1970 or the start; UINT64_MAX at the end
 */
uint64_t endpoint_pcap_next_ns(const struct endpoint *ep)
{
	const struct endpoint_pcap *p = ep->pcap;
	int64_t ns;

	if (!p->next)
		return UINT64_MAX;
	ns = (int64_t)(time_of(&p->next->ts) - p->shift_ns);
	return ns > 0 || !p->shift_ns ? (uint64_t)ns : 1;
}

/**
 * endpoint_pcap_yield() - Read other captures before this one, whatever the time
 * @ep:		A capture that is read
 * @yields:	Until false is said, or it is the only one left
 */
void endpoint_pcap_yield(struct endpoint *ep, bool yields)
{
	ep->yields = yields;
}

/**
 * endpoint_pcap_look() - What is there to know of a capture?
 * @ep:		Any endpoint
 * @c:		Filled
 *
 * Return: false when it is no capture that is read
 */
bool endpoint_pcap_look(const struct endpoint *ep, struct endpoint_capture *c)
{
	struct stat st;
	FILE *file;

	if (!ep->pcap || !ep->pcap->in)
		return false;
	*c = (struct endpoint_capture){
		.linktype = ep->pcap->linktype,
		.shift_ns = ep->pcap->shift_ns,
	};
	file = pcap_file(ep->pcap->in);
	if (file && fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode)) {
		c->at = (uint64_t)ftello(file);
		c->size = (uint64_t)st.st_size;
	}
	return true;
}

/**
 * endpoint_pcap_captured() - The frame that on_frames() is called with, as it was
 * @ep:		A capture that is read
 *
 * Return: its bytes with the capture's own link header; good for the call
 */
struct endpoint_captured endpoint_pcap_captured(const struct endpoint *ep)
{
	return (struct endpoint_captured){
		.bytes = ep->pcap->next_bytes,
		.len = ep->pcap->next->caplen,
		.wire_len = ep->pcap->next->len,
	};
}

/* Bytes of link header to take off, and the EtherType behind it. */
static int link_header(int linktype, const uint8_t *p, size_t len,
		       uint16_t *ethertype)
{
	size_t skip = 0;

	switch (linktype) {
	case DLT_LINUX_SLL:
		skip = SLL_HDR_LEN;
		if (len < skip)
			return -EINVAL;
		*ethertype = bytes_get16(p + 14);
		break;
	case DLT_LINUX_SLL2:
		skip = SLL2_HDR_LEN;
		if (len < skip)
			return -EINVAL;
		*ethertype = bytes_get16(p);
		break;
	default:			/* raw IP */
		if (len < 1)
			return -EINVAL;
		*ethertype = p[0] >> 4 == 6 ? 0x86dd : 0x0800;
	}
	return (int)skip;
}

static int put_frame(const struct endpoint_pcap *p, uint8_t *at)
{
	const uint8_t *bytes = p->next_bytes;
	size_t len = p->next->caplen, eth_len = 0;
	uint16_t ethertype;

	if (p->linktype != DLT_EN10MB) {
		int skip = link_header(p->linktype, bytes, len, &ethertype);

		if (skip < 0)
			return skip;
		bytes += skip;
		len -= (size_t)skip;
		eth_len = ETH_LEN;
	}
	if (len + eth_len > FRAME_LEN_MAX || len == 0)
		return -EMSGSIZE;
	if (eth_len) {
		memset(at + 4, 0, 12);
		bytes_put16(at + 4 + 12, ethertype);
	}
	memcpy(at + 4 + eth_len, bytes, len);
	return (int)(frame_prefix_put(at, (uint32_t)(eth_len + len), 0,
				      false) + eth_len + len);
}

/* The frame that is read ahead goes to the tool, with its time. */
static void deliver_next(struct endpoint *ep, uint64_t time_ns)
{
	size_t len;
	uint8_t *room = frame_decoder_room(&ep->decoder, &len);
	struct frame f;
	uint32_t bad;
	int n = put_frame(ep->pcap, room);

	if (n < 0) {
		ep->count.bad++;
		log_warn(ep->name, "a packet of %u bytes is no frame: skipped",
			 ep->pcap->next->caplen);
		return;
	}
	frame_decoder_filled(&ep->decoder, (size_t)n);
	if (frame_decoder_batch(&ep->decoder, &f, 1, &bad) != 1)
		return;
	f.time_ns = time_ns;
	ep->count.in++;
	ep->count.in_bytes += f.len;
	if (ep->handler.on_frames)
		ep->handler.on_frames(ep, &f, 1, ep->handler.arg);
}

/**
 * endpoint_pcap_read_until() - Deliver the frames up to a point of time
 * @ep:		A capture that is read
 * @limit_ns:	Not those captured after this
 *
 * One turn's worth at most; the end of the capture ends the input.
 */
void endpoint_pcap_read_until(struct endpoint *ep, uint64_t limit_ns)
{
	bool yields = ep->yields;

	for (int i = 0; i < FRAMES_A_TURN && endpoint_poll_reads(ep) &&
			ep->yields == yields; i++) {
		uint64_t now_ns = endpoint_pcap_next_ns(ep);

		if (now_ns == UINT64_MAX) {
			endpoint_link_input_over(ep, 0, "read");
			return;
		}
		if (now_ns > limit_ns)
			return;
		clock_advance(ep->set->clock, now_ns);
		/* a timer or the tool may have stopped or closed it */
		if (!endpoint_poll_reads(ep))
			return;
		deliver_next(ep, now_ns);
		if (!ep->pcap)
			return;
		read_ahead(ep);
	}
}

static int open_for_reading(struct endpoint *ep)
{
	struct endpoint_pcap *p = ep->pcap;
	char err[PCAP_ERRBUF_SIZE];

	p->in = pcap_open_offline_with_tstamp_precision(
		ep->spec.target, PCAP_TSTAMP_PRECISION_NANO, err);
	if (!p->in) {
		log_error(ep->name, "%s", err);
		return -EIO;
	}
	p->linktype = pcap_datalink(p->in);
	if (p->linktype != DLT_EN10MB && p->linktype != DLT_RAW &&
	    p->linktype != DLT_IPV4 && p->linktype != DLT_IPV6 &&
	    p->linktype != DLT_LINUX_SLL && p->linktype != DLT_LINUX_SLL2) {
		log_error(ep->name, "%s: link type %s is not supported",
			  ep->spec.target, pcap_datalink_val_to_name(
				  p->linktype));
		return -EPROTONOSUPPORT;
	}
	read_ahead(ep);
	if (ep->spec.from_start && p->next)
		p->shift_ns = endpoint_pcap_next_ns(ep) - NS_PER_S;
	ep->always_ready = true;
	return 0;
}

/* As libpcap does, - is standard output. */
static FILE *create_file(const char *path)
{
	bool is_stdout = !strcmp(path, "-");
	int fd = is_stdout ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) :
			     file_create(path);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (fd < 0 && !is_stdout)
		errno = -fd;
	return file;
}

static int open_for_writing(struct endpoint *ep)
{
	struct endpoint_pcap *p = ep->pcap;
	FILE *file;

	p->dead = pcap_open_dead_with_tstamp_precision(
		DLT_EN10MB, FRAME_LEN_MAX, PCAP_TSTAMP_PRECISION_NANO);
	if (!p->dead)
		return -ENOMEM;
	file = create_file(ep->spec.target);
	if (!file) {
		log_error(ep->name, "%s: %s", ep->spec.target,
			  uv_strerror(-errno));
		return -EIO;
	}
	p->out = pcap_dump_fopen(p->dead, file);
	if (!p->out) {
		log_error(ep->name, "%s", pcap_geterr(p->dead));
		return -EIO;
	}
	return 0;
}

static int pcap_kind_open(struct endpoint *ep)
{
	int err;

	if (ep->mode == ENDPOINT_DUPLEX) {
		log_error(ep->name, "a capture is read or written, not both");
		return -EINVAL;
	}
	ep->pcap = calloc(1, sizeof(*ep->pcap));
	if (!ep->pcap)
		abort();
	ep->one_shot = true;
	err = ep->mode == ENDPOINT_READ ? open_for_reading(ep) :
					  open_for_writing(ep);
	if (err < 0)
		return err;
	ep->up = true;
	ep->count.n_up++;
	endpoint_link_settled(ep);
	return 0;
}

static void pcap_kind_close(struct endpoint *ep)
{
	struct endpoint_pcap *p = ep->pcap;

	if (!p)
		return;
	if (p->out)
		pcap_dump_close(p->out);
	if (p->dead)
		pcap_close(p->dead);
	if (p->in)
		pcap_close(p->in);
	free(p);
	ep->pcap = NULL;
}

static void pcap_read(struct endpoint *ep)
{
	endpoint_pcap_read_until(ep, UINT64_MAX);
}

static void dump(void *arg, const struct frame *f)
{
	struct endpoint *ep = arg;
	struct pcap_pkthdr h = { .caplen = frame_eth_len(f),
				 .len = frame_eth_len(f) };
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	h.ts.tv_sec = now.tv_sec;
	h.ts.tv_usec = now.tv_nsec;
	if (f->time_ns) {
		h.ts.tv_sec = (time_t)(f->time_ns / NS_PER_S);
		h.ts.tv_usec = (suseconds_t)(f->time_ns % NS_PER_S);
	}
	errno = 0;
	pcap_dump((u_char *)ep->pcap->out, &h, frame_eth(f));
	if (!ep->pcap->write_err && ferror(pcap_dump_file(ep->pcap->out)))
		ep->pcap->write_err = errno ? -errno : -EIO;
	ep->count.out++;
	ep->count.out_bytes += h.caplen;
}

static void pcap_send(struct endpoint *ep, const struct frame *f)
{
	uint64_t before = ep->count.out;

	if (!f->vnet_len || vnet_is_trivial(f))
		dump(ep, f);
	else if (vnet_to_plain(f, dump, ep) < 0)
		ep->count.drop_link++;
	else
		ep->count.segmented += ep->count.out - before - 1;
}

static void pcap_write(struct endpoint *ep)
{
	int err = ep->pcap->write_err;

	errno = 0;
	if (!err && pcap_dump_flush(ep->pcap->out))
		err = errno ? -errno : -EIO;
	if (err)
		endpoint_link_output_dead(ep, err, ep->spec.target);
}

const struct endpoint_ops endpoint_pcap_ops = {
	.form = OUTQ_PLAIN,
	.open = pcap_kind_open,
	.read = pcap_read,
	.write = pcap_write,
	.send = pcap_send,
	.close = pcap_kind_close,
};
