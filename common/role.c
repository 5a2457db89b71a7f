/* SPDX-License-Identifier: ISC */
/*
 * The role of a process on disk. failover.c calls it; there is no state in memory.
 */
#include "role.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "own_file.h"

/*
 * The file is replaced, never rewritten: whoever reads it, after whatever
 * crash, finds the old role or the new one. The temporary name is fixed, so
 * that one left behind by a crash is used again instead of piling up.
 */
#define ROLE_FILE "ROLE"
#define ROLE_TEMP "ROLE.tmp"

/**
 * role_text() - A role's name, as it stands in the file and in the counters
 * @role:	the role
 *
 * Return: a constant
 */
const char *role_text(enum role role)
{
	return role == ROLE_FAILOVER ? "failover" : "colo";
}

/* Return: a descriptor of the directory, or -errno */
static int dir_open(const char *state_dir)
{
	int fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Writes a role to a file, synced. Return: 0 or -errno */
static int file_write(int dir, const char *name, int flags, mode_t mode,
		      enum role role)
{
	char buf[16];
	int len = snprintf(buf, sizeof(buf), "%s\n", role_text(role));
	int fd, rc = 0;
	ssize_t n;

	fd = openat(dir, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC |
		    flags, mode);
	if (fd < 0)
		return -errno;

	n = write(fd, buf, (size_t)len);
	if (n < 0)
		rc = -errno;
	else if (n != len)
		rc = -ENOSPC;
	else if (fsync(fd) < 0)
		rc = -errno;
	if (close(fd) < 0 && !rc)
		rc = -errno;
	return rc;
}

/**
 * role_check_dir() - Can a role be written when it has to be?
 * @state_dir:	the directory of --state-dir
 *
 * A role is written there and removed, under a name that no other process uses: what
 * permissions say is not the whole of it, and on a full disk a file can be made.
 *
 * Return: 0, or the negative errno of what cannot be done
 */
int role_check_dir(const char *state_dir)
{
	int dir = dir_open(state_dir), rc;
	char name[32];

	if (dir < 0)
		return dir;
	snprintf(name, sizeof(name), ".check-%ld", (long)getpid());
	unlinkat(dir, name, 0);		/* of one that died here, with our number */
	rc = file_write(dir, name, O_EXCL, 0600, ROLE_FAILOVER);
	if (rc != -EEXIST)
		unlinkat(dir, name, 0);
	close(dir);
	return rc;
}

/* Return: 0, or -EINVAL when the LEN bytes at BUF name no role */
static int role_from_bytes(enum role *role, const char *buf, size_t len)
{
	static const enum role roles[] = { ROLE_COLO, ROLE_FAILOVER };

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		const char *text = role_text(roles[i]);
		size_t text_len = strlen(text);

		if (len == text_len + 1 && !memcmp(buf, text, text_len) &&
		    buf[text_len] == '\n') {
			*role = roles[i];
			return 0;
		}
	}
	return -EINVAL;
}

/**
 * role_read() - The role this process had when it last ran
 * @state_dir:	the directory of --state-dir
 * @role:	set on success; ROLE_COLO when nothing was ever written
 *
 * Return: 0; -ENOENT or another error when the directory cannot be opened;
 * -EINVAL when the file says neither role; -EPERM when others than us and root
 * can have written it; or what open(2), read(2) say
 */
int role_read(const char *state_dir, enum role *role)
{
	char buf[16];
	ssize_t len;
	int dir, fd, rc;

	dir = dir_open(state_dir);
	if (dir < 0)
		return dir;
	fd = own_file_open(dir, ROLE_FILE, O_RDONLY);
	rc = fd < 0 ? fd : 0;
	close(dir);
	if (rc == -ENOENT) {
		*role = ROLE_COLO;
		return 0;
	}
	if (rc)
		return rc;

	len = read(fd, buf, sizeof(buf));
	rc = len < 0 ? -errno : role_from_bytes(role, buf, (size_t)len);
	close(fd);
	return rc;
}

/**
 * role_write() - Make a role last beyond this process and this boot
 * @state_dir:	the directory of --state-dir
 * @role:	the role
 *
 * When it returns 0 the role is on the disk, and only then may the change be
 * answered. When it fails the file still says what it said before, except
 * after a failed sync of the directory, when either may be found later.
 *
 * Return: 0, or the negative errno of the first step that failed
 */
int role_write(const char *state_dir, enum role role)
{
	int dir, rc;

	dir = dir_open(state_dir);
	if (dir < 0)
		return dir;

	rc = file_write(dir, ROLE_TEMP, O_TRUNC, 0644, role);
	if (!rc && renameat(dir, ROLE_TEMP, dir, ROLE_FILE) < 0)
		rc = -errno;
	if (rc)
		unlinkat(dir, ROLE_TEMP, 0);
	else if (fsync(dir) < 0)
		rc = -errno;
	close(dir);
	return rc;
}
