/* SPDX-License-Identifier: ISC */
/*
 * Captures: pcap and pcapng are read, pcap is written by libpcap. Link types
 * without an Ethernet header get one made of zeros. With takes_any a packet whose
 * link header is not known, or not all there, is handed on, behind a header with
 * an EtherType that nobody has. When every input is a capture, the loop reads
 * them merged by time and their clock is its clock.
 */
#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "capture_in.h"
#include "endpoint_impl.h"
#include "endpoint_set.h"
#include "file.h"
#include "link_type.h"
#include "time.h"
#include "vnet.h"

#define FRAMES_A_TURN 256
#define ETH_LEN 14u
#define TIME_MAX_S (1ull << 32)	/* year 2106: sums with timeouts do not wrap */

struct endpoint_pcap {
	struct capture_in *in;
	struct pcapng_in_packet next;	/* read ahead */
	uint32_t number;		/* of it, from 1 on; UINT32_MAX at most */
	bool is_over;			/* there is no next one */
	bool is_refused;		/* the first one is of no known link */
	uint64_t shift_ns;		/* taken off the capture's times */
	pcap_t *dead;			/* what a dumper hangs on */
	pcap_dumper_t *out;
	int write_err;			/* of stdio, whose errno is soon lost */
};

static int look_at_first(struct endpoint *ep);

/* Nothing more is read. */
static void read_failed(struct endpoint *ep)
{
	ep->pcap->is_over = true;
	endpoint_set_fail(ep->set);
}

/* Read one packet ahead: its time decides whose turn it is. Through a pipe it may
 * not have come: then the others wait, and the pipe is polled. */
static void read_ahead(struct endpoint *ep)
{
	struct endpoint_pcap *p = ep->pcap;
	int rc = capture_in_next(p->in, &p->next);

	ep->is_ahead = rc != -EAGAIN;
	if (rc == 1) {
		p->number += p->number < UINT32_MAX;
		p->is_refused = p->number == 1 && look_at_first(ep) < 0;
		if (p->is_refused)
			read_failed(ep);
	} else if (rc == 0) {
		p->is_over = true;
	} else if (rc != -EAGAIN) {
		log_error(ep->name, "%s: %s", ep->spec.target,
			  capture_in_error(p->in));
		read_failed(ep);
	}
	endpoint_poll_update(ep);
}

/* A capture may say anything. */
static uint64_t time_of(const struct pcapng_in_packet *p)
{
	if (p->time_s < 0)
		return 0;
	if ((uint64_t)p->time_s >= TIME_MAX_S)
		return TIME_MAX_S * NS_PER_S;
	return (uint64_t)p->time_s * NS_PER_S + p->time_ns;
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

	if (p->is_over)
		return UINT64_MAX;
	ns = (int64_t)(time_of(&p->next) - p->shift_ns);
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

static int linktype_of(const struct endpoint_pcap *p)
{
	int linktype = capture_in_linktype(p->in);

	if (linktype < 0)
		return p->number && !p->is_over ? p->next.linktype : DLT_EN10MB;
	return linktype;
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
		.linktype = linktype_of(ep->pcap),
		.shift_ns = ep->pcap->shift_ns,
	};
	file = capture_in_file(ep->pcap->in);
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
		.linktype = ep->pcap->next.linktype,
		.bytes = ep->pcap->next.bytes,
		.len = ep->pcap->next.len,
		.wire_len = ep->pcap->next.wire_len,
	};
}

/* The length of a packet's link header, and the EtherType behind it; -EINVAL when it
 * is not all there, -EPROTONOSUPPORT when it is not known. */
static int skip_link(const struct pcapng_in_packet *p, uint16_t *ethertype)
{
	if (!link_type_is_known(p->linktype))
		return -EPROTONOSUPPORT;
	if (p->linktype == DLT_EN10MB)
		return p->len ? 0 : -EINVAL;
	return link_type_skip(p->linktype, p->bytes, p->len, ethertype);
}

