/* SPDX-License-Identifier: ISC */
#include "../../common/vmstate.h"
#include "test.h"

#define EX VMSTATE_EXITED
#define CP VMSTATE_CHECKPOINT
#define CO VMSTATE_CONTINUED
#define ST VMSTATE_STOPPED
#define MI VMSTATE_MISSED
#define ASK VMSTATE_ASK

/*
 * What happens, a word each, and what comes of it. The answers that a word
 * stands for are to the last questions, unless it begins with "late".
 */
struct step {
	const char *word;
	unsigned did;
};

static uint32_t before;		/* serial of the questions before the last */

static unsigned happen(struct vmstate *s, const char *word)
{
	uint32_t serial = s->serial;

	if (!strncmp(word, "late ", 5)) {
		serial = before;
		word += 5;
	} else {
		before = serial;
	}
	if (!strcmp(word, "up"))
		return vmstate_up(s, true);
	if (!strcmp(word, "up-new"))
		return vmstate_up(s, false);
	if (!strcmp(word, "down"))
		return vmstate_down(s), 0;
	if (!strcmp(word, "STOP"))
		return vmstate_stop(s);
	if (!strcmp(word, "RESUME"))
		return vmstate_resume(s);
	if (!strcmp(word, "EXIT"))
		return vmstate_exit(s);
	if (!strcmp(word, "failover"))
		return vmstate_freeze(s);
	if (!strcmp(word, "overdue"))
		return vmstate_overdue(s);
	if (!strcmp(word, "in-colo"))
		return vmstate_on_colo(s, serial, true);
	if (!strcmp(word, "no-colo"))
		return vmstate_on_colo(s, serial, false);
	return vmstate_on_status(s, serial, word);
}

static void play(const struct step *steps)
{
	struct vmstate s = { 0 };

	for (unsigned i = 0; steps[i].word; i++) {
		unsigned did = happen(&s, steps[i].word);

		if (did == steps[i].did)
			continue;
		fprintf(stderr, "step %u, %s: %#x, not %#x\n", i,
			steps[i].word, did, steps[i].did);
		exit(1);
	}
}

#define PLAY(...) play((const struct step[]){ __VA_ARGS__, { NULL, 0 } })

/* a connection to a guest that runs in COLO */
#define CONNECTED { "up", ASK }, { "running", 0 }, { "in-colo", MI }

static void a_checkpoint(void)
{
	PLAY(CONNECTED, { "STOP", ST | ASK }, { "colo", 0 }, { "in-colo", 0 },
	     { "RESUME", CP }, { "STOP", ST | ASK }, { "colo", 0 },
	     { "RESUME", CP });
}

static void failover_of_a_killed_primary(void)
{
	PLAY(CONNECTED, { "EXIT", EX }, { "STOP", ASK }, { "colo", 0 },
	     { "in-colo", 0 }, { "RESUME", 0 }, { "STOP", ASK }, { "colo", 0 },
	     { "RESUME", 0 });
}

static void failover_of_a_hung_primary(void)
{
	PLAY(CONNECTED, { "STOP", ST | ASK }, { "colo", 0 }, { "in-colo", 0 },
	     { "EXIT", EX | CO }, { "RESUME", 0 }, { "STOP", ASK },
	     { "colo", 0 }, { "RESUME", 0 });
}

static void exit_before_the_answer(void)
{
	PLAY(CONNECTED, { "STOP", ST | ASK }, { "EXIT", EX | CO },
	     { "late colo", 0 }, { "late in-colo", 0 }, { "RESUME", 0 });
}

static void exit_behind_a_checkpoint(void)
{
	PLAY(CONNECTED, { "STOP", ST | ASK }, { "colo", 0 }, { "RESUME", CP },
	     { "EXIT", EX }, { "EXIT", 0 });
}

/* Two threads of QEMU tell of it. */
static void failover_says_exit_last(void)
{
	PLAY(CONNECTED, { "STOP", ST | ASK }, { "RESUME", ASK },
	     { "EXIT", EX | CO }, { "late running", 0 }, { "late in-colo", 0 });
	PLAY(CONNECTED, { "STOP", ST | ASK }, { "RESUME", ASK },
	     { "running", 0 }, { "no-colo", CO }, { "EXIT", EX });
}

static void link_of_the_migration_cut(void)
{
	PLAY(CONNECTED, { "EXIT", EX }, { "STOP", ASK }, { "paused", 0 },
	     { "in-colo", 0 }, { "RESUME", 0 });
}

