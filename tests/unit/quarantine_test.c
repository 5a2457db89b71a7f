/* SPDX-License-Identifier: ISC */
/* A flow that asks too often, on a clock that the test moves. */
#include "../../compare/live/quarantine.h"
#include "test.h"

static uv_loop_t loop;
static struct clock clock_of_test;
static struct checkpoint checkpoint;
static struct quarantine q;
static unsigned n_asked;
static char asked_flow[FLOW_TEXT_MAX];
static uint64_t now;

/* In the place of those of checkpoint.c and the core. */
void checkpoint_ask(struct checkpoint *cp, const char *reason, const char *flow)
{
	CHECK(cp == &checkpoint);
	CHECK(!strcmp(reason, "timeout"));
	snprintf(asked_flow, sizeof(asked_flow), "%s", flow);
	n_asked++;
}

const char *compare_reason_text(enum compare_reason reason)
{
	return reason == COMPARE_TIMEOUT ? "timeout" : "another";
}

static void pass(uint64_t ms)
{
	now += ms * NS_PER_MS;
	clock_advance(&clock_of_test, now);
}

static void begin(bool is_on)
{
	q = (struct quarantine){ 0 };
	n_asked = 0;
	now = 0;
	CHECK_EQ(uv_loop_init(&loop), 0);
	clock_init(&clock_of_test, &loop);
	clock_of_test.is_virtual = true;
	quarantine_init(&q, &clock_of_test, &checkpoint, is_on);
	pass(1000);
}

static void end(void)
{
	clock_close(&clock_of_test);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_EQ(uv_loop_close(&loop), 0);
}

static bool may_ask(uint16_t client)
{
	const struct flow_key key = { .src = { 10, 0, 0, 1 },
				      .dst = { 10, 0, 0, 2 }, .sport = 80,
				      .dport = client, .proto = 6,
				      .ip_version = 4 };
	const struct compare_difference d = { .reason = COMPARE_TIMEOUT,
					      .flow = &key };

	return quarantine_may_ask(&q, &d);
}

static void the_fourth_within_a_minute_waits(void)
{
	begin(true);
	for (unsigned i = 0; i < 3; i++)
		CHECK(may_ask(1));
	CHECK(!may_ask(1));
	CHECK(may_ask(2));
	CHECK_EQ(q.blame.n_refused, 1);
	end();
	begin(false);
	for (unsigned i = 0; i < 9; i++)
		CHECK(may_ask(1));
	end();
}

static void the_first_that_waits_asks_late(void)
{
	begin(true);
	for (uint16_t client = 1; client <= 2; client++)
		for (unsigned i = 0; i < 3; i++)
			CHECK(may_ask(client));
	CHECK(!may_ask(1));
	pass(QUARANTINE_MS / 2);
	CHECK(!may_ask(2));
	pass(QUARANTINE_MS / 2 - 1);
	CHECK_EQ(n_asked, 0);
	pass(1);
	CHECK_EQ(n_asked, 1);
	CHECK(strstr(asked_flow, "10.0.0.2:1"));
	pass(QUARANTINE_MS);
	CHECK_EQ(n_asked, 1);
	end();
}

/* A checkpoint that others asked for has served it. */
static void a_checkpoint_ends_the_wait(void)
{
	begin(true);
	for (unsigned i = 0; i < 3; i++)
		CHECK(may_ask(1));
	CHECK(!may_ask(1));
	pass(QUARANTINE_MS / 2);
	quarantine_over(&q);
	pass(QUARANTINE_MS);
	CHECK_EQ(n_asked, 0);
	CHECK(!may_ask(1));		/* the next wait begins anew */
	pass(QUARANTINE_MS);
	CHECK_EQ(n_asked, 1);
	end();
}

int main(void)
{
	log_init("quarantine_test", LOG_ERROR);
	TEST(the_fourth_within_a_minute_waits);
	TEST(the_first_that_waits_asks_late);
	TEST(a_checkpoint_ends_the_wait);
	return TEST_END();
}
