/* SPDX-License-Identifier: ISC */
#ifndef COLO_NETNS_H
#define COLO_NETNS_H

#define NETNS_PATH_MAX 128

void netns_path(const char *name, char path[NETNS_PATH_MAX]);

/* Visit another network namespace: sockets and devices opened inside stay. */
int netns_enter(const char *name);	/* fd to come back with, or -errno */
int netns_leave(int back);

#endif