static void failover_here_between(void)
{
	PLAY(CONNECTED, { "STOP", ST | ASK }, { "colo", 0 },
	     { "failover", CO }, { "RESUME", 0 }, { "STOP", ASK },
	     { "colo", 0 }, { "RESUME", 0 });
	PLAY(CONNECTED, { "failover", 0 }, { "STOP", ASK }, { "RESUME", 0 });
}

static void somebody_else_stops_it(void)
{
	static const char *const words[] = { "paused", "io-error", "save-vm",
					     "debug", "shutdown", "" };

	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		PLAY(CONNECTED, { "STOP", ST | ASK }, { words[i], CO },
		     { "in-colo", 0 }, { "RESUME", 0 },
		     { "STOP", ST | ASK }, { "colo", 0 }, { "RESUME", CP });
}

static void resume_before_the_answer(void)
{
	PLAY(CONNECTED, { "STOP", ST | ASK }, { "RESUME", ASK },
	     { "late running", 0 }, { "late in-colo", 0 }, { "running", 0 },
	     { "in-colo", CP });
	PLAY(CONNECTED, { "STOP", ST | ASK }, { "RESUME", ASK },
	     { "running", 0 }, { "no-colo", CO });
	PLAY(CONNECTED, { "STOP", ST | ASK }, { "RESUME", ASK },
	     { "STOP", CP | ST | ASK }, { "colo", 0 }, { "RESUME", CP });
	PLAY(CONNECTED, { "STOP", ST | ASK }, { "RESUME", ASK },
	     { "RESUME", 0 }, { "overdue", CP }, { "overdue", 0 });
}

static void not_in_colo(void)
{
	PLAY({ "up", ASK }, { "running", 0 }, { "no-colo", 0 },
	     { "STOP", ST | ASK }, { "RESUME", ASK }, { "running", 0 },
	     { "no-colo", CO });
	PLAY({ "up", ASK }, { "running", 0 }, { "no-colo", 0 },
	     { "STOP", ST | ASK }, { "RESUME", ASK }, { "overdue", CO });
}

static void the_beginning(void)
{
	PLAY({ "up", ASK }, { "inmigrate", 0 }, { "no-colo", 0 },
	     { "RESUME", ST | ASK }, { "running", 0 }, { "in-colo", CP });
	PLAY({ "up", ASK }, { "running", 0 }, { "no-colo", 0 },
	     { "STOP", ST | ASK }, { "finish-migrate", 0 }, { "no-colo", 0 },
	     { "RESUME", ASK }, { "running", 0 }, { "in-colo", CP });
	/* a migration of another kind */
	PLAY({ "up", ASK }, { "inmigrate", 0 }, { "no-colo", 0 },
	     { "RESUME", ST | ASK }, { "running", 0 }, { "no-colo", CO });
}

static void a_new_colo_unfreezes(void)
{
	PLAY(CONNECTED, { "EXIT", EX }, { "STOP", ASK },
	     { "finish-migrate", 0 }, { "no-colo", 0 },
	     { "RESUME", ST | ASK }, { "running", 0 }, { "in-colo", CP },
	     { "STOP", ST | ASK }, { "colo", 0 }, { "RESUME", CP });
}

static void another_qemu_unfreezes(void)
{
	PLAY(CONNECTED, { "EXIT", EX }, { "down", 0 }, { "up-new", ASK },
	     { "running", 0 }, { "in-colo", MI }, { "STOP", ST | ASK },
	     { "colo", 0 }, { "RESUME", CP });
	PLAY(CONNECTED, { "STOP", ST | ASK }, { "colo", 0 }, { "down", 0 },
	     { "up-new", CO | ASK });
	/* the same one does not */
	PLAY(CONNECTED, { "EXIT", EX }, { "down", 0 }, { "up", ASK },
	     { "running", 0 }, { "in-colo", 0 }, { "STOP", ASK },
	     { "colo", 0 }, { "RESUME", 0 });
}

static void connected_within_a_stop(void)
{
	PLAY({ "up", ASK }, { "colo", ST }, { "in-colo", 0 },
	     { "RESUME", ASK }, { "running", 0 }, { "in-colo", CP });
	/* torn: the exit was not seen */
	PLAY({ "up", ASK }, { "colo", ST }, { "in-colo", 0 },
	     { "RESUME", ASK }, { "running", 0 }, { "no-colo", CO });
	PLAY({ "up", ASK }, { "RESUME", ST | ASK }, { "late colo", 0 },
	     { "running", 0 }, { "in-colo", CP });
}

