/* SPDX-License-Identifier: ISC */
#ifndef CHILD_H
#define CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * A child is one command in a process group of its own: what a terminal sends
 * reaches only the runner, and what a command started itself goes with it. When
 * the runner dies without having stopped it a child is killed, not told to end:
 * a comparison that ends lets go what it holds, and if the host is dying the
 * secondary would not know what the clients were told.
 */
struct child_spec {
	const char *command;	/* for sh, behind "exec " */
	int log_fd;		/* becomes standard output and error */
	int notify_from;	/* becomes notify_to; or notify_to is -1 */
	int notify_to;
};

int child_spawn(const struct child_spec *spec, pid_t *pid);
bool child_reap(pid_t pid, int *status);

#endif
