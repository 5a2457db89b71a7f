/* SPDX-License-Identifier: ISC */
#include "../../common/marker.h"

#include <errno.h>

#include "test.h"

static void what_is_made_can_be_read(void)
{
	static const uint32_t epochs[] = { 0, 1, 0x01020304, UINT32_MAX };

	for (unsigned i = 0; i < sizeof(epochs) / sizeof(*epochs); i++) {
		struct marker m = { (enum marker_kind)(i % 3), epochs[i] };
		struct marker got;
		struct frame f;
		struct chunk *c = marker_make(&m, &f);

		CHECK(marker_is(&f));
		CHECK_EQ(f.len, MARKER_LEN);
		CHECK_EQ(marker_read(&got, &f), 0);
		CHECK_EQ(got.kind, m.kind);
		CHECK_EQ(got.epoch, m.epoch);
		chunk_unref(c);
	}
}

/* Every byte up to the end of the magic, and the length, has to be right. */
static void other_frames_are_none(void)
{
	struct marker m = { MARKER_EPOCH, 1 };
	struct frame f;
	struct chunk *c = marker_make(&m, &f);

	for (unsigned i = 12; i < MARKER_MAGIC_OFF + MARKER_MAGIC_LEN; i++) {
		c->bytes[i] ^= 1;
		CHECK(!marker_is(&f));
		c->bytes[i] ^= 1;
	}
	for (f.len = 0; f.len < MARKER_LEN; f.len++)
		CHECK(!marker_is(&f));
	f.len = MARKER_LEN + 1;
	CHECK(!marker_is(&f));
	chunk_unref(c);
}

static void a_vnet_header_is_not_looked_at(void)
{
	struct marker m = { MARKER_EPOCH, 1 };
	struct chunk *with = chunk_new(12 + MARKER_LEN);
	struct frame f;
	struct chunk *c = marker_make(&m, &f);

	memset(with->bytes, 0xff, 12);
	memcpy(with->bytes + 12, c->bytes, MARKER_LEN);
	f = (struct frame){ .chunk = with, .data = with->bytes,
			    .len = 12 + MARKER_LEN, .vnet_len = 12 };
	CHECK(marker_is(&f));
	CHECK_EQ(marker_read(&m, &f), 0);
	f.len--;
	CHECK(!marker_is(&f));
	chunk_unref(c);
	chunk_unref(with);
}

static void other_versions_and_kinds(void)
{
	struct marker m = { MARKER_EPOCH, 1 };
	struct frame f;
	struct chunk *c = marker_make(&m, &f);

	c->bytes[24] = 2;
	CHECK(marker_is(&f));		/* still to be taken out */
	CHECK_EQ(marker_read(&m, &f), -EPROTONOSUPPORT);
	c->bytes[24] = 1;
	c->bytes[25] = 3;
	CHECK_EQ(marker_read(&m, &f), -EPROTONOSUPPORT);
	chunk_unref(c);
}

static void taken_out_the_others_keep_their_order(void)
{
	struct marker m = { MARKER_EPOCH, 1 };
	uint8_t other[4][14] = { { 0 } };
	struct frame f, v[8];
	struct chunk *c = marker_make(&m, &f);

	for (unsigned mask = 0; mask < 16; mask++) {
		uint64_t n_taken = 5;
		unsigned n = 0, n_others = 0, at = 0, kept;

		for (unsigned i = 0; i < 4; i++) {
			bool is_marker = mask & (1u << i);

			v[n] = (struct frame){ .data = other[i], .len = 14 };
			if (is_marker)
				v[n] = f;
			n_others += !is_marker;
			n++;
		}
		kept = marker_take_out(v, n, &n_taken);
		CHECK_EQ(kept, n_others);
		CHECK_EQ(n_taken, 5 + 4 - n_others);
		for (unsigned i = 0; i < 4; i++)
			if (!(mask & (1u << i)))
				CHECK(v[at++].data == other[i]);
	}
	chunk_unref(c);
}

int main(void)
{
	TEST(what_is_made_can_be_read);
	TEST(other_frames_are_none);
	TEST(a_vnet_header_is_not_looked_at);
	TEST(other_versions_and_kinds);
	TEST(taken_out_the_others_keep_their_order);
	return TEST_END();
}
