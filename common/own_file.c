/* SPDX-License-Identifier: ISC */
/*
 * Opens files of --state-dir: role.c and the rewriter believe what is in them.
 */
#include "own_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Can nobody else have written it, or have made it stand here? */
static int file_check(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    st.st_mode & (S_IWGRP | S_IWOTH) ||
	    (st.st_uid != geteuid() && st.st_uid != 0))
		return -EPERM;
	return 0;
}

/**
 * own_file_open() - Open a file that only we or root can have written
 * @dir:	descriptor of its directory
 * @name:	name in @dir
 * @flags:	for open(2)
 *
 * A file that is made belongs to us alone.
 *
 * Return: a descriptor, which the caller closes; -EPERM when the file is no
 *	   regular one, belongs to somebody else, can be written by others, or
 *	   has a second name; or what open(2) says, -ELOOP of a symbolic link
 */
int own_file_open(int dir, const char *name, int flags)
{
	int fd = openat(dir, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
			0600);
	int err;

	if (fd < 0)
		return -errno;
	err = file_check(fd);
	if (err)
		close(fd);
	return err ? err : fd;
}
