/* SPDX-License-Identifier: ISC */
/*
 * To compile a long filter may take a third of a second. So a thread does it, and the
 * asker waits; nothing else does.
 *
 * Frames that the filter takes are copied into a buffer of blocks, which has a
 * bound. The turns of the control socket send it as the message `pcapng`: the
 * bytes of all messages one behind the other are a file. A second number says how
 * many frames were lost before these.
 */
#include "control_capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "frame_filter.h"
#include "log.h"
#include "pcapng.h"

#define BUFFER_MAX	(256u << 10)	/* bytes that wait for a turn */
#define LINKTYPE	1		/* LINKTYPE_ETHERNET */

/* A filter that is being compiled: control_asker's job. */
struct compiling {
	uv_work_t work;
	char filter[FRAME_FILTER_MAX];
	bool is_done;		/* in the loop's thread: so is the rest */
	bool is_alone;		/* the asker has gone */
	int err;
	struct bpf_program program;	/* if it is done and there is no error */
	char why[256];
};

struct capture {
	struct control_stream stream;
	struct endpoint_watch watch;
	struct control_asker *asker;
	struct bpf_program filter;
	struct pcapng blocks;
	uint64_t n_lost;
};

static struct capture *of_stream(struct control_stream *s)
{
	return (void *)((char *)s - offsetof(struct capture, stream));
}

static struct capture *of_watch(struct endpoint_watch *w)
{
	return (void *)((char *)w - offsetof(struct capture, watch));
}

static void keep(struct capture *c, bool is_out, const struct frame *f,
		 uint64_t now_ns)
{
	const struct pcapng_packet packet = {
		.interface = is_out,
		.time_ns = now_ns,
		.bytes = frame_eth(f),
		.len = frame_eth_len(f),
		.wire_len = frame_eth_len(f),
	};
	const struct pcap_pkthdr h = { .caplen = packet.len,
				       .len = packet.len };

	if (!pcap_offline_filter(&c->filter, &h, packet.bytes))
		return;
	if (c->blocks.len + packet.len > BUFFER_MAX)
		c->n_lost++;
	else
		pcapng_packet(&c->blocks, &packet);
}

static void on_frames(struct endpoint_watch *w, bool is_out,
		      const struct frame *v, unsigned n)
{
	struct capture *c = of_watch(w);
	uint64_t now_ns = clock_wall_us() * 1000;

	for (unsigned i = 0; i < n; i++)
		keep(c, is_out, &v[i], now_ns);
	if (c->stream.is_ready || !c->blocks.len)
		return;
	c->stream.is_ready = true;
	control_wake(c->asker);
}

static void put(struct control_stream *s, struct rpc_writer *w)
{
	struct capture *c = of_stream(s);

	rpc_notification(w, "pcapng", 2);
	rpc_bin(&w->pk, c->blocks.bytes, c->blocks.len);
	rpc_uint(&w->pk, c->n_lost);
	c->blocks.len = 0;
	c->n_lost = 0;
	s->is_ready = false;
}

static void on_close(struct control_stream *s)
{
	struct capture *c = of_stream(s);

	endpoint_watch_end(&c->watch);
	pcap_freecode(&c->filter);
	pcapng_fini(&c->blocks);
	free(c);
}

/* --- the filter --- */

/* In another thread: it has this struct for itself. */
static void on_compile(uv_work_t *work)
{
	struct compiling *c = work->data;

	c->err = frame_filter_compile(&c->program, c->filter, DLT_EN10MB,
				      c->why, sizeof(c->why));
}

/* The program is the caller's afterwards, if he has taken it. */
static void compiling_free(struct compiling *c)
{
	if (!c->err)
		pcap_freecode(&c->program);
	free(c);
}

static void on_compiled(uv_work_t *work, int status)
{
	struct compiling *c = work->data;

	(void)status;		/* nobody cancels it */
	c->is_done = true;
	if (c->is_alone)
		compiling_free(c);
}

static void end_compiling(void *job)
{
	struct compiling *c = job;

	c->is_alone = true;
	if (c->is_done)
		compiling_free(c);
}

static int begin_compiling(uv_loop_t *uv, struct control_call *call)
{
	const msgpack_object *o = call->param[1];
	struct compiling *c;

	c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	if (o && !rpc_text(c->filter, sizeof(c->filter), &o->via.str)) {
		free(c);
		snprintf(call->error, sizeof(call->error),
			 "a filter has fewer than %u bytes, and no NUL",
			 FRAME_FILTER_MAX);
		return -EINVAL;
	}
	c->work.data = c;
	call->asker->job = c;
	call->asker->end_job = end_compiling;
	if (uv_queue_work(uv, &c->work, on_compile, on_compiled) < 0)
		abort();	/* it has its arguments */
	return CONTROL_LATER;
}

/* Return: 0 and the program, for pcap_freecode(); CONTROL_LATER; or an error */
static int take_program(struct bpf_program *program, struct control_call *call)
{
	struct compiling *c = call->asker->job;

	if (!c->is_done)
		return CONTROL_LATER;
	if (c->err < 0)
		snprintf(call->error, sizeof(call->error), "%s", c->why);
	else
		*program = c->program;
	c->program = (struct bpf_program){ 0 };
	return c->err;
}

/* --- what comes of it --- */

/* What a file begins with; interface 1 is the way out. */
static void put_head(struct pcapng *p, const char *link)
{
	char name[80];

	pcapng_section(p, log_program());
	snprintf(name, sizeof(name), "%s in", link);
	pcapng_interface(p, LINKTYPE, name, "frames that come in");
	snprintf(name, sizeof(name), "%s out", link);
	pcapng_interface(p, LINKTYPE, name, "frames that go out");
}

static struct endpoint *find(const struct endpoint_set *set,
			     struct control_call *call)
{
	const msgpack_object_str *s = &call->param[0]->via.str;
	struct endpoint *ep = NULL;
	char name[64];

	if (rpc_text(name, sizeof(name), s))
		ep = endpoint_find(set, name);
	if (!ep)
		snprintf(call->error, sizeof(call->error),
			 "%.*s: no such link (links lists them)",
			 s->size < 64 ? (int)s->size : 63, s->ptr);
	return ep;
}

/* Show the asker all frames from now on. Takes the filter. */
static void watch(struct endpoint *ep, const struct bpf_program *filter,
		  struct control_asker *asker)
{
	struct capture *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	*c = (struct capture){
		.stream = { .is_ready = true, .put = put, .close = on_close },
		.watch = { .on_frames = on_frames },
		.asker = asker,
		.filter = *filter,
	};
	put_head(&c->blocks, endpoint_name(ep));
	endpoint_watch_begin(ep, &c->watch);
	asker->stream = &c->stream;
}

/**
 * control_capture_begin() - Answer `capture`
 * @set:	Where the link is
 * @call:	With the parameters CONTROL_CAPTURE_PARAMS. Its asker gets the
 *		frames until it goes; one link at a time
 *
 * Return: as control_method's call()
 */
int control_capture_begin(const struct endpoint_set *set,
			  struct control_call *call)
{
	struct endpoint *ep = find(set, call);
	struct bpf_program filter = { 0 };
	int err;

	if (!ep)
		return -ENOENT;
	if (call->asker->stream) {
		snprintf(call->error, sizeof(call->error),
			 "this connection captures already");
		return -EBUSY;
	}
	if (!call->asker->job)
		return begin_compiling(set->uv, call);
	err = take_program(&filter, call);
	if (err)
		return err;
	watch(ep, &filter, call->asker);
	rpc_bool(call->pk, true);
	return 0;
}
