/* SPDX-License-Identifier: ISC */
#ifndef COLO_FILTER_H
#define COLO_FILTER_H

#include "endpoint.h"
#include "loop.h"
#include "option.h"
#include "verdict.h"

/*
 * The shape that the relaying tools share: a wire with a net side and a guest
 * side, each one duplex endpoint or two one-way ones; standard input and
 * output where a side is missing.
 */
enum filter_dir {
	FILTER_TX,		/* net to guest */
	FILTER_RX,		/* guest to net */
};

/* QEMU's netfilter property: a filter that is off lets frames pass as if it were
 * not there. */
enum filter_status { FILTER_ON, FILTER_OFF };

extern const char *const filter_statuses[];	/* for OPTION_CHOICE */

struct filter_options {
	struct endpoint_spec net, net_in, net_out;
	struct endpoint_spec guest, guest_in, guest_out;
};

/* The rows of an option table for a config whose member `filter` this is. */
#define FILTER_SPECS(type)                                                     \
	{ "net", OPTION_ENDPOINT, offsetof(type, filter.net), "EP",            \
	  "the net side, both directions (default: -)", 0, 0, NULL },          \
	{ "net-in", OPTION_ENDPOINT, offsetof(type, filter.net_in), "EP",      \
	  "frames from the net", 0, 0, NULL },                                 \
	{ "net-out", OPTION_ENDPOINT, offsetof(type, filter.net_out), "EP",    \
	  "frames to the net", 0, 0, NULL },                                   \
	{ "guest", OPTION_ENDPOINT, offsetof(type, filter.guest), "EP",        \
	  "the guest side, both directions (default: -)", 0, 0, NULL },        \
	{ "guest-in", OPTION_ENDPOINT, offsetof(type, filter.guest_in), "EP",  \
	  "frames from the guest", 0, 0, NULL },                               \
	{ "guest-out", OPTION_ENDPOINT, offsetof(type, filter.guest_out), "EP",\
	  "frames to the guest", 0, 0, NULL }

struct filter {
	struct loop *loop;
	struct endpoint *in[2];		/* by direction: where it comes from */
	struct endpoint *out[2];	/* and where it goes on; may be NULL */
	uint64_t no_side;		/* frames that had nowhere to go */
	void (*on_frames)(void *arg, enum filter_dir dir, struct frame *v,
			  unsigned n);
	void *arg;
};

bool filter_check(const struct filter_options *o,
		  const struct endpoint_spec *indev,
		  const struct endpoint_spec *outdev);
int filter_open(struct filter *f, struct loop *loop,
		const struct filter_options *o,
		void (*on_frames)(void *arg, enum filter_dir dir,
				  struct frame *v, unsigned n),
		void *arg);
bool filter_verdict(const struct filter *f, struct verdict *v);
void filter_stats(const struct filter *f, struct stats *s);
void filter_forward(struct filter *f, enum filter_dir dir,
		    const struct frame *v, unsigned n);

#endif
