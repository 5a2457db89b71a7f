/* SPDX-License-Identifier: ISC */
#include "told.h"

#include "../../common/time.h"

static bool may_tell(struct told *t, uint64_t now_ns)
{
	if (now_ns - t->second_ns >= NS_PER_S) {
		t->second_ns = now_ns;
		t->n_lines = 0;
	}
	if (t->n_lines >= TOLD_LINES)
		return false;
	t->n_lines++;
	return true;
}

/**
 * told_note() - A flow shows what is told of
 * @t:		The table; zeroed at first
 * @flow:	The flow's index
 * @key:	What it is called
 * @now_ns:	The time
 * @is_new:	Set when it is to be told now: fill in the rest
 *
 * Return: the flow's entry; NULL when it has none for now
 */
struct told_flow *told_note(struct told *t, uint32_t flow,
			    const struct flow_key *key, uint64_t now_ns,
			    bool *is_new)
{
	struct told_flow *f = &t->slots[flow & (TOLD_SLOTS - 1)];

	*is_new = !f->is_used && may_tell(t, now_ns);
	if (*is_new) {
		*f = (struct told_flow){ .key = *key, .since_ns = now_ns,
					 .flow = flow, .is_used = true };
		t->n++;
	}
	if (!f->is_used || f->flow != flow)
		return NULL;
	f->seen_ns = now_ns;
	f->n++;
	return f;
}

/**
 * told_over() - Find a flow that does not show it any more
 * @t:		The table
 * @before_ns:	It did so last before this time
 * @now_ns:	The time
 * @over:	The flow's entry, which is free now
 *
 * Return: false when there is none, or no more may be told of now
 */
bool told_over(struct told *t, uint64_t before_ns, uint64_t now_ns,
	       struct told_flow *over)
{
	for (unsigned i = 0; i < TOLD_SLOTS && t->n; i++) {
		struct told_flow *f = &t->slots[i];

		if (!f->is_used || f->seen_ns >= before_ns)
			continue;
		if (!may_tell(t, now_ns))
			return false;
		*over = *f;
		f->is_used = false;
		t->n--;
		return true;
	}
	return false;
}