/* Return: bytes at @at; or what is wrong with the packet */
static int put_frame(const struct endpoint *ep, uint8_t *at)
{
	const struct pcapng_in_packet *p = &ep->pcap->next;
	uint16_t ethertype = LINK_TYPE_RESERVED;
	int skip = skip_link(p, &ethertype);
	bool is_ether = p->linktype == DLT_EN10MB && skip == 0;
	size_t len, eth_len = is_ether ? 0 : ETH_LEN;

	if (skip < 0 && !ep->spec.takes_any)
		return skip;
	if (skip < 0)
		skip = 0;
	len = p->len - (size_t)skip;
	if (len + eth_len > FRAME_LEN_MAX)
		return -EMSGSIZE;
	if (eth_len) {
		memset(at + 4, 0, 12);
		bytes_put16(at + 4 + 12, ethertype);
	}
	if (len)
		memcpy(at + 4 + eth_len, p->bytes + skip, len);
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
	int n = put_frame(ep, room);

	if (n < 0) {
		ep->count.bad++;
		log_warn(ep->name, "packet %u, of %u bytes, is no frame: skipped",
			 ep->pcap->number, ep->pcap->next.len);
		return;
	}
	frame_decoder_filled(&ep->decoder, (size_t)n);
	if (frame_decoder_batch(&ep->decoder, &f, 1, &bad) != 1)
		return;
	f.number = ep->pcap->number;
	f.cut = ep->pcap->next.wire_len - ep->pcap->next.len;
	f.time_ns = time_ns;
	ep->count.in++;
	ep->count.in_bytes += f.len;
	endpoint_show(ep, false, &f, 1);
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
			ep->is_ahead && ep->yields == yields; i++) {
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

static int settle(struct endpoint *ep)
{
	ep->up = true;
	ep->count.n_up++;
	endpoint_link_settled(ep);
	return 0;
}

static int look_at_first(struct endpoint *ep)
{
	struct endpoint_pcap *p = ep->pcap;
	int linktype = linktype_of(p);
	const char *name = pcap_datalink_val_to_name(linktype);

	if (!link_type_is_known(linktype) && !ep->spec.takes_any) {
		log_error(ep->name, "%s: link type %d%s%s is not supported",
			  ep->spec.target, linktype, name ? ", " : "",
			  name ? name : "");
		return -EPROTONOSUPPORT;
	}
	if (ep->spec.from_start)
		p->shift_ns = endpoint_pcap_next_ns(ep) - NS_PER_S;
	return 0;
}

/* A pipe is polled, and waited for like a socket. */
static int open_pipe(struct endpoint *ep, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (fd == STDIN_FILENO)		/* somebody else may have it, too */
		ep->fd_flags = flags;
	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	return endpoint_link_up(ep, fd, true);
}

static int open_for_reading(struct endpoint *ep)
{
	struct endpoint_pcap *p = ep->pcap;
	char err[CAPTURE_IN_ERROR_MAX];
	int fd;

	p->in = capture_in_open(ep->spec.target, err);
	if (!p->in) {
		log_error(ep->name, "%s: %s", ep->spec.target, err);
		return -EIO;
	}
	fd = capture_in_fd(p->in);
	if (fd >= 0)
		return open_pipe(ep, fd);
	read_ahead(ep);
	if (p->is_refused)
		return -EPROTONOSUPPORT;
	ep->always_ready = true;
	return settle(ep);
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
	return settle(ep);
}

static int pcap_kind_open(struct endpoint *ep)
{
	if (ep->mode == ENDPOINT_DUPLEX) {
		log_error(ep->name, "a capture is read or written, not both: "
			  "--%s-in or --%s-out?", ep->name, ep->name);
		return -EINVAL;
	}
	ep->pcap = calloc(1, sizeof(*ep->pcap));
	if (!ep->pcap)
		abort();
	ep->one_shot = true;
	return ep->mode == ENDPOINT_READ ? open_for_reading(ep) :
					   open_for_writing(ep);
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
		capture_in_close(p->in);
	free(p);
	ep->pcap = NULL;
}

/* The pipe of a capture can be read. */
static void pcap_read(struct endpoint *ep)
{
	if (ep->is_ahead) {
		endpoint_pcap_read_until(ep, UINT64_MAX);
		return;
	}
	capture_in_fill(ep->pcap->in);
	read_ahead(ep);
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
