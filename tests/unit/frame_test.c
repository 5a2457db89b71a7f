/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdint.h>

#include "../../common/bytes.h"
#include "../../common/frame.h"
#include "random.h"
#include "test.h"

static struct random rnd;

/* The bytes of frame n: a window on noise, so one put elsewhere is seen. */
static uint8_t noise[FRAME_LEN_MAX + 1024];

static const uint8_t *pattern(uint32_t n)
{
	return noise + n * 31 % 1024;
}

static size_t frame_write(uint8_t *at, uint32_t n, uint32_t len,
			  uint8_t vnet_len, bool vnet)
{
	size_t prefix = frame_prefix_put(at, len, vnet_len, vnet);

	memcpy(at + prefix, pattern(n), len);
	return prefix + len;
}

static void frame_check(const struct frame *f, uint32_t n, uint32_t len,
			uint8_t vnet_len, bool vnet)
{
	uint8_t prefix[FRAME_PREFIX_MAX];
	size_t prefix_len = frame_prefix_put(prefix, len, vnet_len, vnet);

	CHECK_EQ(f->len, len);
	CHECK_EQ(f->vnet_len, vnet_len);
	CHECK_EQ(f->prefix_len, prefix_len);
	CHECK_EQ(f->time_ns, 0);
	CHECK(!memcmp(f->data - prefix_len, prefix, prefix_len));
	CHECK(f->data - prefix_len >= f->chunk->bytes);
	CHECK(f->data + f->len <= f->chunk->bytes + f->chunk->cap);
	CHECK(!memcmp(f->data, pattern(n), len));
}

/* A stream whose frames all have one length; counts what comes out. */
struct expect {
	uint32_t n;		/* frames seen */
	uint32_t len;
	uint8_t vnet_len;
};

static int feed(struct frame_decoder *d, const uint8_t *p, size_t len,
		struct expect *e, uint32_t *bad_len)
{
	while (len) {
		struct frame v[7];
		size_t room;
		uint8_t *at = frame_decoder_room(d, &room);
		int n;

		CHECK(room >= 64 * 1024);
		if (room > len)
			room = len;
		memcpy(at, p, room);
		frame_decoder_filled(d, room);
		p += room;
		len -= room;
		while ((n = frame_decoder_batch(d, v, 7, bad_len)) > 0)
			for (int i = 0; i < n; i++)
				frame_check(&v[i], e->n++, e->len, e->vnet_len,
					    d->vnet);
		if (n < 0)
			return n;
	}
	return 0;
}

/* Three frames; the bytes come in two reads, cut at `cut`. */
static void split_at(const uint8_t *stream, size_t len, size_t cut,
		     uint32_t frame_len, uint8_t vnet_len, bool vnet)
{
	struct expect e = { .len = frame_len, .vnet_len = vnet_len };
	size_t one = len / 3;
	struct frame_decoder d;
	uint32_t bad;

	frame_decoder_init(&d, vnet);
	CHECK_EQ(feed(&d, stream, cut, &e, &bad), 0);
	CHECK_EQ(e.n, cut / one);
	CHECK_EQ(feed(&d, stream + cut, len - cut, &e, &bad), 0);
	CHECK_EQ(e.n, 3);
	CHECK_EQ(frame_decoder_reset(&d), 0);
	frame_decoder_fini(&d);
}

static void splits(uint32_t frame_len, uint8_t vnet_len, bool vnet)
{
	static uint8_t stream[3 * (FRAME_LEN_MAX + FRAME_PREFIX_MAX)];
	size_t len = 0, step;

	for (uint32_t n = 0; n < 3; n++)
		len += frame_write(stream + len, n, frame_len, vnet_len, vnet);
	/* all cuts of small frames; of large ones those near the edges */
	for (size_t cut = 0; cut <= len; cut += step) {
		size_t in_frame = cut % (len / 3);

		step = 1;
		if (frame_len > 2000 && !getenv("SOAK_N") && in_frame > 16 &&
		    in_frame < len / 3 - 1016)
			step = 997;
		split_at(stream, len, cut, frame_len, vnet_len, vnet);
	}
}

static void every_split_plain(void)
{
	static const uint32_t lens[] = { 1, 2, 14, 60, 1514, FRAME_LEN_MAX };

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
		splits(lens[i], 0, false);
}

static void every_split_vnet(void)
{
	splits(1, 0, true);
	splits(11, 10, true);
	splits(13, 12, true);
	splits(72, 12, true);
	splits(FRAME_LEN_MAX, 10, true);
}

