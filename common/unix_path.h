/* SPDX-License-Identifier: ISC */
#ifndef COLO_UNIX_PATH_H
#define COLO_UNIX_PATH_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

/* The path of a UNIX socket that listens here. */
struct unix_path {
	const char *path;	/* borrowed */
	struct stat made;	/* the socket's file, as it was made */
	bool is_made;
};

int unix_path_listen(struct unix_path *p, const char *path, mode_t mode);
void unix_path_remove(struct unix_path *p);

#endif
