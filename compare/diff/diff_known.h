/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_DIFF_KNOWN_H
#define COLO_COMPARE_DIFF_KNOWN_H

#include "diff_found.h"
#include "ignore.h"
#include "learn.h"

/*
 * What of a difference is known noise: named by --ignore, or learnt by --learn
 * between two good recordings. It reads differences, and writes only to what
 * is learnt.
 */
struct diff_known {
	struct ignore ignore;
	struct learn *learn;	/* borrowed; or NULL */
	bool is_learning;	/* else what was learnt is noise */
};

/* Takes a part of a difference that is not known noise. */
typedef void diff_known_rest(void *arg, const struct diff_found *part);

enum diff_fate diff_known_cut(struct diff_known *k, const struct diff_found *f,
			      diff_known_rest *rest, void *arg);
void diff_known_learn(struct diff_known *k, const struct diff_found *f);

#endif
