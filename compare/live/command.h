/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_COMMAND_H
#define COLO_COMPARE_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

/* One command of the shell at a time. It gets none of our files, and does not
 * outlive us. */
struct command {		/* zeroed to begin with */
	pid_t pid;		/* and its group; 0 when none runs */
	uv_signal_t on_child;
	void (*on_exit)(void *arg, int status);	/* as from waitpid(2) */
	void *arg;
};

int command_start(struct command *c, uv_loop_t *loop, const char *text);
bool command_is_running(const struct command *c);
void command_end(struct command *c);

#endif
