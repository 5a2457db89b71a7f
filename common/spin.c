/* SPDX-License-Identifier: ISC */
/*
 * How long not to sleep after a frame. Pure.
 *
 * With SPIN_AUTO it depends on the gaps between frames: twice the usual one,
 * and not at all where that is long. And it depends on whether anybody else
 * wants the processor, which the kernel tells by taking it from us. Then we
 * rest for 10 ms, and each time that it happens again, twice as long, up to
 * 10 s; a second without it, and the next rest is a short one again. What
 * looking costs where there is no processor to spare is so bounded by one look
 * in 10 s. Where there is only one processor, whoever looks keeps the sender
 * from sending, and nobody looks.
 */
#include "spin.h"

#define REST_FORGET_NS NS_PER_S

static uint64_t min_of(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/**
 * spin_init() - Set how long to look
 * @s:		To be filled in
 * @us:		microseconds, or SPIN_AUTO
 * @n_processors:	that this process may run on
 */
void spin_init(struct spin *s, uint64_t us, unsigned n_processors)
{
	*s = (struct spin){ .us = us, .is_alone = n_processors < 2 };
}

static uint64_t how_long_ns(const struct spin *s)
{
	if (s->us != SPIN_AUTO)
		return s->us * (NS_PER_MS / 1000);
	return s->gap_ns && s->gap_ns <= SPIN_GAP_MAX_NS ? 2 * s->gap_ns : 0;
}

/* Frames have come. A gap of any length counts as no more than four that are too
 * long: after a pause it takes a few frames to begin again. */
static void note_frames(struct spin *s, uint64_t now_ns)
{
	uint64_t gap_ns = min_of(now_ns - s->last_ns, 4 * SPIN_GAP_MAX_NS);

	if (s->last_ns)
		s->gap_ns = s->gap_ns ? (7 * s->gap_ns + gap_ns) / 8 : gap_ns;
	s->last_ns = now_ns;
	s->until_ns = now_ns + how_long_ns(s);
}

static void note_preemptions(struct spin *s, uint64_t now_ns, uint64_t n)
{
	bool is_wanted = n != s->n_preempted;

	s->n_preempted = n;
	s->check_ns = now_ns + SPIN_CHECK_NS;
	if (!is_wanted)
		return;
	if (now_ns > s->rested_ns + REST_FORGET_NS)
		s->rest_ns = 0;
	s->rest_ns = s->rest_ns ? min_of(2 * s->rest_ns, SPIN_REST_MAX_NS) :
				  SPIN_REST_MIN_NS;
	s->rested_ns = now_ns + s->rest_ns;
}

/* A look begins. What happened before it does not count. */
static void begin(struct spin *s, uint64_t now_ns, uint64_t n)
{
	s->n_preempted = n;
	s->check_ns = now_ns + SPIN_CHECK_NS;
}

/* Auto: may we look, as far as others are concerned? */
static bool is_spare(struct spin *s, uint64_t now_ns,
		     uint64_t (*preempted)(void))
{
	if (s->is_alone || now_ns < s->rested_ns)
		return false;
	if (!s->check_ns)
		begin(s, now_ns, preempted());
	else if (now_ns >= s->check_ns || now_ns >= s->until_ns)
		note_preemptions(s, now_ns, preempted());
	return now_ns >= s->rested_ns && now_ns < s->until_ns;
}

/**
 * spin_goes_on() - Look for more, instead of sleeping?
 * @s:		The state; asked before each sleep
 * @n_in:	Frames so far
 * @now_ns:	Now, monotonic
 * @preempted:	How often others were given our processor so far; asked when a
 *		look begins, when it ends, and once a millisecond between
 *
 * Return: false: sleep
 */
bool spin_goes_on(struct spin *s, uint64_t n_in, uint64_t now_ns,
		  uint64_t (*preempted)(void))
{
	if (!s->us)
		return false;
	if (n_in != s->n_in) {
		s->n_in = n_in;
		note_frames(s, now_ns);
	}
	if (s->us != SPIN_AUTO || (now_ns >= s->until_ns && !s->check_ns))
		return now_ns < s->until_ns;
	if (is_spare(s, now_ns, preempted))
		return true;
	s->check_ns = 0;	/* the look is over */
	return false;
}