static void lost_within_a_stop(void)
{
	/* still standing when it is back */
	PLAY(CONNECTED, { "STOP", ST | ASK }, { "colo", 0 }, { "down", 0 },
	     { "up", ASK }, { "colo", 0 }, { "in-colo", 0 },
	     { "RESUME", ASK }, { "running", 0 }, { "in-colo", CP });
	/* over: well, or torn */
	PLAY(CONNECTED, { "STOP", ST | ASK }, { "colo", 0 }, { "down", 0 },
	     { "up", ASK }, { "running", 0 }, { "in-colo", CP });
	PLAY(CONNECTED, { "STOP", ST | ASK }, { "colo", 0 }, { "down", 0 },
	     { "up", ASK }, { "running", 0 }, { "no-colo", CO });
	/* it never comes back, or too late to know */
	PLAY(CONNECTED, { "STOP", ST | ASK }, { "colo", 0 }, { "down", 0 },
	     { "overdue", CO }, { "up", ASK }, { "running", 0 },
	     { "in-colo", MI });
	PLAY(CONNECTED, { "STOP", ST | ASK }, { "colo", 0 }, { "down", 0 },
	     { "overdue", CO }, { "up", ASK }, { "colo", ST },
	     { "in-colo", 0 }, { "RESUME", ASK }, { "running", 0 },
	     { "in-colo", CP });
}

static void lost_behind_resume(void)
{
	PLAY(CONNECTED, { "STOP", ST | ASK }, { "RESUME", ASK }, { "down", 0 },
	     { "up", ASK }, { "running", 0 }, { "in-colo", CP });
	PLAY(CONNECTED, { "STOP", ST | ASK }, { "RESUME", ASK }, { "down", 0 },
	     { "overdue", CP });
}

static void what_is_waited_for(void)
{
	struct vmstate s = { 0 };

	CHECK_EQ(vmstate_waits(&s), VMSTATE_NOTHING);
	vmstate_up(&s, true);
	vmstate_stop(&s);
	CHECK_EQ(vmstate_waits(&s), VMSTATE_NOTHING);
	vmstate_down(&s);
	CHECK_EQ(vmstate_waits(&s), VMSTATE_LINK);
	vmstate_up(&s, true);
	vmstate_resume(&s);
	CHECK_EQ(vmstate_waits(&s), VMSTATE_ANSWER);
	vmstate_overdue(&s);
	CHECK_EQ(vmstate_waits(&s), VMSTATE_NOTHING);
}

/* Whatever comes in whatever order: stops and their ends alternate, and what
 * waits for the outside world is never without a way on. */
static void any_order(void)
{
	static const char *const words[] = {
		"up", "up-new", "down", "STOP", "RESUME", "EXIT", "failover",
		"overdue", "in-colo", "no-colo", "running", "colo",
		"inmigrate", "finish-migrate", "paused", "late colo",
		"late running", "late in-colo",
	};
	const char *soak = getenv("SOAK_N");
	unsigned n = soak ? (unsigned)atoi(soak) : 20000;

	for (unsigned seed = 1; seed <= n; seed++) {
		struct vmstate s = { 0 };
		bool is_open = false;

		srandom(seed);
		for (unsigned i = 0; i < 40; i++) {
			unsigned did = happen(&s, words[(size_t)random() %
						(sizeof(words) / sizeof(*words))]);

			CHECK(!(did & CP) || !(did & CO));
			if (did & (CP | CO)) {
				CHECK(is_open);
				is_open = false;
			}
			if (did & ST) {
				CHECK(!is_open);
				is_open = true;
			}
			CHECK_EQ(is_open, s.is_open);
			CHECK(!(did & CP && s.is_frozen));
		}
		vmstate_down(&s);
		vmstate_overdue(&s);
		CHECK(!s.is_open);
	}
}

int main(void)
{
	TEST(a_checkpoint);
	TEST(failover_of_a_killed_primary);
	TEST(failover_of_a_hung_primary);
	TEST(exit_before_the_answer);
	TEST(exit_behind_a_checkpoint);
	TEST(failover_says_exit_last);
	TEST(link_of_the_migration_cut);
	TEST(failover_here_between);
	TEST(somebody_else_stops_it);
	TEST(resume_before_the_answer);
	TEST(not_in_colo);
	TEST(the_beginning);
	TEST(a_new_colo_unfreezes);
	TEST(another_qemu_unfreezes);
	TEST(connected_within_a_stop);
	TEST(lost_within_a_stop);
	TEST(lost_behind_resume);
	TEST(what_is_waited_for);
	TEST(any_order);
	return TEST_END();
}
