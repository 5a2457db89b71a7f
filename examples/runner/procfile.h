/* SPDX-License-Identifier: ISC */
#ifndef PROCFILE_H
#define PROCFILE_H

#include <stddef.h>

/*
 * The file of the runner: `NAME: COMMAND` a line, in the order in which they
 * are to be started. Blank lines and lines that start with # are nothing; a
 * backslash at the end of a line continues it on the next.
 */
#define PROCFILE_MAX 64
#define PROCFILE_NAME_MAX 32
#define PROCFILE_FD 3		/* where the readiness is asked for */
#define PROCFILE_FD_MAX 255

struct procfile_entry {
	char name[PROCFILE_NAME_MAX + 1];
	char *command;		/* for sh, behind "exec " */
	int notify_fd;		/* -1: says nothing, ready at once */
};

struct procfile {
	struct procfile_entry entries[PROCFILE_MAX];
	unsigned n;
};

int procfile_read(struct procfile *pf, const char *path, char *err,
		  size_t err_len);
void procfile_fini(struct procfile *pf);

#endif
