/* SPDX-License-Identifier: ISC */
#include <stdint.h>

#include "../../compare/live/history.h"
#include "test.h"

static struct history h;

static void a_request_and_its_answer_are_one_entry(void)
{
	const struct history_place place = { true, 7, { 1, 1 }, { "a", "b" } };
	struct history_entry *made;
	const struct history_entry *e;

	h = (struct history){ 0 };
	CHECK(!history_at(&h, 0));
	history_ask(&h, "payload", "udp a > b", &place, 100);
	e = history_at(&h, 0);
	CHECK(e->is_asked && !e->is_made);
	CHECK(!history_at(&h, 1));
	made = history_make(&h, 200);
	CHECK(made == e);
	CHECK_EQ(e->asked_us, 100);
	CHECK_EQ(e->made_us, 200);
	CHECK_EQ(e->place.offset, 7);
	CHECK(!strcmp(e->reason, "payload"));
	/* one that nobody has asked for */
	e = history_make(&h, 300);
	CHECK(e != made && !e->is_asked && !*e->reason);
	CHECK(history_at(&h, 1) == made);
}

static void the_last_ones_are_kept(void)
{
	char flow[16];

	h = (struct history){ 0 };
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(flow, sizeof(flow), "%u", i);
		history_ask(&h, "timeout", flow, NULL, i);
		history_make(&h, i);
	}
	CHECK_EQ(history_at(&h, 0)->asked_us, 999);
	CHECK(!strcmp(history_at(&h, 0)->flow, "999"));
	CHECK_EQ(history_at(&h, HISTORY_MAX - 1)->asked_us, 936);
	CHECK(!history_at(&h, HISTORY_MAX));
}

static void bytes_are_those_at_the_place_and_no_more(void)
{
	uint8_t bytes[100];
	struct history_place p;
	struct compare_difference d = {
		.has = { true, true },
		.frame = { { .data = bytes, .len = 100, .vnet_len = 10 },
			   { .data = bytes, .len = 20 } },
		.at = { 5, 18 },
		.offset = 3,
	};

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	history_place_of(&p, &d);
	CHECK(p.is_known);
	CHECK_EQ(p.n[0], HISTORY_BYTES);
	CHECK_EQ(p.bytes[0][0], 15);
	CHECK_EQ(p.n[1], 2);
	CHECK_EQ(p.bytes[1][1], 19);
	d.at[1] = 20;			/* its frame ends there */
	history_place_of(&p, &d);
	CHECK_EQ(p.n[1], 0);
	d.has[1] = false;
	history_place_of(&p, &d);
	CHECK(!p.is_known);
}

int main(void)
{
	TEST(a_request_and_its_answer_are_one_entry);
	TEST(the_last_ones_are_kept);
	TEST(bytes_are_those_at_the_place_and_no_more);
	return TEST_END();
}
