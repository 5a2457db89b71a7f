/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdint.h>

#include "../../common/bytes.h"
#include "../impair/impair.h"
#include "test.h"

#define MS UINT64_C(1000000)
#define N 100000
#define PERCENT 10000u			/* ppm */

static const struct impair_options good = { .max_bytes = 1 << 20, .seed = 7 };

/* Frame number n: the number, and a length that follows from it. */
static void put(struct impair *m, unsigned dir, uint32_t n, uint64_t now_ns)
{
	struct chunk *c = chunk_new(128);
	struct frame f = { .chunk = c, .data = c->bytes + 4,
			   .len = 4 + n % 100, .prefix_len = 4,
			   .time_ns = now_ns };

	memset(c->bytes, 0, 128);
	bytes_put32(c->bytes, f.len);
	bytes_put32(f.data, n);
	impair_put(m, dir, &f, now_ns);
	CHECK_EQ(c->refs, 1);		/* copied */
	chunk_unref(c);
}

/* What leaves by @now_ns: the number, or -1. */
static int64_t take(struct impair *m, uint64_t now_ns, uint64_t *due_ns)
{
	struct impair_held held;
	uint32_t n;

	if (!impair_next(m, now_ns, &held))
		return -1;
	n = bytes_get32(held.frame.data);
	CHECK_EQ(held.frame.len, 4 + n % 100);
	CHECK_EQ(held.frame.prefix_len, 4);
	CHECK_EQ(bytes_get32(held.frame.data - 4), held.frame.len);
	if (due_ns)
		*due_ns = held.due_ns;
	chunk_unref(held.frame.chunk);
	return n;
}

static void a_good_link(void)
{
	struct impair m;

	impair_init(&m, &good);
	for (uint32_t i = 0; i < 1000; i++) {
		put(&m, i % 2, i, i * MS);
		CHECK_EQ(impair_due_ns(&m), i * MS);
		CHECK_EQ(take(&m, i * MS, NULL), i);
		CHECK(take(&m, i * MS, NULL) == -1);
		CHECK_EQ(impair_due_ns(&m), UINT64_MAX);
	}
	CHECK_EQ(m.lost + m.duplicated + m.reordered + m.early + m.bytes, 0);
	impair_fini(&m);
}

/* Within five standard deviations of what was asked for. */
static void about(uint64_t n, uint32_t ppm)
{
	double want = N / 1e6 * ppm;
	double off = (double)n - want;

	CHECK(off * off <= 25 * want);
}

static uint64_t count_out(struct impair *m)
{
	uint64_t n = 0;

	while (take(m, UINT64_MAX, NULL) >= 0)
		n++;
	return n;
}

static void frequencies(void)
{
	static const uint32_t ppms[] = { 0, 1000, PERCENT, 25 * PERCENT,
					 100 * PERCENT };
	struct impair m;

	for (unsigned i = 0; i < sizeof(ppms) / sizeof(ppms[0]); i++) {
		struct impair_options o = good;

		o.loss_ppm = ppms[i];
		o.duplicate_ppm = ppms[i];
		o.reorder_ppm = ppms[i];
		o.max_bytes = UINT64_MAX;
		impair_init(&m, &o);
		for (uint32_t n = 0; n < N; n++)
			put(&m, 0, n, 0);
		about(m.lost, ppms[i]);
		CHECK(m.duplicated <= N - m.lost);
		if (ppms[i] == 0)
			CHECK_EQ(m.lost + m.duplicated + m.reordered, 0);
		if (ppms[i] == 100 * PERCENT)
			CHECK_EQ(m.lost, N);
		CHECK_EQ(N + m.duplicated, m.lost + m.count);
		CHECK_EQ(m.count, count_out(&m));
		impair_fini(&m);

		o.loss_ppm = 0;
		impair_init(&m, &o);
		for (uint32_t n = 0; n < N; n++)
			put(&m, 1, n, 0);
		about(m.duplicated, ppms[i]);
		CHECK(m.reordered >= m.duplicated || ppms[i] < PERCENT);
		impair_fini(&m);	/* with all of it under way */
	}
}

/* What became of direction 0, in one number. */
static uint64_t history(const struct impair_options *o, bool other_direction)
{
	struct impair_held held;
	struct impair m;
	uint64_t sum = 0;

	impair_init(&m, o);
	for (uint32_t n = 0; n < 5000; n++) {
		put(&m, 0, n, n * MS);
		if (other_direction && n % 3 == 0)
			put(&m, 1, n, n * MS);
	}
	while (impair_next(&m, UINT64_MAX, &held)) {
		if (held.dir == 0)
			sum = sum * 31 + held.due_ns +
			      bytes_get32(held.frame.data);
		chunk_unref(held.frame.chunk);
	}
	impair_fini(&m);
	return sum;
}

static void the_seed_decides(void)
{
	struct impair_options o = good, other;

	o.loss_ppm = o.duplicate_ppm = o.reorder_ppm = 5 * PERCENT;
	o.delay_ns = 10 * MS;
	o.jitter_ns = 5 * MS;
	o.reorder_ns = 20 * MS;
	o.max_bytes = UINT64_MAX;
	other = o;
	other.seed++;
	CHECK_EQ(history(&o, false), history(&o, false));
	CHECK(history(&o, false) != history(&other, false));
	CHECK_EQ(history(&o, false), history(&o, true));
}

