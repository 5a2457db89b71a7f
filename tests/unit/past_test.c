/* SPDX-License-Identifier: ISC */
#include "../../compare/core/past.h"

#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "test.h"

#define SPACE 4096u		/* bytes of a stream, around its wrap */
#define BEGIN (0u - 1500)

struct others {			/* what past_say() has told */
	const uint8_t *said;
	bool is_other[SPACE];
	uint32_t at;
};

static void on_other(void *arg, uint32_t off, uint32_t len,
		     const uint8_t *before)
{
	struct others *o = arg;

	for (uint32_t i = off; i < off + len; i++) {
		CHECK(before[i - off] != o->said[i]);
		o->is_other[o->at + i] = true;
	}
}

static struct random r;

struct model {			/* of one stream */
	bool is_known[SPACE];
	uint8_t bytes[SPACE];
};

static uint32_t model_say(struct model *m, uint32_t at, const uint8_t *bytes,
			  uint32_t len, bool *is_other)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < len; i++) {
		is_other[at + i] = m->is_known[at + i] &&
				   m->bytes[at + i] != bytes[i];
		if (m->is_known[at + i])
			continue;
		m->is_known[at + i] = true;
		m->bytes[at + i] = bytes[i];
		n++;
	}
	return n;
}

static void pieces_of_streams_are_known_again(void)
{
	static struct model models[3];
	struct past *p = past_new(1);

	for (unsigned i = 0; i < 20000; i++) {
		uint32_t stream = (uint32_t)random_below(&r, 3);
		uint32_t at = (uint32_t)random_below(&r, SPACE);
		uint32_t len = (uint32_t)random_below(
			&r, random_below(&r, 4) ? 80 : SPACE);
		uint8_t said[SPACE];
		bool want[SPACE] = { false };
		struct others got = { .said = said, .at = at };
		uint32_t n;

		len = len < SPACE - at ? len : SPACE - at;
		for (uint32_t j = 0; j < len; j++)	/* two values */
			said[j] = (uint8_t)(at + j + random_below(&r, 2));
		n = past_say(p, stream, BEGIN + at, said, len, on_other, &got);
		CHECK_EQ(n, model_say(&models[stream], at, said, len, want));
		CHECK(!memcmp(want, got.is_other, sizeof(want)));
	}
	past_free(p);
}

static void on_differing(void *arg, uint32_t off, uint32_t len)
{
	struct others *o = arg;

	memset(o->is_other + off, true, len);
}

/* Only what the other stream has said is compared, and this one has not. */
static void another_stream_is_asked(void)
{
	static const uint8_t said[] = "abcdefgh";
	struct past *p = past_new(1);
	struct others got = { .said = (const uint8_t *)"aXcXefXh" };

	past_say(p, 1, BEGIN + 1, said + 1, 5, on_other, &got);
	past_say(p, 2, 7 + 3, said + 3, 1, on_other, &got);
	past_compare(p, 2, 7, 1, BEGIN, got.said, 8, on_differing, &got);
	for (unsigned i = 0; i < 8; i++)
		CHECK_EQ(got.is_other[i], i == 1);
	CHECK_EQ(past_say(p, 2, 7, said, 8, on_other, &got), 7);
	past_free(p);
}

static void the_oldest_are_forgotten(void)
{
	static uint8_t bytes[1024];
	struct past *p = past_new(1);
	struct others none = { .said = bytes };

	CHECK_EQ(past_say(p, 1, 0, bytes, 1024, on_other, &none), 1024);
	CHECK_EQ(past_say(p, 1, 0, bytes, 1024, on_other, &none), 0);
	for (uint32_t i = 0; i < 65535; i++)
		CHECK_EQ(past_say(p, 2, i * 1024, bytes, 1024, on_other, &none),
			 1024);
	CHECK_EQ(past_say(p, 1, 0, bytes, 1024, on_other, &none), 0);
	CHECK_EQ(past_say(p, 3, 0, bytes, 1, on_other, &none), 1);
	CHECK_EQ(past_say(p, 1, 0, bytes, 1024, on_other, &none), 1024);
	CHECK_EQ(past_say(p, 2, 65534 * 1024u, bytes, 1024, on_other, &none),
		 0);
	past_free(p);
}

int main(int argc, char **argv)
{
	random_init(&r, argc, argv);
	TEST(pieces_of_streams_are_known_again);
	TEST(another_stream_is_asked);
	TEST(the_oldest_are_forgotten);
	return TEST_END();
}
