/* SPDX-License-Identifier: ISC */
#include "rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *copy_of(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		abort();
	return copy;
}

/**
 * rules_init() - Take over the rules of the command line
 * @r:		Zeroed; rules_fini() frees its texts
 * @ignore:	What the report uses; borrowed. It has these rules already
 * @given:	The rules
 */
void rules_init(struct rules *r, struct ignore *ignore,
		const struct option_list *given)
{
	r->ignore = ignore;
	for (unsigned i = 0; i < given->n && r->n < IGNORE_MAX; i++)
		r->text[r->n++] = copy_of(given->v[i]);
}

/* Have the report use the rules as they are now. Return: 0, or the error of
 * ignore_add() and nothing is changed */
static int use(struct rules *r, char *why, size_t size)
{
	struct ignore next = { 0 };
	int err = 0;

	for (unsigned i = 0; i < r->n && err == 0; i++)
		err = ignore_add(&next, r->text[i], why, size);
	if (err < 0)
		return err;
	ignore_fini(r->ignore);
	*r->ignore = next;
	return 0;
}

/**
 * rules_add() - One rule more
 * @r:		The rules
 * @text:	The rule; copied
 * @why:	Set to what is wrong with it
 * @size:	Of @why, bytes
 *
 * Return: 0, -EINVAL, -E2BIG
 */
int rules_add(struct rules *r, const char *text, char *why, size_t size)
{
	int err;

	if (r->n == IGNORE_MAX) {
		snprintf(why, size, "more than %d rules", IGNORE_MAX);
		return -E2BIG;
	}
	r->text[r->n++] = copy_of(text);
	err = use(r, why, size);
	if (err < 0)
		free(r->text[--r->n]);
	return err;
}

/**
 * rules_remove() - One rule less
 * @r:		The rules
 * @text:	The rule, as it was given
 *
 * Return: 0, or -ENOENT when there is no such rule
 */
int rules_remove(struct rules *r, const char *text)
{
	char why[512], *gone;
	unsigned i = 0;

	while (i < r->n && strcmp(r->text[i], text) != 0)
		i++;
	if (i == r->n)
		return -ENOENT;
	gone = r->text[i];
	memmove(&r->text[i], &r->text[i + 1],
		(r->n - i - 1) * sizeof(*r->text));
	r->n--;
	use(r, why, sizeof(why));	/* each of the rest was good before */
	free(gone);
	return 0;
}

/**
 * rules_fini() - Free the texts
 * @r:		The rules; the report uses them no more
 */
void rules_fini(struct rules *r)
{
	while (r->n)
		free(r->text[--r->n]);
}
