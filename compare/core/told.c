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
 * told_note() - Note that something is so with a flow
 * @t:		The table; zeroed at first
 * @flow:	The flow's index
 * @key:	The flow's key; copied
 * @now_ns:	The time
 * @is_new:	Set to whether the caller has to tell of it now. He fills in what
 *		and since_ns, where they are not what told_note() has put there
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
 * told_over() - Find a flow with which it is so no more
 * @t:		The table
 * @before_ns:	It was noted last before this time
 * @now_ns:	The time
 * @over:	Set to the flow's entry, which is free now: tell of it
 *
 * Return: false when there is none, or nothing may be told now
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
