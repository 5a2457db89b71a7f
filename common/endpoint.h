/* SPDX-License-Identifier: ISC */
#ifndef COLO_ENDPOINT_H
#define COLO_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "endpoint_spec.h"
#include "frame.h"

struct clock;
struct endpoint;
struct uv_loop_s;

/*
 * One end of a wire: a socket, a tap, a capture, standard input or output.
 * It reads batches of frames and writes what it is given, in order, with as
 * few system calls as it can. It connects again by itself.
 */
enum endpoint_mode {
	ENDPOINT_READ = 1,
	ENDPOINT_WRITE = 2,
	ENDPOINT_DUPLEX = 3,
};

enum endpoint_event {
	ENDPOINT_UP,		/* a peer is there; perhaps already while
				   endpoint_open() runs */
	ENDPOINT_DOWN,		/* it went; the endpoint tries again */
	ENDPOINT_END,		/* end of input: nothing will ever come again */
	ENDPOINT_DEAD,		/* output can never be delivered again */
	ENDPOINT_DRAINED,	/* the queue fell to the low-water mark */
};

struct endpoint_handler {
	/* frames and their chunks are borrowed for the call; bytes may be
	 * changed in place, lengths only downwards */
	void (*on_frames)(struct endpoint *ep, struct frame *v, unsigned n,
			  void *arg);
	void (*on_event)(struct endpoint *ep, enum endpoint_event ev, void *arg);
	void *arg;
};

struct endpoint_counters {
	uint64_t in, in_bytes;		/* frames read whole */
	uint64_t out, out_bytes;	/* frames the kernel took whole */
	uint64_t queued, queued_bytes;	/* now */
	uint64_t segmented;		/* frames that GSO segmentation added */
	uint64_t drop_down;		/* sent while no peer was there */
	uint64_t drop_full;		/* refused at the bound */
	uint64_t drop_link;		/* the interface or the peer refused it */
	uint64_t truncated;		/* half frames at the end of a stream */
	uint64_t bad;			/* connections closed for bad bytes */
	uint64_t n_up;			/* connections made */
	uint64_t refused;		/* peers that were sent away */
};

/* Of a capture that is read. */
struct endpoint_capture {
	int linktype;		/* libpcap's DLT_, of the next frame */
	uint64_t shift_ns;	/* taken off its times: from_start */
	uint64_t at, size;	/* bytes of the file; 0 when it has no size */
};

/* Somebody who sees the frames of an endpoint, and has no say. */
struct endpoint_watch {
	/* frames are borrowed for the call, as they come in or go out */
	void (*on_frames)(struct endpoint_watch *w, bool is_out,
			  const struct frame *v, unsigned n);
	struct endpoint *ep;		/* NULL: it has been closed */
	struct endpoint_watch *next;	/* of the endpoint */
};

struct endpoint_captured {	/* a frame as it was captured */
	int linktype;		/* libpcap's DLT_ */
	const uint8_t *bytes;	/* with the link header; borrowed */
	uint32_t len;		/* bytes there */
	uint32_t wire_len;	/* bytes there were */
};

/*
 * All endpoints of a process. Their inputs flow together: a file piped into a
 * tool is not over before its outputs had the chance to connect.
 */
enum endpoint_set_state {
	ENDPOINT_SET_WAITS,	/* for each one's first attempt to connect */
	ENDPOINT_SET_FLOWS,	/* inputs are read */
	ENDPOINT_SET_OVER,	/* nothing is read any more */
};

struct endpoint_set {
	struct uv_loop_s *uv;	/* borrowed */
	struct clock *clock;	/* borrowed; captures advance it */
	struct endpoint *first;	/* all of them, newest first */
	struct endpoint_counters gone;	/* of those closed before the end */
	unsigned n_unsettled;	/* first attempts to connect under way */
	enum endpoint_set_state state;
	bool failed;		/* the process has */
};

int endpoint_open(struct endpoint **out, struct endpoint_set *set,
		  const char *name, const struct endpoint_spec *spec,
		  enum endpoint_mode mode,
		  const struct endpoint_handler *handler);
void endpoint_close(struct endpoint *ep);

bool endpoint_is_up(const struct endpoint *ep);
const char *endpoint_trouble(const struct endpoint *ep);
struct endpoint *endpoint_find(const struct endpoint_set *set, const char *name);
const struct endpoint *endpoint_next(const struct endpoint *ep);
const char *endpoint_name(const struct endpoint *ep);
const struct endpoint_spec *endpoint_get_spec(const struct endpoint *ep);
struct endpoint_counters endpoint_counters(const struct endpoint *ep);

/* endpoint_output.c: what goes out, and back-pressure */
void endpoint_output_send(struct endpoint *ep, const struct frame *v,
			  unsigned n);
unsigned endpoint_output_offer(struct endpoint *ep, const struct frame *v,
			       unsigned n);
void endpoint_output_couple(struct endpoint *in, struct endpoint *out);
void endpoint_output_take_back(struct endpoint *ep,
			       void (*frame)(void *arg, const struct frame *f),
			       void *arg);

/* endpoint_input.c: what comes in */
void endpoint_input_stop(struct endpoint *ep);
void endpoint_input_start(struct endpoint *ep);
void endpoint_input_read_rest(struct endpoint *ep);

/* endpoint_watch.c: who looks on */
void endpoint_watch_begin(struct endpoint *ep, struct endpoint_watch *w);
void endpoint_watch_end(struct endpoint_watch *w);

/* endpoint_pcap.c: captures that are read */
void endpoint_pcap_yield(struct endpoint *ep, bool yields);
bool endpoint_pcap_look(const struct endpoint *ep, struct endpoint_capture *c);
struct endpoint_captured endpoint_pcap_captured(const struct endpoint *ep);

#endif