static void a_byte_at_a_time(void)
{
	for (int vnet = 0; vnet < 2; vnet++) {
		struct expect e = { .len = 61, .vnet_len = vnet ? 12 : 0 };
		struct frame_decoder d;
		uint8_t buf[80];
		uint32_t bad;

		frame_decoder_init(&d, vnet);
		for (uint32_t n = 0; n < 5000; n++) {
			size_t len = frame_write(buf, n, e.len, e.vnet_len,
						 vnet);

			for (size_t i = 0; i < len; i++)
				CHECK_EQ(feed(&d, buf + i, 1, &e, &bad), 0);
			CHECK_EQ(e.n, n + 1);
		}
		frame_decoder_fini(&d);
	}
}

/* What one header yields when `have` of its bytes are there. */
static int header(bool vnet, uint32_t len, uint32_t vnet_len, size_t have,
		  uint32_t *bad)
{
	struct frame_decoder d;
	uint8_t buf[8];
	struct frame v;
	size_t room;
	int rc;

	bytes_put32(buf, len);
	bytes_put32(buf + 4, vnet_len);
	frame_decoder_init(&d, vnet);
	memcpy(frame_decoder_room(&d, &room), buf, have);
	frame_decoder_filled(&d, have);
	*bad = 12345;
	rc = frame_decoder_batch(&d, &v, 1, bad);
	frame_decoder_fini(&d);
	return rc;
}

static void bad_lengths(void)
{
	static const uint32_t lens[] = { 0, FRAME_LEN_MAX + 1, 0x80000000,
					 0xffffffff };
	uint32_t bad;

	for (int vnet = 0; vnet < 2; vnet++) {
		for (size_t i = 0; i < 4; i++) {
			CHECK_EQ(header(vnet, lens[i], 0, 3, &bad), 0);
			CHECK_EQ(header(vnet, lens[i], 0, 4, &bad), -EPROTO);
			CHECK_EQ(bad, lens[i]);
		}
		CHECK_EQ(header(vnet, 1, 0, vnet ? 8 : 4, &bad), 0);
		CHECK_EQ(header(vnet, FRAME_LEN_MAX, 0, vnet ? 8 : 4, &bad), 0);
		CHECK_EQ(bad, 12345);
	}
}

static void bad_vnet_lengths(void)
{
	static const uint32_t bads[] = { 1, 9, 11, 13, 256 + 10, 0xffffffff };
	uint32_t bad;

	for (size_t i = 0; i < 6; i++) {
		CHECK_EQ(header(true, 1000, bads[i], 7, &bad), 0);
		CHECK_EQ(header(true, 1000, bads[i], 8, &bad), -EPROTO);
		CHECK_EQ(bad, bads[i]);
	}
	for (uint32_t vnet_len = 10; vnet_len <= 12; vnet_len += 2) {
		CHECK_EQ(header(true, vnet_len, vnet_len, 8, &bad), -EPROTO);
		CHECK_EQ(bad, vnet_len);
		CHECK_EQ(header(true, 5, vnet_len, 8, &bad), -EPROTO);
		CHECK_EQ(bad, 5);
		CHECK_EQ(header(true, vnet_len + 1, vnet_len, 8, &bad), 0);
	}
}

static void good_frames_before_a_bad_header(void)
{
	struct expect e = { .len = 100 };
	struct frame_decoder d;
	uint8_t buf[1024];
	uint32_t bad = 0;
	size_t len = 0;

	for (uint32_t n = 0; n < 3; n++)
		len += frame_write(buf + len, n, 100, 0, false);
	bytes_put32(buf + len, 131072);
	len += 4;
	frame_decoder_init(&d, false);
	CHECK_EQ(feed(&d, buf, len, &e, &bad), -EPROTO);
	CHECK_EQ(e.n, 3);
	CHECK_EQ(bad, 131072);
	CHECK_EQ(frame_decoder_reset(&d), 4);
	CHECK_EQ(feed(&d, buf, 104, &(struct expect){ .len = 100 }, &bad), 0);
	frame_decoder_fini(&d);
}

