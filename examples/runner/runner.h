/* SPDX-License-Identifier: ISC */
#ifndef RUNNER_H
#define RUNNER_H

#include "procfile.h"

/* Exit statuses, besides 0; RUNNER_FAILED + the place in the file of the
 * process that failed, 1 for the first. */
enum { RUNNER_TROUBLE = 1, RUNNER_USAGE = 2, RUNNER_FAILED = 10 };

struct runner_config {
	const struct procfile *file;
	const char *pid_dir;	/* gets NAME.pid; or NULL */
	int notify_fd;		/* gets a newline when all are ready; or -1 */
};

int runner_run(const struct runner_config *config);

#endif
