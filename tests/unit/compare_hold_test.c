/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "../../compare/compare_hold.h"
#include "test.h"

#define FRAME_LEN 60u

/* The i-th of several frames in one chunk, as a read brings them. */
static struct frame frame_at(struct chunk *c, uint32_t i)
{
	struct frame f = {
		.chunk = c,
		.data = c->bytes + FRAME_PREFIX_MAX + i * FRAME_LEN,
		.len = FRAME_LEN,
	};

	memset(f.data, (int)i, FRAME_LEN);
	return f;
}

static void one_frame_after_the_other_in_a_chunk(void)
{
	struct chunk *c = chunk_new(1024);
	struct hold_pool pool;
	struct frame f = frame_at(c, 0);
	uint32_t index;

	hold_pool_init(&pool);
	index = hold_add(&pool, &f, 0, 1);
	for (uint32_t i = 1; i < 10; i++) {
		f = frame_at(c, i);
		hold_replace(&pool, index, &f);
		CHECK_EQ(*hold_eth(&pool, hold_at(&pool, index)), i);
		CHECK_EQ(c->refs, 2);
		CHECK_EQ(pool.held_bytes, FRAME_LEN);
		CHECK_EQ(pool.pinned_bytes, c->cap);
	}
	hold_remove(&pool, index);
	CHECK_EQ(c->refs, 1);
	CHECK_EQ(pool.pinned_bytes, 0);
	hold_pool_fini(&pool);
	chunk_unref(c);
}

static void a_frame_of_another_chunk(void)
{
	struct chunk *a = chunk_new(1024), *b = chunk_new(1024);
	struct frame first = frame_at(a, 0), second = frame_at(b, 1);
	struct hold_pool pool;
	uint32_t kept, replaced;

	hold_pool_init(&pool);
	kept = hold_add(&pool, &first, 0, 1);
	replaced = hold_add(&pool, &first, 0, 2);
	hold_replace(&pool, replaced, &second);
	CHECK_EQ(*hold_eth(&pool, hold_at(&pool, kept)), 0);
	CHECK_EQ(*hold_eth(&pool, hold_at(&pool, replaced)), 1);
	CHECK_EQ(a->refs, 2);
	CHECK_EQ(b->refs, 2);
	hold_remove(&pool, kept);
	CHECK_EQ(a->refs, 1);
	hold_remove(&pool, replaced);
	CHECK_EQ(b->refs, 1);
	hold_pool_fini(&pool);
	chunk_unref(a);
	chunk_unref(b);
}

int main(void)
{
	TEST(one_frame_after_the_other_in_a_chunk);
	TEST(a_frame_of_another_chunk);
	return TEST_END();
}
