/* SPDX-License-Identifier: ISC */
#include "procfile.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_CHARS                                                           \
	"abcdefghijklmnopqrstuvwxyz"                                         \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

struct reader {
	FILE *file;
	unsigned line;		/* the last one read */
	unsigned first;		/* where the logical line began */
	char *text;		/* the logical line, from malloc */
};

static char *skip_blanks(const char *s)
{
	return (char *)s + strspn(s, " \t");
}

static void trim_end(char *s)
{
	size_t len = strlen(s);

	while (len > 0 && isspace((unsigned char)s[len - 1]))
		s[--len] = '\0';
}

/* Appends a line to the logical one: 1 if it is to go on, 0, or -ENOMEM. */
static int reader_join(struct reader *r, char *line)
{
	size_t len;
	char *text;
	int more;

	trim_end(line);
	len = strlen(line);
	more = len > 0 && line[len - 1] == '\\';
	if (more)
		line[len - 1] = '\0';
	if (asprintf(&text, "%s%s", r->text ? r->text : "", line) < 0)
		return -ENOMEM;
	free(r->text);
	r->text = text;
	return more;
}

/* The next logical line, in r->text: 1, or 0 at the end, or negative. */
static int reader_next(struct reader *r)
{
	char *line = NULL;
	size_t size = 0;
	int more = 1;

	free(r->text);
	r->text = NULL;
	while (more == 1 && getline(&line, &size, r->file) >= 0) {
		r->line++;
		if (!r->text && *skip_blanks(line) == '#')
			continue;
		if (!r->text)
			r->first = r->line;
		more = reader_join(r, line);
	}
	free(line);
	if (more < 0)
		return more;
	if (ferror(r->file))
		return -EIO;
	return r->text != NULL;
}

/* Does the command's first word name one of our programs? */
static int is_colo(const char *command)
{
	const char *word = command, *p;

	for (p = command; *p && !isspace((unsigned char)*p); p++)
		if (*p == '/')
			word = p + 1;
	return strncmp(word, "colo-", 5) == 0;
}

/* The number behind the command's --notify-fd, -1 without one, -EINVAL. */
static int notify_fd_of(const char *command)
{
	const char *p = strstr(command, "--notify-fd");
	char *end;
	long fd;

	if (!p)
		return -1;
	p += strlen("--notify-fd");
	p = *p == '=' ? p + 1 : skip_blanks(p);
	fd = strtol(p, &end, 10);
	if (end == p || (*end && !isspace((unsigned char)*end)) ||
	    fd < PROCFILE_FD || fd > PROCFILE_FD_MAX)
		return -EINVAL;
	return (int)fd;
}

/* Sets what is run and how it says that it is ready: 0 or negative errno. */
static int entry_set_command(struct procfile_entry *e, const char *command)
{
	int fd = notify_fd_of(command), n;

	if (fd == -EINVAL)
		return fd;
	if (fd == -1 && is_colo(command)) {
		fd = PROCFILE_FD;
		n = asprintf(&e->command, "%s --notify-fd %d", command, fd);
	} else {
		n = asprintf(&e->command, "%s", command);
	}
	if (n < 0)
		return -ENOMEM;
	e->notify_fd = fd;
	return 0;
}

static const struct procfile_entry *find(const struct procfile *pf,
					 const char *name, size_t len)
{
	for (unsigned i = 0; i < pf->n; i++)
		if (strlen(pf->entries[i].name) == len &&
		    memcmp(pf->entries[i].name, name, len) == 0)
			return &pf->entries[i];
	return NULL;
}

/* Adds the logical line: NULL, or what is wrong with it. */
static const char *procfile_add(struct procfile *pf, const char *text)
{
	const char *name = skip_blanks(text), *command;
	size_t len = strspn(name, NAME_CHARS);
	struct procfile_entry *e;

	if (*name == '\0')
		return NULL;
	if (len == 0 || name[len] != ':')
		return "not NAME: COMMAND";
	if (len > PROCFILE_NAME_MAX)
		return "name too long";
	if (find(pf, name, len))
		return "name given twice";
	if (pf->n == PROCFILE_MAX)
		return "too many processes";
	command = skip_blanks(name + len + 1);
	if (*command == '\0')
		return "no command";
	e = &pf->entries[pf->n];
	memcpy(e->name, name, len);
	e->name[len] = '\0';
	switch (entry_set_command(e, command)) {
	case 0:
		pf->n++;
		return NULL;
	case -EINVAL:
		return "--notify-fd takes a number from 3 to 255";
	default:
		return "out of memory";
	}
}

static int procfile_parse(struct procfile *pf, struct reader *r,
			  const char *path, char *err, size_t err_len)
{
	const char *wrong;
	int ret;

	while ((ret = reader_next(r)) == 1) {
		wrong = procfile_add(pf, r->text);
		if (!wrong)
			continue;
		snprintf(err, err_len, "%s:%u: %s", path, r->first, wrong);
		return -EINVAL;
	}
	if (ret < 0) {
		snprintf(err, err_len, "%s: %s", path, strerror(-ret));
		return ret;
	}
	if (pf->n == 0) {
		snprintf(err, err_len, "%s: names no process", path);
		return -EINVAL;
	}
	return 0;
}

/**
 * procfile_read() - Read and check a file of processes
 * @pf:		filled in; procfile_fini() is due when 0 is returned
 * @path:	the file
 * @err:	gets one line without its end when something is wrong
 * @err_len:	room at @err
 *
 * Commands that start with a colo-* program and do not carry --notify-fd are
 * given it.
 *
 * Return: 0, -EINVAL for a line that is none, or what reading it said
 */
int procfile_read(struct procfile *pf, const char *path, char *err,
		  size_t err_len)
{
	struct reader r = { .file = fopen(path, "re") };
	int ret;

	pf->n = 0;
	if (!r.file) {
		ret = -errno;
		snprintf(err, err_len, "%s: %s", path, strerror(-ret));
		return ret;
	}
	ret = procfile_parse(pf, &r, path, err, err_len);
	free(r.text);
	fclose(r.file);
	if (ret < 0)
		procfile_fini(pf);
	return ret;
}

/**
 * procfile_fini() - Give back what procfile_read() took
 * @pf:		what it filled in
 */
void procfile_fini(struct procfile *pf)
{
	for (unsigned i = 0; i < pf->n; i++)
		free(pf->entries[i].command);
	pf->n = 0;
}
