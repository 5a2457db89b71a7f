/* SPDX-License-Identifier: ISC */
#include <stdint.h>

#include "../../redirector/redirect.h"
#include "test.h"

/* A column of the table below says what it applies to, or ANY. */
enum { ANY = -1 };

enum ways {
	GUEST = 1,
	NET = 2,
	OUTDEV = 4,
	ISOLATED = 8,		/* dropped, and why */
	DOWN = 16,
};

/*
 * The whole behaviour. `covered`: there is an outdev, its queue is this frame's
 * direction, and --status is not off.
 */
static const struct rule {
	int from, role, exclusive, covered, outdev, indev_queue;
	unsigned ways;
} rules[] = {
#define N REDIRECT_FROM_NET
#define G REDIRECT_FROM_GUEST
#define I REDIRECT_FROM_INDEV
#define C ROLE_COLO
#define F ROLE_FAILOVER
	/* joined after a failover, whatever there was */
	{ N, F, ANY, ANY, ANY, ANY, GUEST },
	{ G, F, ANY, ANY, ANY, ANY, NET },
	/* QEMU's filter: on, or diverted */
	{ N, C, 0, 0, ANY, ANY, GUEST },
	{ N, C, 0, 1, REDIRECT_UP, ANY, OUTDEV },
	{ N, C, 0, 1, REDIRECT_HOLDING, ANY, OUTDEV },
	{ N, C, 0, 1, REDIRECT_PASSING, ANY, GUEST },
	{ N, C, 0, 1, REDIRECT_DROPPING, ANY, DOWN },
	{ G, C, 0, 0, ANY, ANY, NET },
	{ G, C, 0, 1, REDIRECT_UP, ANY, OUTDEV },
	{ G, C, 0, 1, REDIRECT_HOLDING, ANY, OUTDEV },
	{ G, C, 0, 1, REDIRECT_PASSING, ANY, NET },
	{ G, C, 0, 1, REDIRECT_DROPPING, ANY, DOWN },
	/* the secondary: its own net neither hears nor is heard */
	{ N, C, 1, ANY, ANY, ANY, ISOLATED },
	{ G, C, 1, 0, ANY, ANY, ISOLATED },
	{ G, C, 1, 1, REDIRECT_UP, ANY, OUTDEV },
	{ G, C, 1, 1, REDIRECT_HOLDING, ANY, OUTDEV },
	{ G, C, 1, 1, REDIRECT_PASSING, ANY, ISOLATED },
	{ G, C, 1, 1, REDIRECT_DROPPING, ANY, DOWN },
	/* injected */
	{ I, ANY, ANY, ANY, ANY, QUEUE_TX, GUEST },
	{ I, ANY, 0, ANY, ANY, QUEUE_RX, NET },
	{ I, ANY, 0, ANY, ANY, QUEUE_ALL, GUEST | NET },
	{ I, F, 1, ANY, ANY, QUEUE_RX, NET },
	{ I, F, 1, ANY, ANY, QUEUE_ALL, GUEST | NET },
	{ I, C, 1, ANY, ANY, QUEUE_RX, ISOLATED },
	{ I, C, 1, ANY, ANY, QUEUE_ALL, GUEST },
#undef N
#undef G
#undef I
#undef C
#undef F
};

static bool is_covered(const struct redirect *r, enum redirect_from from)
{
	static const bool covers[][3] = {
		[QUEUE_TX] = { true, false, false },
		[QUEUE_RX] = { false, true, false },
		[QUEUE_ALL] = { true, true, false },
	};

	return r->has_outdev && !r->is_off &&
	       covers[r->outdev_queue][from];
}

static bool matches(int column, int value)
{
	return column == ANY || column == value;
}

/* Exactly one rule must speak of it: the table has neither gap nor overlap. */
static unsigned expected_ways(const struct redirect *r,
			      enum redirect_from from)
{
	unsigned ways = 0, n = 0;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct rule *rule = &rules[i];

		if (!matches(rule->from, (int)from) ||
		    !matches(rule->role, (int)r->role) ||
		    !matches(rule->exclusive, r->exclusive) ||
		    !matches(rule->covered, is_covered(r, from)) ||
		    !matches(rule->outdev, (int)r->outdev) ||
		    !matches(rule->indev_queue, (int)r->indev_queue))
			continue;
		ways = rule->ways;
		n++;
	}
	CHECK_EQ(n, 1);
	return ways;
}

static unsigned ways_of(const struct redirect_route *route)
{
	unsigned ways = (route->guest ? GUEST : 0) | (route->net ? NET : 0) |
			(route->outdev ? OUTDEV : 0);

	if (route->drop == DROP_ISOLATED)
		ways |= ISOLATED;
	if (route->drop == DROP_OUTDEV_DOWN)
		ways |= DOWN;
	return ways;
}

static unsigned n_states;

static void check_state(const struct redirect *r)
{
	for (int from = REDIRECT_FROM_NET; from <= REDIRECT_FROM_INDEV;
	     from++) {
		struct redirect_route route =
			redirect_route(r, (enum redirect_from)from);

		CHECK_EQ(ways_of(&route),
			 expected_ways(r, (enum redirect_from)from));
		/* a frame is dropped with a reason, or goes somewhere */
		CHECK((route.drop == DROP_NONE) ==
		      (route.net || route.guest || route.outdev));
		n_states++;
	}
}

/* The state number @i of all of them, in mixed radix. */
static struct redirect state(unsigned i)
{
	struct redirect r = { 0 };

	r.role = i % 2 ? ROLE_FAILOVER : ROLE_COLO;
	i /= 2;
	r.exclusive = i % 2;
	i /= 2;
	r.is_off = i % 2;
	i /= 2;
	r.has_indev = i % 2;
	i /= 2;
	r.has_outdev = i % 2;
	i /= 2;
	r.outdev = (enum redirect_outdev)(i % 4);
	i /= 4;
	r.outdev_queue = (enum endpoint_queue)(QUEUE_TX + i % 3);
	i /= 3;
	r.indev_queue = (enum endpoint_queue)(QUEUE_TX + i % 3);
	i /= 3;
	r.when_down = (enum redirect_when_down)i;
	return r;
}

static void every_state_and_origin(void)
{
	enum { N_STATES = 2 * 2 * 2 * 2 * 2 * 4 * 3 * 3 * 3 };

	for (unsigned i = 0; i < N_STATES; i++) {
		struct redirect r = state(i);

		check_state(&r);
	}
	CHECK_EQ(n_states, 3 * N_STATES);
}

static void a_lost_outdev(void)
{
	struct redirect r = { .has_outdev = true };

	r.when_down = REDIRECT_BLOCK;
	CHECK_EQ(redirect_outdev_down(&r), REDIRECT_HOLDING);
	r.when_down = REDIRECT_PASS;
	CHECK_EQ(redirect_outdev_down(&r), REDIRECT_PASSING);
	r.when_down = REDIRECT_DROP;
	CHECK_EQ(redirect_outdev_down(&r), REDIRECT_DROPPING);
}

int main(void)
{
	TEST(every_state_and_origin);
	TEST(a_lost_outdev);
	return TEST_END();
}
