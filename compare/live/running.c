/* SPDX-License-Identifier: ISC */
#include "running.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "../../common/log.h"
#include "../../common/state_dir.h"

#define RUNNING_FILE "RUNNING"

static int sync_dir(int dir)
{
	return fsync(dir) < 0 ? -errno : 0;
}

static int open_dir(const char *state_dir)
{
	int dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? -errno : dir;
}

/* Make the file, or find it, and lock it: while its process runs it tells nothing. */
static int create(int dir, int *lock)
{
	int flags = O_WRONLY | O_NOFOLLOW | O_CLOEXEC, rc = 0;
	int fd = openat(dir, RUNNING_FILE, flags | O_CREAT | O_EXCL, 0600);

	if (fd < 0 && errno == EEXIST) {
		rc = 1;
		fd = openat(dir, RUNNING_FILE, flags);
	}
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		rc = -errno;
	else if (rc == 0)
		rc = sync_dir(dir);
	if (rc < 0)
		close(fd);
	else
		*lock = fd;
	return rc;
}

/**
 * running_begin() - Make the file, for this process runs
 * @state_dir:	A directory that exists
 * @lock:	Set to a descriptor, which stays open as long as the process runs
 *
 * Return: 0; 1 when the file was there, from an unclean end, told; or a negative
 * errno, logged: -EWOULDBLOCK when another process has the directory
 */
int running_begin(const char *state_dir, int *lock)
{
	int dir = open_dir(state_dir);
	int rc = dir;

	if (dir >= 0) {
		rc = create(dir, lock);
		close(dir);
	}
	if (rc < 0)
		state_dir_refuse(state_dir, RUNNING_FILE, rc);
	else if (rc == 1)
		log_event("restarted", "after an unclean end: packets that "
			  "were held are lost; a checkpoint is asked for");
	return rc;
}

/**
 * running_end() - Remove the file, for nothing was lost
 * @state_dir:	As in running_begin()
 */
void running_end(const char *state_dir)
{
	int dir = open_dir(state_dir);

	if (dir < 0)
		return;
	if (unlinkat(dir, RUNNING_FILE, 0) == 0)
		sync_dir(dir);
	close(dir);
}