static void half_a_frame_then_reset(void)
{
	for (int vnet = 0; vnet < 2; vnet++) {
		struct frame_decoder d;
		uint8_t buf[100];
		size_t len = frame_write(buf, 0, 50, 0, vnet);
		uint32_t bad;

		frame_decoder_init(&d, vnet);
		CHECK_EQ(frame_decoder_reset(&d), 0);
		for (size_t half = 0; half < len; half++) {
			struct expect e = { .len = 50 };

			CHECK_EQ(feed(&d, buf, half, &e, &bad), 0);
			CHECK_EQ(frame_decoder_reset(&d), half);
			CHECK_EQ(e.n, 0);
			CHECK_EQ(feed(&d, buf, len, &e, &bad), 0);
			CHECK_EQ(e.n, 1);
		}
		frame_decoder_fini(&d);
	}
}

/* Read a stream of many frames in random pieces; keep some views for long. */
#define HELD 16

struct held {
	struct frame f;
	uint32_t n, len;
};

static void let_go(struct held *h)
{
	if (h->f.chunk)
		frame_check(&h->f, h->n, h->len, 0, false);
	chunk_unref(h->f.chunk);
	h->f.chunk = NULL;
}

static void hold(struct held *h, const struct frame *f, uint32_t n)
{
	let_go(h);
	*h = (struct held){ *f, n, f->len };
	chunk_ref(f->chunk);
}

static void held_views_survive_later_reads(void)
{
	static uint8_t stream[2 * (FRAME_LEN_MAX + 4)];
	struct held held[HELD] = { 0 };
	size_t at = 0, len = 0;
	uint32_t n_in = 0, n_out = 0;
	struct frame_decoder d;

	frame_decoder_init(&d, false);
	for (size_t round = soak_n(3000); round; round--) {
		struct frame v[16];
		uint32_t bad;
		size_t room;
		uint8_t *to = frame_decoder_room(&d, &room);
		int n;

		if (at == len) {
			uint32_t max = random_below(&rnd, 8) ? 2000 :
							       FRAME_LEN_MAX;

			len = frame_write(stream, n_in++,
					  1 + (uint32_t)random_below(&rnd, max),
					  0, false);
			at = 0;
		}
		if (room > len - at)
			room = len - at;
		room = 1 + random_below(&rnd, room);
		memcpy(to, stream + at, room);
		frame_decoder_filled(&d, room);
		at += room;
		while ((n = frame_decoder_batch(&d, v, 16, &bad)) > 0) {
			for (int i = 0; i < n; i++, n_out++) {
				frame_check(&v[i], n_out, v[i].len, 0, false);
				if (!random_below(&rnd, 3))
					hold(&held[random_below(&rnd, HELD)],
					     &v[i], n_out);
			}
		}
		CHECK_EQ(n, 0);
	}
	CHECK(n_out >= n_in - 1);
	frame_decoder_fini(&d);
	for (size_t i = 0; i < HELD; i++)
		let_go(&held[i]);
}

/* Nobody holds anything: one chunk serves for ever, from its start. */
static void a_chunk_is_used_again(void)
{
	struct expect e = { .len = 1514 };
	struct frame_decoder d;
	struct chunk *c;
	uint8_t buf[2000];
	uint32_t bad;
	size_t room;

	frame_decoder_init(&d, false);
	frame_decoder_room(&d, &room);
	c = d.chunk;
	for (uint32_t n = 0; n < 5000; n++) {
		size_t len = frame_write(buf, n, e.len, 0, false);

		CHECK_EQ(feed(&d, buf, len, &e, &bad), 0);
		CHECK(d.chunk == c);
		CHECK(frame_decoder_room(&d, &room) == c->bytes);
		CHECK_EQ(room, CHUNK_BYTES);
	}
	CHECK_EQ(c->refs, 1);
	frame_decoder_fini(&d);
}

/* One frame of every chunk is held: chunks go when their frame goes. */
static void a_held_chunk_is_left_and_freed(void)
{
	struct expect e = { .len = FRAME_LEN_MAX };
	static uint8_t buf[FRAME_LEN_MAX + 4];
	struct frame_decoder d;
	struct chunk *last = NULL;
	unsigned n_chunks = 0;

	frame_decoder_init(&d, false);
	for (uint32_t n = 0; n < 100; n++) {
		size_t len = frame_write(buf, n, e.len, 0, false);
		uint32_t bad;

		CHECK_EQ(feed(&d, buf, len, &e, &bad), 0);
		if (d.chunk == last)
			continue;
		if (last) {
			CHECK_EQ(last->refs, 1);
			chunk_unref(last);
		}
		last = chunk_ref(d.chunk);
		n_chunks++;
	}
	CHECK(n_chunks >= 30 && n_chunks <= 50);
	chunk_unref(last);
	CHECK_EQ(d.chunk->refs, 1);
	frame_decoder_fini(&d);
}

