/* SPDX-License-Identifier: ISC */
/*
 * Later fragments have no ports: they follow the first fragment of their
 * datagram. Where it went is kept for AGE_MAX_NS, for DATAGRAMS_MAX datagrams,
 * of which the one that began first gives way.
 *
 * A later fragment that comes before the first one finds nothing. Nothing is held
 * here: who sends it repeats the datagram.
 */
#include "fragments.h"

#include "../../common/age.h"
#include "../../common/time.h"
#include "tuple.h"

#define DATAGRAMS_MAX 4096u
#define AGE_MAX_NS (30 * NS_PER_S)	/* Linux reassembles for as long */

/**
 * fragments_new() - Begin without fragments
 * @seed:	of the hash
 *
 * Return: a table, which the caller frees with flow_table_free(), or NULL
 */
struct flow_table *fragments_new(uint64_t seed)
{
	return flow_table_new(DATAGRAMS_MAX, sizeof(struct fragments_way),
			      seed);
}

/**
 * fragments_get() - Where did the first fragment go?
 * @t:		table
 * @p:		later fragment, parsed
 * @way:	set when it is known
 * @now_ns:	time
 */
bool fragments_get(struct flow_table *t, const struct packet *p,
		   struct fragments_way *way, uint64_t now_ns)
{
	const struct fragments_way *found;
	struct flow_key key;

	if (!tuple_fragment(&key, p))
		return false;
	found = flow_find(t, &key);
	if (!found || age_ns(now_ns, flow_used_ns(t, found)) > AGE_MAX_NS)
		return false;
	*way = *found;
	return true;
}

/**
 * fragments_put() - A first fragment went somewhere
 * @t:		table
 * @p:		the fragment, parsed
 * @way:	where to
 * @now_ns:	time
 */
void fragments_put(struct flow_table *t, const struct packet *p,
		   struct fragments_way way, uint64_t now_ns)
{
	struct fragments_way *at;
	struct flow_key key;

	if (!tuple_fragment(&key, p))
		return;
	at = flow_find(t, &key);
	if (at) {
		flow_touch(t, at, 0, now_ns);
	} else {
		at = flow_add(t, &key, 0, now_ns);
		if (!at) {
			flow_remove(t, flow_oldest(t, 0));
			at = flow_add(t, &key, 0, now_ns);
		}
	}
	*at = way;
}

/**
 * fragments_forget() - The place of a destination will be another one's
 * @t:		table
 * @dest:	index of the destination
 */
void fragments_forget(struct flow_table *t, uint16_t dest)
{
	struct fragments_way *at = flow_oldest(t, 0), *next;

	for (; at; at = next) {
		next = flow_next(t, at);
		if (at->dest == dest)
			flow_remove(t, at);
	}
}
