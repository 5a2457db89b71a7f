/* SPDX-License-Identifier: ISC */
#include <stdint.h>
#include <stdio.h>

#include "../../common/log.h"
#include "../../common/time.h"
#include "../../compare/live/tell.h"
#include "test.h"

static char last[256];
static unsigned n_events;

static void on_event(void *arg, const char *name, const char *text)
{
	(void)arg;
	n_events++;
	snprintf(last, sizeof(last), "%s: %s", name, text);
}

static struct tell begin(void)
{
	n_events = 0;
	*last = '\0';
	return (struct tell){ 0 };
}

static void wanted_and_made_are_told(void)
{
	const struct history_place place = { .is_known = true, .offset = 7 };
	struct tell_made made = { .is_asked = true, .took_ms = 12, .frames = 3 };
	struct tell t = begin();

	tell_wanted(&t, "payload", "udp a > b", &place, NS_PER_S);
	CHECK(!strcmp(last, "checkpoint-wanted: payload, udp a > b, offset 7"));
	tell_made(&t, &made, NS_PER_S);
	CHECK(!strcmp(last, "checkpoint: asked for, 12 ms, 3 frames released"));
	tell_wanted(&t, "interrupted", "", NULL, NS_PER_S);
	CHECK(!strcmp(last, "checkpoint-wanted: interrupted"));
	made.is_asked = false;
	made.has_stopped = true;
	made.stopped_ms = 5;
	tell_made(&t, &made, NS_PER_S);
	CHECK(!strcmp(last, "checkpoint: by itself, the primary stood still for "
			    "5 ms, 3 frames released"));
}

/* Guests decide how often they differ, and a peer how often it says that a
 * checkpoint was made. */
static void a_few_in_a_second_are_told(void)
{
	const struct tell_made asked = { .is_asked = true };
	const struct tell_made unasked = { 0 };
	struct tell t = begin();

	for (unsigned i = 0; i < 100; i++) {
		tell_wanted(&t, "payload", "", NULL, NS_PER_S + i);
		tell_made(&t, &asked, NS_PER_S + i);
	}
	CHECK_EQ(n_events, 8);
	for (unsigned i = 0; i < 100; i++)
		tell_made(&t, &unasked, NS_PER_S + i);
	CHECK_EQ(n_events, 8);
	tell_wanted(&t, "timeout", "", NULL, 2 * NS_PER_S);
	CHECK(!strcmp(last, "checkpoint-wanted: timeout (196 more not shown)"));
	tell_made(&t, &asked, 9 * NS_PER_S);
	CHECK(!strcmp(last, "checkpoint: asked for, 0 ms, 0 frames released"));
	CHECK_EQ(n_events, 10);
}

int main(void)
{
	log_watch(on_event, NULL);
	TEST(wanted_and_made_are_told);
	TEST(a_few_in_a_second_are_told);
	return TEST_END();
}
