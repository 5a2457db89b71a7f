/* SPDX-License-Identifier: ISC */
/*
 * The two sides of a wire, opened and coupled, for the relaying tools. It owns the
 * endpoints of the sides; what becomes of a frame is for the tool to say.
 */
#include "filter.h"

#include <stdio.h>
#include <string.h>

#include "file_use.h"

const char *const filter_statuses[] = {
	[FILTER_ON] = "on", [FILTER_OFF] = "off", NULL,
};

static bool is_set(const struct endpoint_spec *spec)
{
	return spec->kind != ENDPOINT_UNSET;
}

static bool check_side(const char *name, const struct endpoint_spec *both,
		       const struct endpoint_spec *in,
		       const struct endpoint_spec *out)
{
	if (is_set(both) && (is_set(in) || is_set(out))) {
		option_bad("--%s goes without --%s-in and --%s-out", name,
			   name, name);
		return false;
	}
	return true;
}

/* Do frames come from the net? Standard input is it when none is named. */
static bool is_read(const struct endpoint_spec *both,
		    const struct endpoint_spec *in,
		    const struct endpoint_spec *out)
{
	return is_set(both) || is_set(in) || !is_set(out);
}

static bool check_files(const struct filter_options *o,
			const struct endpoint_spec *indev,
			const struct endpoint_spec *outdev)
{
	struct file_uses files = { .n = 0 };

	file_use_add_spec(&files, "net-in", &o->net_in, false);
	file_use_add_spec(&files, "net-out", &o->net_out, true);
	file_use_add_spec(&files, "guest-in", &o->guest_in, false);
	file_use_add_spec(&files, "guest-out", &o->guest_out, true);
	if (indev)
		file_use_add_spec(&files, "indev", indev, false);
	if (outdev)
		file_use_add_spec(&files, "outdev", outdev, true);
	return file_use_check(&files) == 0;
}

/**
 * filter_check() - Do the options of the two sides go together?
 * @o:		The options
 * @indev:	Where the tool reads frames from beside them, perhaps not given;
 *		NULL when it has no such option
 * @outdev:	The same for where it writes to
 *
 * Return: false when not; the reason is logged
 */
bool filter_check(const struct filter_options *o,
		  const struct endpoint_spec *indev,
		  const struct endpoint_spec *outdev)
{
	bool has_indev = indev && is_set(indev);

	if (!check_side("net", &o->net, &o->net_in, &o->net_out) ||
	    !check_side("guest", &o->guest, &o->guest_in, &o->guest_out) ||
	    !check_files(o, indev, outdev))
		return false;
	if (has_indev || is_read(&o->net, &o->net_in, &o->net_out) ||
	    is_set(&o->guest) || is_set(&o->guest_in))
		return true;
	option_bad("nothing would be read: --net-in or --guest-in is missing");
	return false;
}

static void on_side_frames(struct endpoint *ep, struct frame *v, unsigned n,
			   void *arg)
{
	struct filter *f = arg;

	f->on_frames(f->arg, ep == f->in[FILTER_TX] ? FILTER_TX : FILTER_RX, v,
		     n);
}

/* The wire itself is what the process is for: without it there is nothing to
 * go on with. */
static void on_side_event(struct endpoint *ep, enum endpoint_event ev,
			  void *arg)
{
	struct filter *f = arg;

	(void)ep;
	if (ev != ENDPOINT_DEAD)
		return;
	loop_fail(f->loop);
	loop_end(f->loop);
}

static int open_one(struct filter *f, const char *name,
		    const struct endpoint_spec *spec, enum endpoint_mode mode,
		    struct endpoint **out)
{
	const struct endpoint_handler handler = {
		on_side_frames, on_side_event, f
	};

	return endpoint_open(out, &f->loop->endpoints, name, spec, mode,
			     &handler);
}

