/* SPDX-License-Identifier: ISC */
/*
 * Listening on the path of a UNIX socket, for unix-listen: and control sockets. The
 * caller owns the descriptor and struct unix_path.
 */
#include "unix_path.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 16

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/* Does a process listen on this path, or was it left behind? */
static bool is_alive(const struct sockaddr_un *sun)
{
	int fd = new_socket();
	bool alive = true;

	if (fd >= 0) {
		alive = connect(fd, (const struct sockaddr *)sun,
				sizeof(*sun)) == 0 || errno != ECONNREFUSED;
		close(fd);
	}
	return alive;
}

/* What a dead process has left there is removed; only a socket is. */
static int make_free(const struct sockaddr_un *sun)
{
	struct stat st;

	if (lstat(sun->sun_path, &st))
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	if (is_alive(sun))
		return -EADDRINUSE;
	unlink(sun->sun_path);
	return 0;
}

/**
 * unix_path_listen() - Listen on a UNIX socket
 * @p:		set, for unix_path_remove(), whatever the result
 * @path:	shorter than sockaddr_un's, or -ENAMETOOLONG; borrowed
 * @mode:	of the file, whatever the umask is
 *
 * Return: a descriptor, for the caller to close; or a negative errno:
 * -EADDRINUSE if a process listens there, -EEXIST if it is no socket
 */
int unix_path_listen(struct unix_path *p, const char *path, mode_t mode)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, err;

	*p = (struct unix_path){ .path = path };
	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	memcpy(sun.sun_path, path, strlen(path));
	err = make_free(&sun);
	fd = err < 0 ? err : new_socket();
	if (fd < 0)
		return fd;
	mask = umask(0777 & ~mode);
	err = bind(fd, (struct sockaddr *)&sun, sizeof(sun)) ? -errno : 0;
	umask(mask);
	p->is_made = err == 0 && !stat(path, &p->made);
	if (err == 0 && listen(fd, BACKLOG))
		err = -errno;
	if (err < 0) {
		unix_path_remove(p);
		close(fd);
		return err;
	}
	return fd;
}

/**
 * unix_path_remove() - Remove the path
 * @p:	path; it stays if another process has put its own there since
 */
void unix_path_remove(struct unix_path *p)
{
	struct stat now;

	if (p->is_made && !stat(p->path, &now) &&
	    now.st_dev == p->made.st_dev && now.st_ino == p->made.st_ino)
		unlink(p->path);
	p->is_made = false;
}
