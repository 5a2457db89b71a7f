/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_COMMAND_H
#define COLO_COMPARE_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

/*
 * A command of the shell, one at a time. checkpoint.c runs --checkpoint exec:CMD
 * with it. The command gets none of our open files but standard error, and dies
 * when we do. Nobody waits for it: on_exit is called, and may start the next one.
 */
struct command {		/* zeroed to begin with */
	pid_t pid;		/* of the shell, and of its group; 0: it has ended */
	int status;		/* then; for on_exit */
	uv_signal_t on_child;
	bool is_running;	/* or libuv has not let go of on_child yet */
	void (*on_exit)(void *arg, int status);	/* as from waitpid(2) */
	void *arg;
};

int command_start(struct command *c, uv_loop_t *loop, const char *text,
		  const char *const *vars);
bool command_is_running(const struct command *c);
void command_end(struct command *c);

#endif
