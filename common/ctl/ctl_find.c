/* SPDX-License-Identifier: ISC */
/* Where the sockets are, if nobody says so. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

#define DIR_DEFAULT "/run/colo-pipe"

static int is_socket_name(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return *entry->d_name != '.' && len > 4 &&
	       !strcmp(entry->d_name + len - 4, ".ctl");
}

static char *join(const char *dir, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		abort();
	return path;
}

/**
 * ctl_find() - Find the sockets of this host's processes
 * @o:	gets all *.ctl of $COLO_CONTROL_DIR, else of /run/colo-pipe, by name,
 *	unless it has some already; the paths live as long as the process
 *
 * Return: 0; -1, said on standard error, if there is none
 */
int ctl_find(struct ctl_options *o)
{
	const char *dir = getenv("COLO_CONTROL_DIR");
	struct dirent **entries = NULL;
	int n;

	if (o->n_sockets)
		return 0;
	if (!dir || !*dir)
		dir = DIR_DEFAULT;
	n = scandir(dir, &entries, is_socket_name, alphasort);
	for (int i = 0; i < n; i++) {
		if (o->n_sockets < CTL_SOCKETS_MAX)
			o->sockets[o->n_sockets++] =
				join(dir, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (o->n_sockets)
		return 0;
	fprintf(stderr, "colo-ctl: no control socket: no *.ctl in %s (-s "
		"SOCKET, or COLO_CONTROL_DIR=DIR)\n", dir);
	return -1;
}
