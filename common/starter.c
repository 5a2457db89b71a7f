/* SPDX-License-Identifier: ISC */
/*
 * Tells whoever started this process: systemd, s6. There is no state.
 */
#include "starter.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"

/**
 * starter_tell() - Tell systemd something, if it started this process so
 * @text:	`READY=1`, `STATUS=...`: sd_notify(3)
 */
void starter_tell(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (!len || len >= sizeof(sun.sun_path))
		return;
	memcpy(sun.sun_path, path, len);
	if (sun.sun_path[0] == '@')
		sun.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	if (sendto(fd, text, strlen(text), 0, (struct sockaddr *)&sun,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		log_warn(NULL, "NOTIFY_SOCKET: %s", strerror(errno));
	close(fd);
}

/**
 * starter_ready() - Say that the process is ready, as s6 has it
 * @fd:	of --notify-fd; it is closed, unless it is a standard one
 */
void starter_ready(int fd)
{
	if (write(fd, "\n", 1) != 1)
		log_warn(NULL, "--notify-fd: %s", strerror(errno));
	if (fd > STDERR_FILENO)
		close(fd);
}
