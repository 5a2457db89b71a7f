/* SPDX-License-Identifier: ISC */
/*
 * Says whether a command line would write a file that it reads, or write one file
 * twice. It opens nothing: an output is emptied as soon as it is opened.
 */
#include "file_use.h"

#include <assert.h>
#include <string.h>
#include <sys/stat.h>

/**
 * file_use_add() - An option names a file
 * @u:		The list
 * @option:	Without its dashes; borrowed
 * @path:	Borrowed; NULL when the option was not given, and "-", which is no
 *		file, are left out
 * @is_written:	Else it is read
 */
void file_use_add(struct file_uses *u, const char *option, const char *path,
		   bool is_written)
{
	if (!path || !strcmp(path, "-"))
		return;
	assert(u->n < FILE_USES_MAX);
	u->v[u->n++] = (struct file_use){ option, path, is_written };
}

/**
 * file_use_add_spec() - An option names an endpoint
 * @u:		The list
 * @option:	Without its dashes; borrowed
 * @spec:	Borrowed; left out unless it is a capture
 * @is_written:	Else it is read
 */
void file_use_add_spec(struct file_uses *u, const char *option,
			const struct endpoint_spec *spec, bool is_written)
{
	if (spec->kind == ENDPOINT_PCAP)
		file_use_add(u, option, spec->target, is_written);
}

/* Devices and pipes hold nothing that could be lost. A file that is not there yet
 * has no more than its name. */
static bool is_same(const char *a, const char *b)
{
	struct stat sa, sb;
	bool has_a = stat(a, &sa) == 0, has_b = stat(b, &sb) == 0;

	if (!has_a && !has_b)
		return !strcmp(a, b);
	return has_a && has_b && S_ISREG(sa.st_mode) &&
	       sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

static int check_pair(const struct file_use *a, const struct file_use *b)
{
	const struct file_use *out = a->is_written ? a : b;
	const struct file_use *other = a->is_written ? b : a;

	if (!out->is_written || !is_same(a->path, b->path))
		return 0;
	return option_bad("--%s would overwrite %s, which --%s %s",
			  out->option, other->path, other->option,
			  other->is_written ? "writes, too" : "reads");
}

/**
 * file_use_check() - Is each file that is written named once?
 * @u:		The list
 *
 * Return: 0, or what option_bad() returns; the reason is logged
 */
int file_use_check(const struct file_uses *u)
{
	int bad = 0;

	for (unsigned i = 0; i < u->n && !bad; i++)
		for (unsigned j = i + 1; j < u->n && !bad; j++)
			bad = check_pair(&u->v[i], &u->v[j]);
	return bad;
}
