/* SPDX-License-Identifier: ISC */
#include "../../compare/live/epoch.h"
#include "test.h"

#define MARK(e, n) epoch_marker((e), &(struct marker){ MARKER_EPOCH, (n) })
#define START(e, n) epoch_marker((e), &(struct marker){ MARKER_START, (n) })

static void keep(struct epoch *e, unsigned n)
{
	struct chunk *c = chunk_new(16);
	struct frame f = { .chunk = c, .data = c->bytes, .len = 14 };

	while (n--)
		epoch_keep(e, &f, 1);
	chunk_unref(c);
}

static void take(struct epoch *e, unsigned expected)
{
	struct frame *v;

	CHECK_EQ(epoch_take(e, &v), expected);
	for (unsigned i = 0; i < expected; i++)
		chunk_unref(v[i].chunk);
}

static void a_peer_without_markers(void)
{
	struct epoch e = { 0 };

	CHECK_EQ(e.fate, EPOCH_COMPARE);
	epoch_stop(&e);
	CHECK_EQ(e.fate, EPOCH_COMPARE);
	epoch_checkpoint(&e);
	CHECK_EQ(e.fate, EPOCH_COMPARE);
	CHECK(!e.has_marker);
	epoch_fini(&e);
}

static void the_marker_before_the_primary(void)
{
	struct epoch e = { 0 };

	START(&e, 3);
	CHECK_EQ(e.fate, EPOCH_COMPARE);
	for (uint32_t i = 4; i < 7; i++) {
		epoch_stop(&e);
		CHECK_EQ(e.fate, EPOCH_COMPARE);
		MARK(&e, i);
		CHECK_EQ(e.fate, EPOCH_KEEP);
		keep(&e, 300);
		epoch_checkpoint(&e);
		CHECK_EQ(e.fate, EPOCH_COMPARE);
		take(&e, 300);
	}
	CHECK_EQ(e.n_discarded, 0);
	epoch_fini(&e);
}

static void the_marker_behind_the_primary(void)
{
	struct epoch e = { 0 };

	START(&e, 3);
	epoch_stop(&e);
	epoch_checkpoint(&e);
	CHECK_EQ(e.fate, EPOCH_DISCARD);
	MARK(&e, 3);			/* the last one again */
	CHECK_EQ(e.fate, EPOCH_DISCARD);
	MARK(&e, 4);
	CHECK_EQ(e.fate, EPOCH_COMPARE);
	epoch_fini(&e);
}

static void the_marker_behind_the_next_stop(void)
{
	struct epoch e = { 0 };

	START(&e, 3);
	epoch_stop(&e);
	epoch_checkpoint(&e);
	epoch_stop(&e);
	MARK(&e, 4);
	CHECK_EQ(e.fate, EPOCH_COMPARE);
	MARK(&e, 5);
	CHECK_EQ(e.fate, EPOCH_KEEP);
	epoch_checkpoint(&e);
	CHECK_EQ(e.fate, EPOCH_COMPARE);
	epoch_fini(&e);
}

static void a_stop_that_was_none(void)
{
	struct epoch e = { 0 };

	START(&e, 3);
	epoch_stop(&e);
	epoch_continue(&e);
	CHECK_EQ(e.fate, EPOCH_COMPARE);
	epoch_stop(&e);
	MARK(&e, 4);
	keep(&e, 2);
	epoch_continue(&e);
	CHECK_EQ(e.fate, EPOCH_COMPARE);
	take(&e, 2);
	epoch_stop(&e);
	epoch_checkpoint(&e);
	epoch_continue(&e);		/* the marker is still owed */
	CHECK_EQ(e.fate, EPOCH_DISCARD);
	epoch_fini(&e);
}

static void a_sender_that_begins_anew(void)
{
	struct epoch e = { 0 };

	START(&e, 0);
	epoch_stop(&e);
	epoch_checkpoint(&e);
	START(&e, 0);
	CHECK_EQ(e.fate, EPOCH_COMPARE);
	epoch_stop(&e);
	START(&e, 0);
	keep(&e, 5);
	MARK(&e, 1);			/* what it sent first was old */
	CHECK_EQ(e.fate, EPOCH_KEEP);
	CHECK_EQ(e.n_discarded, 5);
	keep(&e, 2);
	epoch_checkpoint(&e);
	take(&e, 2);
	epoch_fini(&e);
}

static void markers_that_stop_coming(void)
{
	struct epoch e = { 0 };

	START(&e, 0);
	epoch_forget(&e);		/* nothing is owed */
	CHECK(e.has_marker);
	epoch_checkpoint(&e);
	CHECK_EQ(e.fate, EPOCH_DISCARD);
	epoch_forget(&e);
	CHECK_EQ(e.fate, EPOCH_COMPARE);
	epoch_checkpoint(&e);
	CHECK_EQ(e.fate, EPOCH_COMPARE);
	MARK(&e, 9);			/* there they are again */
	epoch_checkpoint(&e);
	CHECK_EQ(e.fate, EPOCH_DISCARD);
	epoch_fini(&e);
}

static void what_is_kept_is_let_go(void)
{
	struct epoch e = { 0 };

	keep(&e, 1000);
	epoch_drop(&e);
	CHECK_EQ(e.n_discarded, 1000);
	keep(&e, 1);
	epoch_fini(&e);
}

int main(void)
{
	TEST(a_peer_without_markers);
	TEST(the_marker_before_the_primary);
	TEST(the_marker_behind_the_primary);
	TEST(the_marker_behind_the_next_stop);
	TEST(a_stop_that_was_none);
	TEST(a_sender_that_begins_anew);
	TEST(markers_that_stop_coming);
	TEST(what_is_kept_is_let_go);
	return TEST_END();
}