/* One side: its input starts direction @from_here, its output ends the other. */
static int open_side(struct filter *f, const char *name,
		     const struct endpoint_spec *both,
		     const struct endpoint_spec *in,
		     const struct endpoint_spec *out, enum filter_dir from_here)
{
	enum filter_dir to_here = from_here == FILTER_TX ? FILTER_RX :
							   FILTER_TX;
	char in_name[16], out_name[16];
	int err = 0;

	snprintf(in_name, sizeof(in_name), "%s-in", name);
	snprintf(out_name, sizeof(out_name), "%s-out", name);
	if (is_set(both) && both->kind != ENDPOINT_STDIO) {
		err = open_one(f, name, both, ENDPOINT_DUPLEX,
			       &f->in[from_here]);
		f->out[to_here] = f->in[from_here];
		return err;
	}
	if (is_set(both)) {		/* `-` is two one-way endpoints */
		in = both;
		out = both;
	}
	if (is_set(in))
		err = open_one(f, in_name, in, ENDPOINT_READ,
			       &f->in[from_here]);
	if (err == 0 && is_set(out))
		err = open_one(f, out_name, out, ENDPOINT_WRITE,
			       &f->out[to_here]);
	return err;
}

static int open_stdio(struct filter *f, const struct filter_options *o)
{
	struct endpoint_spec spec;
	char text[64];
	int err;

	err = endpoint_spec_parse(&spec, "-", text, sizeof(text));
	if (err == 0)
		spec.vnet_len = f->loop->options->vnet_hdr_support ?
				FRAME_VNET_LEN_MAX : 0;
	if (err == 0 && !is_set(&o->net) && !is_set(&o->net_in) &&
	    !is_set(&o->net_out))
		err = open_one(f, "net-in", &spec, ENDPOINT_READ,
			       &f->in[FILTER_TX]);
	if (err == 0 && !is_set(&o->guest) && !is_set(&o->guest_in) &&
	    !is_set(&o->guest_out))
		err = open_one(f, "guest-out", &spec, ENDPOINT_WRITE,
			       &f->out[FILTER_TX]);
	return err;
}

/**
 * filter_open() - Open both sides of the wire
 * @f:		To be filled in
 * @loop:	Its loop
 * @o:		Which passed filter_check(); without a net side standard input
 *		feeds tx, without a guest side standard output takes it
 * @on_frames:	What comes in, by direction; as in endpoint_handler
 * @arg:	For @on_frames
 *
 * An input stops while the output of its direction is full.
 *
 * Return: 0 or a negative errno, logged
 */
int filter_open(struct filter *f, struct loop *loop,
		const struct filter_options *o,
		void (*on_frames)(void *arg, enum filter_dir dir,
				  struct frame *v, unsigned n),
		void *arg)
{
	int err;

	memset(f, 0, sizeof(*f));
	f->loop = loop;
	f->on_frames = on_frames;
	f->arg = arg;
	err = open_side(f, "net", &o->net, &o->net_in, &o->net_out, FILTER_TX);
	if (err == 0)
		err = open_side(f, "guest", &o->guest, &o->guest_in,
				&o->guest_out, FILTER_RX);
	if (err == 0)
		err = open_stdio(f, o);
	if (err == 0) {
		for (int dir = FILTER_TX; dir <= FILTER_RX; dir++) {
			if (f->in[dir] && f->out[dir])
				endpoint_output_couple(f->in[dir], f->out[dir]);
		}
	}
	return err;
}

/**
 * filter_forward() - Send frames onward in their direction
 * @f:		The filter
 * @dir:	The direction
 * @v:		The frames
 * @n:		How many; where there is no side to take them they are dropped
 *		and counted
 */
void filter_forward(struct filter *f, enum filter_dir dir,
		    const struct frame *v, unsigned n)
{
	if (f->out[dir])
		endpoint_output_send(f->out[dir], v, n);
	else
		f->no_side += n;
}

static bool is_in_trouble(const struct endpoint *ep, struct verdict *v)
{
	const char *trouble = ep ? endpoint_trouble(ep) : NULL;

	if (trouble)
		verdict_set(v, VERDICT_UNPROTECTED, "%s %s", endpoint_name(ep),
			    trouble);
	return trouble != NULL;
}

/**
 * filter_verdict() - Does a side take and give no frames?
 * @f:		The filter
 * @v:		Set when that is so
 *
 * Return: false when all is well
 */
bool filter_verdict(const struct filter *f, struct verdict *v)
{
	for (int dir = FILTER_TX; dir <= FILTER_RX; dir++)
		if (is_in_trouble(f->in[dir], v) ||
		    is_in_trouble(f->out[dir], v))
			return true;
	return false;
}

/**
 * filter_stats() - Add the filter's part of the account
 * @f:		The filter
 * @s:		The account
 */
void filter_stats(const struct filter *f, struct stats *s)
{
	stats_drop(s, DROP_NO_SIDE, f->no_side);
}
