/* SPDX-License-Identifier: ISC */
#include "running.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

#include "../../common/log.h"

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

static int create(int dir)
{
	int fd = openat(dir, RUNNING_FILE,
			O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno == EEXIST ? 1 : -errno;
	close(fd);
	return sync_dir(dir);
}

/**
 * running_begin - leave the mark that this process runs
 * @state_dir:	an existing directory
 *
 * Return: 0, 1 when the mark of an unclean end was there, or a negative
 * errno, logged
 */
int running_begin(const char *state_dir)
{
	int dir = open_dir(state_dir);
	int rc = dir;

	if (dir >= 0) {
		rc = create(dir);
		close(dir);
	}
	if (rc < 0)
		log_error("state-dir", "%s: %s", state_dir, uv_strerror(rc));
	else if (rc == 1)
		log_event("restarted", "after an unclean end: what was held "
			  "is lost, a checkpoint is wanted");
	return rc;
}

/**
 * running_end - take the mark away: nothing was lost
 * @state_dir:	that of running_begin()
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
