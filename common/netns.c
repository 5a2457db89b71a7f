/* SPDX-License-Identifier: ISC */
/*
 * Network namespaces, entered and left by the whole process: nothing else may run
 * between the two calls.
 */
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/**
 * netns_path() - Where a network namespace has its name
 * @name:	As `ip netns` knows it, or a path when it has a slash
 * @path:	Filled; has a slash
 */
void netns_path(const char *name, char path[NETNS_PATH_MAX])
{
	snprintf(path, NETNS_PATH_MAX, "%s%s",
		 strchr(name, '/') ? "" : "/run/netns/", name);
}

/**
 * netns_enter() - Go into a network namespace
 * @name:	As `ip netns` knows it, or a path when it has a slash
 *
 * Return: a descriptor for netns_leave(), or a negative errno; the process is
 * where it was then
 */
int netns_enter(const char *name)
{
	char path[NETNS_PATH_MAX];
	int back, there, err = 0;

	netns_path(name, path);
	back = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (back < 0)
		return -errno;
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (there < 0 || setns(there, CLONE_NEWNET))
		err = -errno;
	if (there >= 0)
		close(there);
	if (err < 0) {
		close(back);
		return err;
	}
	return back;
}

/**
 * netns_leave() - Come back
 * @back:	What netns_enter() returned; closed
 *
 * Return: 0 or a negative errno
 */
int netns_leave(int back)
{
	int err = setns(back, CLONE_NEWNET) ? -errno : 0;

	close(back);
	return err;
}
