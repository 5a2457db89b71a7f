/* SPDX-License-Identifier: ISC */
/* Where the sockets are, if nobody says so. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

#define DIR_DEFAULT "/run/colo-pipe"
#define POLL_MS 50u

static int is_socket_name(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return *entry->d_name != '.' && len > 4 &&
	       !strcmp(entry->d_name + len - 4, ".ctl");
}

static char *join(const char *dir, const char *name, const char *suffix)
{
	char *path;

	if (asprintf(&path, "%s/%s%s", dir, name, suffix) < 0)
		abort();
	return path;
}

static const char *directory(void)
{
	const char *dir = getenv("COLO_CONTROL_DIR");

	return dir && *dir ? dir : DIR_DEFAULT;
}

/* Takes the path. */
static void add(struct ctl_options *o, char *path)
{
	bool is_new = true;

	for (unsigned i = 0; i < o->n_sockets; i++)
		is_new &= strcmp(o->sockets[i], path) != 0;
	if (is_new && o->n_sockets < CTL_SOCKETS_MAX) {
		o->sockets[o->n_sockets++] = path;
		return;
	}
	o->has_too_many |= is_new;
	free(path);
}

static bool has_socket(const json_t *line)
{
	return json_is_true(json_object_get(line, "control"));
}

/* A process that has ended has no socket, but its runner knows that it had. */
static void look(struct ctl_options *o, const char *dir)
{
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, is_socket_name, alphasort);
	json_t *lines = ctl_runner_lines(dir), *line;
	const char *name;

	for (int i = 0; i < n; i++) {
		add(o, join(dir, entries[i]->d_name, ""));
		free(entries[i]);
	}
	free(entries);
	json_object_foreach(lines, name, line) {
		if (has_socket(line))
			add(o, join(dir, name, ".ctl"));
	}
	json_decref(lines);
}

/**
 * ctl_find() - Find the sockets of this host's processes
 * @o:		gets all *.ctl of $COLO_CONTROL_DIR, else of /run/colo-pipe, by
 *		name, unless it has some already; the paths live as long as the
 *		process
 * @waits:	for the first one to appear, as long as @o allows
 *
 * Return: 0; -1, said on standard error, if there is none, or there are too many: who
 * asks all of them must not miss one
 */
int ctl_find(struct ctl_options *o, bool waits)
{
	const char *dir = directory();
	unsigned left_ms = waits ? o->timeout_s * 1000 : 0;

	o->is_found = !o->n_sockets;
	while (!o->n_sockets) {
		look(o, dir);
		if (o->n_sockets || left_ms < POLL_MS)
			break;
		usleep(POLL_MS * 1000);
		left_ms -= POLL_MS;
	}
	if (o->has_too_many) {
		fprintf(stderr, "colo-ctl: more than %u control sockets in %s "
			"(-s SOCKET for some of them)\n", CTL_SOCKETS_MAX, dir);
		while (o->n_sockets)
			free((char *)o->sockets[--o->n_sockets]);
		return -1;
	}
	if (o->n_sockets)
		return 0;
	fprintf(stderr, "colo-ctl: no control socket: no *.ctl in %s (-s "
		"SOCKET, or COLO_CONTROL_DIR=DIR)\n", dir);
	return -1;
}

/**
 * ctl_find_others() - Processes that have no control socket, but a runner
 * @o:	of ctl_find()
 *
 * Return: the runner's line of each by its name, a new reference; none when it was said
 * which sockets to ask
 */
json_t *ctl_find_others(const struct ctl_options *o)
{
	json_t *lines = o->is_found ? ctl_runner_lines(directory()) :
				      json_object(), *line;
	const char *name;
	void *next;

	json_object_foreach_safe(lines, next, name, line) {
		if (has_socket(line))
			json_object_del(lines, name);
	}
	return lines;
}

/**
 * ctl_find_more() - Find the processes that were not there before
 * @o:	of ctl_find(); gets their sockets, unless it was said which
 * @v:	a link for each socket, and room for more of them
 *
 * Return: how many there are now
 */
unsigned ctl_find_more(struct ctl_options *o, struct ctl *v)
{
	unsigned n = o->n_sockets;

	if (o->is_found)
		look(o, directory());
	for (; n < o->n_sockets; n++)
		ctl_link_open(&v[n], o->sockets[n]);
	return n;
}