/* Who is lost does not depend on the other options. */
static void options_are_independent(void)
{
	struct impair_options o = good;
	uint64_t lost[2];

	o.loss_ppm = 3 * PERCENT;
	o.max_bytes = UINT64_MAX;
	for (int i = 0; i < 2; i++) {
		struct impair m;
		uint64_t sum = 0;

		impair_init(&m, &o);
		for (uint32_t n = 0; n < N; n++) {
			uint64_t before = m.lost;

			put(&m, 0, n, 0);
			sum = sum * 3 + (m.lost - before);
		}
		lost[i] = sum;
		impair_fini(&m);
		o.duplicate_ppm = o.reorder_ppm = 30 * PERCENT;
		o.jitter_ns = MS;
	}
	CHECK_EQ(lost[0], lost[1]);
}

static void jitter_keeps_the_order(void)
{
	struct impair_options o = good;
	uint64_t due_ns, last_ns = 0, most_ns = 0;
	struct impair m;

	o.delay_ns = 10 * MS;
	o.jitter_ns = 50 * MS;
	o.max_bytes = UINT64_MAX;
	impair_init(&m, &o);
	for (uint32_t n = 0; n < 1000; n++)
		put(&m, 0, n, n * MS);
	CHECK(take(&m, 10 * MS - 1, NULL) == -1);
	for (uint32_t n = 0; n < 1000; n++) {
		CHECK_EQ(take(&m, UINT64_MAX, &due_ns), n);
		CHECK(due_ns >= last_ns);
		CHECK(due_ns >= n * MS + o.delay_ns);
		CHECK(due_ns <= n * MS + o.delay_ns + o.jitter_ns);
		if (due_ns - n * MS > most_ns)
			most_ns = due_ns - n * MS;
		last_ns = due_ns;
	}
	CHECK(most_ns > 50 * MS);	/* the whole width is used */
	impair_fini(&m);
}

static void reordered_frames_are_overtaken(void)
{
	struct impair_options o = good;
	uint32_t n_late = 0, expected = 0;
	uint64_t due_ns;
	struct impair m;
	int64_t n;

	o.reorder_ppm = 10 * PERCENT;
	o.reorder_ns = 5 * MS;
	o.max_bytes = UINT64_MAX;
	impair_init(&m, &o);
	for (uint32_t i = 0; i < 1000; i++)
		put(&m, 0, i, i * MS);
	while ((n = take(&m, UINT64_MAX, &due_ns)) >= 0) {
		if (due_ns == (uint64_t)n * MS) {
			CHECK(n >= expected);	/* the others keep theirs */
			expected = (uint32_t)n;
		} else {
			CHECK_EQ(due_ns, (uint64_t)n * MS + o.reorder_ns);
			n_late++;
		}
	}
	CHECK_EQ(n_late, m.reordered);
	CHECK(n_late > 50 && n_late < 200);
	impair_fini(&m);
}

/* Over the bound the first due leaves, early; nothing is lost. */
static void the_bound(void)
{
	struct impair_options o = good;
	uint32_t next = 0;
	struct impair m;

	o.delay_ns = 1000 * MS;
	o.max_bytes = 10000;
	impair_init(&m, &o);
	for (uint32_t i = 0; i < 2000; i++) {
		put(&m, 0, i, 0);
		while (m.bytes > o.max_bytes)
			CHECK_EQ(take(&m, 0, NULL), next++);
		CHECK(take(&m, 0, NULL) == -1);
	}
	CHECK(next > 1500);
	CHECK_EQ(m.early, next);
	while (next < 2000)
		CHECK_EQ(take(&m, 1000 * MS, NULL), next++);
	CHECK_EQ(m.count + m.bytes, 0);
	impair_fini(&m);
}

/* A capture's time is moved with the frame. */
static void the_capture_time(void)
{
	struct impair_options o = good;
	struct impair_held held;
	struct impair m;

	o.delay_ns = 3 * MS;
	impair_init(&m, &o);
	put(&m, 0, 1, 5 * MS);
	CHECK(impair_next(&m, 8 * MS, &held));
	CHECK_EQ(held.frame.time_ns, 8 * MS);
	chunk_unref(held.frame.chunk);
	impair_fini(&m);
}

static void percentages(void)
{
	static const struct { const char *text; uint32_t ppm; } yes[] = {
		{ "0", 0 }, { "1", 10000 }, { "100", 1000000 },
		{ "0.1", 1000 }, { "0.0001", 1 }, { "12.34", 123400 },
		{ "100.0000", 1000000 }, { "007", 70000 },
	};
	static const char *const no[] = {
		"", ".", ".5", "5.", "1.2.3", "-1", "101", "100.0001", "x",
		"1x", "0.00001", "99999999999999999999", "1e2", " 1", "1000",
	};
	uint32_t ppm;

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		CHECK_EQ(impair_percent(yes[i].text, &ppm), 0);
		CHECK_EQ(ppm, yes[i].ppm);
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		ppm = 42;
		CHECK(impair_percent(no[i], &ppm) == -EINVAL);
		CHECK_EQ(ppm, 42);
	}
}

int main(void)
{
	TEST(a_good_link);
	TEST(frequencies);
	TEST(the_seed_decides);
	TEST(options_are_independent);
	TEST(jitter_keeps_the_order);
	TEST(reordered_frames_are_overtaken);
	TEST(the_bound);
	TEST(the_capture_time);
	TEST(percentages);
	return TEST_END();
}
