/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "../../compare/core/hold.h"
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

#define N_CHUNKS 100u		/* 25 MiB, over what is always allowed */

static struct frame large_frame(struct chunk *c, uint32_t len)
{
	struct frame f = { .chunk = c, .data = c->bytes + FRAME_PREFIX_MAX,
			   .len = len };

	memset(f.data, (int)len, len);
	return f;
}

static void survivors_of_sparse_chunks_are_copied_together(void)
{
	struct chunk *chunks[N_CHUNKS];
	struct hold_pool pool;
	uint32_t index, n = 0;

	hold_pool_init(&pool);
	for (uint32_t i = 0; i < N_CHUNKS; i++) {
		struct frame f;

		chunks[i] = chunk_new(CHUNK_BYTES);
		f = frame_at(chunks[i], i);
		hold_add(&pool, &f, i % 2, i);
	}
	CHECK_EQ(pool.pinned_bytes, N_CHUNKS * CHUNK_BYTES);
	hold_compact(&pool);
	/* what the two sides' arrivals go to stays, and one is new */
	CHECK_EQ(pool.pinned_bytes, 3 * CHUNK_BYTES);
	CHECK_EQ(pool.held_bytes, N_CHUNKS * FRAME_LEN);
	for (uint32_t i = 0; i < N_CHUNKS; i++)
		CHECK_EQ(chunks[i]->refs, i < N_CHUNKS - 2 ? 1 : 2);
	for (unsigned side = 0; side < 2; side++) {
		for (index = pool.oldest[side]; index != HOLD_NONE;
		     index = hold_at(&pool, index)->age_next, n++) {
			const struct hold *h = hold_at(&pool, index);

			CHECK_EQ(*hold_eth(&pool, h), h->time_ns);
			CHECK_EQ(hold_eth(&pool, h)[FRAME_LEN - 1], h->time_ns);
		}
		while (pool.oldest[side] != HOLD_NONE)
			hold_remove(&pool, pool.oldest[side]);
	}
	CHECK_EQ(n, N_CHUNKS);
	CHECK_EQ(pool.pinned_bytes, 0);
	hold_pool_fini(&pool);
	for (uint32_t i = 0; i < N_CHUNKS; i++)
		chunk_unref(chunks[i]);
}

/* To copy those would cost, and free little. */
static void dense_chunks_stay(void)
{
	struct chunk *chunks[N_CHUNKS];
	struct hold_pool pool;

	hold_pool_init(&pool);
	for (uint32_t i = 0; i < N_CHUNKS; i++) {
		struct frame f;

		chunks[i] = chunk_new(CHUNK_BYTES);
		/* a few sparse ones among them */
		f = large_frame(chunks[i], i % 20 ? CHUNK_BYTES / 8 * 5 : 60);
		hold_add(&pool, &f, 0, i);
	}
	hold_compact(&pool);
	CHECK_EQ(pool.pinned_bytes, N_CHUNKS * CHUNK_BYTES);
	hold_pool_fini(&pool);
	for (uint32_t i = 0; i < N_CHUNKS; i++) {
		CHECK_EQ(chunks[i]->refs, 1);
		chunk_unref(chunks[i]);
	}
}

int main(void)
{
	TEST(one_frame_after_the_other_in_a_chunk);
	TEST(a_frame_of_another_chunk);
	TEST(survivors_of_sparse_chunks_are_copied_together);
	TEST(dense_chunks_stay);
	return TEST_END();
}
