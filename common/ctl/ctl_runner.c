/* SPDX-License-Identifier: ISC */
/* What colo-run(1) says of a process, in a line beside its control socket. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

#define LINE_BYTES 512
#define SUFFIX ".process"

/* NAME=VALUE */
static void add_word(json_t *line, char *word)
{
	char *value = strchr(word, '=');

	if (!value)
		return;
	*value++ = '\0';
	json_object_set_new(line, word, ctl_json_word(value));
}

/* A runner that is dead says nothing of now. */
static bool is_alive(const json_t *line)
{
	pid_t pid = (pid_t)json_integer_value(json_object_get(line, "runner"));

	return pid > 0 && (!kill(pid, 0) || errno == EPERM);
}

/* Return: a new reference; NULL if there is no such file, or its runner is dead */
static json_t *read_line(const char *path)
{
	char text[LINE_BYTES] = "", *rest = NULL;
	FILE *f = fopen(path, "re");
	json_t *line;

	if (!f || !fgets(text, sizeof(text), f))
		text[0] = '\0';
	if (f)
		fclose(f);
	line = json_object();
	for (char *word = strtok_r(text, " \n", &rest); word;
	     word = strtok_r(NULL, " \n", &rest))
		add_word(line, word);
	if (is_alive(line))
		return line;
	json_decref(line);
	return NULL;
}

/**
 * ctl_runner_line() - What does the runner say of a process?
 * @socket:	path of its control socket, DIR/NAME.ctl: it stands in DIR/NAME.process
 *
 * Return: the names and values of the line, a new reference; NULL: no runner that
 * lives says anything
 */
json_t *ctl_runner_line(const char *socket)
{
	size_t len = strlen(socket);
	json_t *line;
	char *path;

	if (len < 4 || strcmp(socket + len - 4, ".ctl") != 0)
		return NULL;
	if (asprintf(&path, "%.*s" SUFFIX, (int)len - 4, socket) < 0)
		abort();
	line = read_line(path);
	free(path);
	return line;
}

/**
 * ctl_runner_lines() - What do runners say of the processes of a host?
 * @dir:	of the control sockets
 *
 * Return: the line of each process by its name, a new reference
 */
json_t *ctl_runner_lines(const char *dir)
{
	json_t *lines = json_object();
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char *path, *end = strstr(entries[i]->d_name, SUFFIX);

		if (asprintf(&path, "%s/%s", dir, entries[i]->d_name) < 0)
			abort();
		if (end && !end[sizeof(SUFFIX) - 1]) {
			*end = '\0';
			json_object_set_new(lines, entries[i]->d_name,
					    read_line(path));
		}
		free(path);
		free(entries[i]);
	}
	free(entries);
	return lines;
}

static const char *words_of(const char *state)
{
	if (!strcmp(state, "waiting"))
		return "waits to be started again";
	return strcmp(state, "down") ? state : "not started yet";
}

/**
 * ctl_runner_text() - A runner's line in words
 * @line:	of ctl_runner_line(), not NULL
 *
 * Return: such as "up, process 4711, restarted 2 times, last exit signal 9", for free()
 */
char *ctl_runner_text(const json_t *line)
{
	long long pid = json_integer_value(json_object_get(line, "pid"));
	long long n = json_integer_value(json_object_get(line, "restarts"));
	const char *state = json_string_value(json_object_get(line, "state"));
	const char *last = json_string_value(json_object_get(line, "last_exit"));
	const char *value = last ? strchr(last, ':') : NULL;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		abort();
	fputs(state ? words_of(state) : "?", f);
	if (pid)
		fprintf(f, ", process %lld", pid);
	if (n)
		fprintf(f, ", restarted %lld time%s", n, n == 1 ? "" : "s");
	if (value)
		fprintf(f, ", last exit %.*s %s", (int)(value - last), last,
			value + 1);
	if (fclose(f))
		abort();
	return text;
}
