/* SPDX-License-Identifier: ISC */
/*
 * Opens the files that packets are written to: captures and reports.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

/* These paths are symbolic links of the system's own: they may be followed. */
static bool is_descriptor(const char *path)
{
	static const char *const names[] = { "/dev/stdout", "/dev/stderr",
					     "/dev/fd/", "/proc/self/fd/" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strncmp(path, names[i], strlen(names[i])))
			return !strstr(path, "..");
	return false;
}

/**
 * file_create() - Open a file that will hold what packets held
 * @path:	a new file is for its owner only; an old one is emptied, unless
 *		it is a symbolic link, which somebody else may have put there
 *
 * Return: a descriptor, or a negative errno; -ELOOP for a link
 */
int file_create(const char *path)
{
	int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
	int fd;

	if (!is_descriptor(path))
		flags |= O_NOFOLLOW;
	fd = open(path, flags, 0600);
	return fd < 0 ? -errno : fd;
}
