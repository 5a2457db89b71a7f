/* SPDX-License-Identifier: ISC */
/*
 * What the parsers of an endpoint's kind and of its options have in common: they
 * refuse, and copy. Pure.
 */
#include "parser.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/**
 * parser_refuse() - Say what is wrong
 * @p:		Its err is set to one line, whatever bytes the text had in it
 * @fmt:	As printf()'s
 *
 * Return: -EINVAL
 */
int parser_refuse(struct parser *p, const char *fmt, ...)
{
	va_list ap;

	if (!p->err_len)
		return -EINVAL;
	va_start(ap, fmt);
	vsnprintf(p->err, p->err_len, fmt, ap);
	va_end(ap);
	for (char *c = p->err; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	}
	return -EINVAL;
}

/**
 * parser_copy() - Copy a value that has to fit
 * @p:		The parser
 * @what:	What the value is, for the message
 * @to:		Set to the value with its NUL
 * @size:	Room there, bytes
 * @from:	The value
 *
 * Return: 0; -EINVAL when it is empty or too long, which has been said
 */
int parser_copy(struct parser *p, const char *what, char *to, size_t size,
		const char *from)
{
	size_t len = strlen(from);

	if (!len)
		return parser_refuse(p, "%s: empty %s", p->kind, what);
	if (len >= size)
		return parser_refuse(p, "%s: %s of %zu bytes, the limit is %zu",
				     p->kind, what, len, size - 1);
	memcpy(to, from, len + 1);
	return 0;
}

/**
 * parser_is_dots() - Is a name "." or ".."?
 * @name:	The name
 *
 * These two are directories wherever names become files.
 */
bool parser_is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}
