/* SPDX-License-Identifier: ISC */
/*
 * One grammar for numbers, sizes and times, wherever one is read. Sizes and
 * times may have decimals and a unit. Pure.
 */
#include "quantity.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "time.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit sizes[] = {
	{ "k", UINT64_C(1) << 10 }, { "M", UINT64_C(1) << 20 },
	{ "G", UINT64_C(1) << 30 }, { "T", UINT64_C(1) << 40 }, { NULL, 0 },
};

static const struct unit times[] = {
	{ "ns", 1 }, { "us", 1000 }, { "ms", NS_PER_MS }, { "s", NS_PER_S },
	{ "min", 60 * NS_PER_S }, { "h", 3600 * NS_PER_S }, { NULL, 0 },
};

#define DIGITS_MAX 19u		/* as many fit into 64 bits */

__extension__ typedef unsigned __int128 wide;

/* The digits of text, with at most one dot among them, times a factor. */
static int scale(uint64_t *out, const char *text, size_t len, uint64_t factor)
{
	const char *dot = memchr(text, '.', len);
	wide n = 0, divisor = 1;

	if (dot && dot + 1 == text + len)
		return -EINVAL;
	if (len > DIGITS_MAX + !!dot)
		return -ERANGE;
	for (const char *c = text; c < text + len; c++) {
		if (c == dot)
			continue;
		n = n * 10 + (unsigned)(*c - '0');
		if (dot && c > dot)
			divisor *= 10;
	}
	n *= factor;
	if (n % divisor || n / divisor > UINT64_MAX)
		return -ERANGE;
	*out = (uint64_t)(n / divisor);
	return 0;
}

static int parse(uint64_t *out, const char *text, const struct unit *units,
		 uint64_t bare)
{
	size_t len = strspn(text, "0123456789.");

	if (!isdigit((unsigned char)*text) ||
	    memchr(text, '.', len) != memrchr(text, '.', len))
		return -EINVAL;
	if (!text[len])
		return scale(out, text, len, bare);
	for (; units->name; units++)
		if (!strcmp(text + len, units->name))
			return scale(out, text, len, units->factor);
	return -ENOENT;
}

/**
 * quantity_number() - Read a number
 * @n:		Set on success
 * @text:	Decimal digits, and nothing else
 * @max:	The most that it may be
 *
 * Return: 0; -EINVAL when there is another character or none, -ERANGE when it
 * is over @max
 */
int quantity_number(uint64_t *n, const char *text, uint64_t max)
{
	unsigned long long value;

	if (!*text || strspn(text, "0123456789") != strlen(text))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, NULL, 10);
	if (errno || value > max)
		return -ERANGE;
	*n = value;
	return 0;
}

/**
 * quantity_mode() - Read the permissions of a file
 * @mode:	Set on success
 * @text:	One to four octal digits, and nothing else; at most 0777
 *
 * Return: 0 or -EINVAL
 */
int quantity_mode(mode_t *mode, const char *text)
{
	size_t len = strlen(text);
	unsigned long value;

	if (!len || len > 4 || strspn(text, "01234567") != len)
		return -EINVAL;
	value = strtoul(text, NULL, 8);
	if (value > 0777)
		return -EINVAL;
	*mode = (mode_t)value;
	return 0;
}

/**
 * quantity_bytes() - Read a size
 * @bytes:	Set
 * @text:	A number, in bytes or with k, M, G or T behind it: powers of 1024
 *
 * Return: 0; -EINVAL when it does not begin with a number, -ENOENT when what is
 * behind that is no unit, -ERANGE when it is not a whole number below 2^64
 */
int quantity_bytes(uint64_t *bytes, const char *text)
{
	return parse(bytes, text, sizes, 1);
}

/**
 * quantity_time() - Read a time
 * @ns:		Set: nanoseconds
 * @text:	A number with ns, us, ms, s, min or h behind it
 * @bare_ns:	What a number counts in that has nothing behind it
 *
 * Return: as quantity_bytes()
 */
int quantity_time(uint64_t *ns, const char *text, uint64_t bare_ns)
{
	return parse(ns, text, times, bare_ns);
}

/**
 * quantity_seconds() - Read a time of whole seconds
 * @s:		Set on success: seconds
 * @text:	As in quantity_time(); seconds when it has no unit
 * @max:	The most that it may be
 *
 * Return: as quantity_bytes(); -ERANGE also for parts of a second and above @max
 */
int quantity_seconds(uint64_t *s, const char *text, uint64_t max)
{
	uint64_t ns;
	int err = quantity_time(&ns, text, NS_PER_S);

	if (err < 0)
		return err;
	if (ns % NS_PER_S || ns / NS_PER_S > max)
		return -ERANGE;
	*s = ns / NS_PER_S;
	return 0;
}