static void batch_respects_max(void)
{
	struct frame_decoder d;
	struct frame v[4];
	uint8_t *at;
	uint32_t bad;
	size_t room, len = 0;

	frame_decoder_init(&d, false);
	at = frame_decoder_room(&d, &room);
	for (uint32_t n = 0; n < 10; n++)
		len += frame_write(at + len, n, 10 + n, 0, false);
	frame_decoder_filled(&d, len);
	CHECK_EQ(frame_decoder_batch(&d, v, 4, &bad), 4);
	frame_check(&v[3], 3, 13, 0, false);
	CHECK_EQ(frame_decoder_batch(&d, v, 4, &bad), 4);
	CHECK_EQ(frame_decoder_batch(&d, v, 4, &bad), 2);
	frame_check(&v[1], 9, 19, 0, false);
	CHECK_EQ(frame_decoder_batch(&d, v, 4, &bad), 0);
	frame_decoder_fini(&d);
}

static void copies_are_their_own(void)
{
	for (int vnet = 0; vnet < 2; vnet++) {
		struct frame_decoder d;
		struct frame v, copy;
		uint32_t bad;
		size_t room, len;

		frame_decoder_init(&d, vnet);
		len = frame_write(frame_decoder_room(&d, &room), 3, 100,
				  vnet ? 12 : 0, vnet);
		frame_decoder_filled(&d, len);
		CHECK_EQ(frame_decoder_batch(&d, &v, 1, &bad), 1);
		frame_copy(&copy, &v);
		CHECK_EQ(v.chunk->refs, 1);
		CHECK_EQ(copy.chunk->refs, 1);
		CHECK(copy.chunk->cap <= 100 + FRAME_PREFIX_MAX);
		memset(d.chunk->bytes, 0xee, 200);
		frame_decoder_fini(&d);
		frame_check(&copy, 3, 100, vnet ? 12 : 0, vnet);
		copy.time_ns = 77;
		v = copy;
		frame_copy(&v, &v);
		chunk_unref(copy.chunk);
		CHECK_EQ(v.time_ns, 77);
		v.time_ns = 0;
		frame_check(&v, 3, 100, vnet ? 12 : 0, vnet);
		CHECK(frame_eth(&v) == v.data + v.vnet_len);
		CHECK_EQ(frame_eth_len(&v), vnet ? 88 : 100);
		chunk_unref(v.chunk);
	}
}

/* Random bytes: views inside the chunk or -EPROTO, nothing else. */
static void random_streams(void)
{
	for (size_t n = soak_n(3000); n; n--) {
		struct frame_decoder d;
		bool vnet = random_below(&rnd, 2);
		int rc = 0;

		frame_decoder_init(&d, vnet);
		for (int reads = 0; reads < 20 && rc >= 0; reads++) {
			struct frame v[8];
			uint32_t bad = 0;
			size_t room;
			uint8_t *at = frame_decoder_room(&d, &room);

			room = 1 + random_below(&rnd, 64);
			for (size_t i = 0; i < room; i++)
				at[i] = random_below(&rnd, 4) ? 0 :
					(uint8_t)random_below(&rnd, 16);
			frame_decoder_filled(&d, room);
			while ((rc = frame_decoder_batch(&d, v, 8, &bad)) > 0)
				for (int i = 0; i < rc; i++)
					CHECK(v[i].len > v[i].vnet_len &&
					      v[i].data + v[i].len <=
					      d.chunk->bytes + d.end);
			CHECK(!rc || rc == -EPROTO);
		}
		frame_decoder_fini(&d);
	}
}

int main(int argc, char **argv)
{
	random_init(&rnd, argc, argv);
	random_fill(&rnd, noise, sizeof(noise));
	TEST(every_split_plain);
	TEST(every_split_vnet);
	TEST(a_byte_at_a_time);
	TEST(bad_lengths);
	TEST(bad_vnet_lengths);
	TEST(good_frames_before_a_bad_header);
	TEST(half_a_frame_then_reset);
	TEST(held_views_survive_later_reads);
	TEST(a_chunk_is_used_again);
	TEST(a_held_chunk_is_left_and_freed);
	TEST(batch_respects_max);
	TEST(copies_are_their_own);
	TEST(random_streams);
	return TEST_END();
}
