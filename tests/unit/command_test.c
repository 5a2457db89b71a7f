/* SPDX-License-Identifier: ISC */
/* Commands of the shell, one after the other, on a loop of libuv. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "../../compare/live/command.h"
#include "test.h"

#define COMMANDS_MAX 8u

static uv_loop_t loop;
static struct command command;
static const char *const *texts;	/* that are still to be started */
static int statuses[COMMANDS_MAX];
static unsigned n_ended;

static void start(const char *text)
{
	static const char *const vars[] = { "COLO_FLOW=a flow", NULL };

	CHECK(!command_is_running(&command));
	CHECK_EQ(command_start(&command, &loop, text, vars), 0);
	CHECK(command_is_running(&command));
}

static void on_exit_start_next(void *arg, int status)
{
	CHECK(arg == &command);
	CHECK(!command_is_running(&command));
	statuses[n_ended++] = status;
	if (*texts)
		start(*texts++);
}

/* Run each when the one before it has ended. The loop has nothing else to wait for,
 * so it ends when the last one has. */
static void run(const char *const *v)
{
	command = (struct command){ .on_exit = on_exit_start_next,
				    .arg = &command };
	texts = v;
	n_ended = 0;
	uv_loop_init(&loop);
	start(*texts++);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_EQ(uv_loop_close(&loop), 0);
}

static void the_next_is_started_when_one_has_ended(void)
{
	static const char *const v[] = { "exit 0", "exit 7", "kill -9 $$",
					 "exit 3", NULL };

	run(v);
	CHECK_EQ(n_ended, 4);
	CHECK_EQ(WEXITSTATUS(statuses[0]), 0);
	CHECK_EQ(WEXITSTATUS(statuses[1]), 7);
	CHECK(WIFSIGNALED(statuses[2]) && WTERMSIG(statuses[2]) == SIGKILL);
	CHECK_EQ(WEXITSTATUS(statuses[3]), 3);
}

static void it_has_its_variables_and_none_of_our_files_and_signals(void)
{
	static const char blocks_nothing[] =
		"read -r _ mask <<-E\n$(grep SigBlk /proc/$$/status)\nE\n"
		"[ $((0x$mask)) = 0 ]";
	static const char *const v[] = {
		"[ \"$COLO_FLOW\" = 'a flow' ] && [ \"$COLO_ELSE\" = else ]",
		"[ $(readlink /proc/$$/fd/0) = /dev/null ] && [ ! -e /proc/$$/fd/9 ]",
		blocks_nothing, "kill -USR1 $$", NULL,
	};

	setenv("COLO_FLOW", "of somebody else", 1);
	setenv("COLO_ELSE", "else", 1);
	CHECK_EQ(dup2(0, 9), 9);
	signal(SIGUSR1, SIG_IGN);
	run(v);
	CHECK_EQ(n_ended, 4);
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQ(statuses[i], 0);
	CHECK_EQ(WTERMSIG(statuses[3]), SIGUSR1);
}

int main(void)
{
	TEST(the_next_is_started_when_one_has_ended);
	TEST(it_has_its_variables_and_none_of_our_files_and_signals);
	return TEST_END();
}
