/* SPDX-License-Identifier: ISC */
/*
 * The flow table: three arrays of which only touched pages cost memory.
 *
 *	buckets	u32 head of a chain. Linear hashing (Litwin, 1980): as the
 *		table fills, one bucket after the other is split in two, so
 *		that few flows use few pages and chains stay short, without
 *		ever rehashing
 *	entries	header and value side by side; a free entry is on the free
 *		chain (last freed, first used: its pages are warm) or beyond
 *		`fresh`, where nothing was touched yet
 *	lists	the ends of the lists by last use
 *
 * A lookup in a large table costs what its cache and TLB misses cost. So what
 * it reads of an entry stands in one cache line, with the next line for the
 * rest where the value allows; and all but the beginning of the arrays asks
 * for huge pages.
 *
 * Links are 1-based entry numbers, 0 for none: what the kernel gives zeroed is
 * an empty table. The hash is seeded, so a peer that does not know the seed
 * cannot aim at one chain.
 */
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "age.h"
#include "flow.h"

#define LIST_FREE 0u		/* what a page that was never touched says */
#define BUCKETS_PER_FLOW 2u	/* chains of one, mostly */
#define CACHE_LINE 64u
#define SPLITS_AHEAD 16u	/* about as long as memory takes to answer */
#define HUGE_PAGE ((size_t)2 << 20)

/* A flow; the caller's value follows. The first line is what a lookup reads. */
struct entry {
	uint32_t hash;
	uint32_t next;		/* in the bucket's chain, or the free chain */
	struct flow_key key;
	uint32_t older;		/* neighbours on the list */
	uint64_t used_ns;
	uint32_t younger;
	uint8_t list;		/* number + 1, or LIST_FREE */
};

_Static_assert(sizeof(struct flow_key) == 44, "no padding: hashed whole");
_Static_assert(sizeof(struct entry) <= 72, "a million of them");
_Static_assert(sizeof(struct entry) % 8 == 0, "the value is aligned");
_Static_assert(offsetof(struct entry, younger) == CACHE_LINE, "as it says");

/* The ends of a list by last use. */
struct flow_list {
	uint32_t oldest;
	uint32_t youngest;
};

/* What the comment at the top describes. */
struct flow_table {
	uint64_t seed;
	uint32_t *buckets;
	uint8_t *entries;
	size_t buckets_len;	/* bytes mapped */
	size_t entries_len;
	size_t stride;		/* bytes from entry to entry */
	size_t value_len;
	uint32_t n_buckets;	/* so far */
	uint32_t mask;		/* the power of two that holds them, - 1 */
	uint32_t max;
	uint32_t fresh;		/* entries that were ever used */
	uint32_t free;		/* chain of those given back */
	uint32_t count;
	struct flow_list lists[FLOW_LISTS];
};

static struct entry *entry_at(const struct flow_table *t, uint32_t n)
{
	return (void *)(t->entries + (n - 1) * t->stride);
}

static struct entry *entry_of(const void *value)
{
	struct entry *e = (struct entry *)(uintptr_t)value - 1;

	assert(e->list != LIST_FREE);
	return e;
}

static uint32_t entry_number(const struct flow_table *t, const struct entry *e)
{
	return (uint32_t)((size_t)((const uint8_t *)e - t->entries) /
			  t->stride) + 1;
}

static void *entry_value(struct entry *e)
{
	return e + 1;
}

static uint32_t key_hash(const struct flow_table *t, const struct flow_key *key)
{
	return (uint32_t)XXH3_64bits_withSeed(key, sizeof(*key), t->seed);
}

/* Reserve address space. Its first 2 MiB stay in small pages, so that a small table
 * stays small. */
static void *reserve(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (len > 2 * HUGE_PAGE)	/* a wish: it may be refused */
		madvise((uint8_t *)p + HUGE_PAGE, len - HUGE_PAGE,
			MADV_HUGEPAGE);
	return p;
}

static size_t round_up(size_t len, size_t to)
{
	return (len + to - 1) / to * to;
}

/* Whole cache lines, unless that were much longer. */
static size_t stride_of(size_t value_len)
{
	size_t packed = round_up(sizeof(struct entry) + value_len, 8);
	size_t lines = round_up(packed, CACHE_LINE);

	return lines - packed <= packed / 8 ? lines : packed;
}

/**
 * flow_table_new() - Reserve a table
 * @max_flows:	flows it can hold, 1 or more
 * @value_len:	bytes of the caller's value in every flow
 * @seed:	of the hash: random, except where a test wants to know
 *
 * Return: the table, which the caller frees with flow_table_free(), or NULL
 *	   when the address space is not to be had.
 */
struct flow_table *flow_table_new(uint32_t max_flows, size_t value_len,
				  uint64_t seed)
{
	struct flow_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	assert(max_flows && max_flows <= UINT32_MAX / BUCKETS_PER_FLOW);
	t->seed = seed;
	t->max = max_flows;
	t->n_buckets = 1;
	t->value_len = value_len;
	t->stride = stride_of(value_len);
	t->buckets_len = (size_t)max_flows * BUCKETS_PER_FLOW *
			 sizeof(*t->buckets);
	t->entries_len = max_flows * t->stride;
	t->buckets = reserve(t->buckets_len);
	t->entries = reserve(t->entries_len);
	if (t->buckets && t->entries)
		return t;
	flow_table_free(t);
	return NULL;
}

/**
 * flow_table_free() - Free a table, its flows and their values
 * @t:	table, or NULL
 */
void flow_table_free(struct flow_table *t)
{
	if (!t)
		return;
	if (t->buckets)
		munmap(t->buckets, t->buckets_len);
	if (t->entries)
		munmap(t->entries, t->entries_len);
	free(t);
}

static uint32_t *bucket_of(const struct flow_table *t, uint32_t hash)
{
	uint32_t n = hash & t->mask;

	if (n >= t->n_buckets)		/* not split off yet */
		n &= t->mask >> 1;
	return &t->buckets[n];
}

/* The first flow of a bucket that is split soon; or NULL */
static struct entry *split_later(const struct flow_table *t, uint32_t ahead)
{
	uint32_t n = t->buckets[(t->n_buckets + ahead) & t->mask >> 1];

	return n ? entry_at(t, n) : NULL;
}

/* Buckets are split in their order, so it is known whose flows are looked at
 * next. They lie anywhere, and in a large table each is waited for. Of most
 * buckets that is one flow or two. (gcc takes a function that only prefetches
 * for one without effect, and leaves its calls out.) */
static inline __attribute__((always_inline))
void splits_prefetch(const struct flow_table *t)
{
	struct entry *e = split_later(t, 2 * SPLITS_AHEAD);

	if (e)
		__builtin_prefetch(e);
	e = split_later(t, SPLITS_AHEAD);	/* it has come by now */
	if (e && e->next)
		__builtin_prefetch(entry_at(t, e->next));
}

/* One more bucket: it takes its part out of the one that stood for it. */
static void bucket_split(struct flow_table *t)
{
	uint32_t n = t->n_buckets++;
	uint32_t *to = &t->buckets[n], *link;

	if (n > t->mask)
		t->mask = t->mask * 2 + 1;
	link = &t->buckets[n & t->mask >> 1];
	while (*link) {
		uint32_t number = *link;
		struct entry *e = entry_at(t, number);

		if ((e->hash & t->mask) == n) {
			*link = e->next;
			e->next = *to;
			*to = number;
		} else {
			link = &e->next;
		}
	}
}

static inline __attribute__((always_inline))
void entry_prefetch(const struct entry *e)
{
	__builtin_prefetch(e);
	__builtin_prefetch((const uint8_t *)e + CACHE_LINE);
}

/**
 * flow_hash() - Hash the keys of flows that are looked up soon
 * @t:		table
 * @keys:	their keys
 * @hashes:	set, for flow_find_hashed(); good for as long as the table is
 * @n:		how many, FLOW_HASH_MAX at most
 *
 * Lookups one after the other each wait for memory two or three times; what
 * they will read is asked for here, so that all wait at once.
 */
void flow_hash(const struct flow_table *t, const struct flow_key *keys,
	       uint32_t *hashes, unsigned n)
{
	const uint32_t *buckets[FLOW_HASH_MAX];

	assert(n <= FLOW_HASH_MAX);
	for (unsigned i = 0; i < n; i++) {
		hashes[i] = key_hash(t, &keys[i]);
		buckets[i] = bucket_of(t, hashes[i]);
		__builtin_prefetch(buckets[i]);
	}
	for (unsigned i = 0; i < n; i++)
		if (*buckets[i])
			entry_prefetch(entry_at(t, *buckets[i]));
	for (unsigned i = 0; i < n; i++) {
		const struct entry *e;

		if (!*buckets[i])
			continue;
		e = entry_at(t, *buckets[i]);
		if (e->hash != hashes[i] && e->next)
			entry_prefetch(entry_at(t, e->next));
	}
}

/**
 * flow_find_hashed() - Look a flow up whose hash is known
 * @t:		table
 * @key:	its key
 * @hash:	what flow_hash() said of @key
 *
 * Return: its value, or NULL. A value stays where it is until flow_remove().
 */
void *flow_find_hashed(const struct flow_table *t, const struct flow_key *key,
		       uint32_t hash)
{
	uint32_t n = *bucket_of(t, hash);

	while (n) {
		struct entry *e = entry_at(t, n);

		if (e->hash == hash && !memcmp(&e->key, key, sizeof(*key)))
			return entry_value(e);
		n = e->next;
	}
	return NULL;
}

/**
 * flow_find() - Look a flow up
 * @t:		table
 * @key:	its key
 *
 * Return: as flow_find_hashed()
 */
void *flow_find(const struct flow_table *t, const struct flow_key *key)
{
	return flow_find_hashed(t, key, key_hash(t, key));
}

static void list_append(struct flow_table *t, struct entry *e, unsigned list)
{
	struct flow_list *l = &t->lists[list];
	uint32_t n = entry_number(t, e);

	e->list = (uint8_t)(list + 1);
	e->older = l->youngest;
	e->younger = 0;
	if (l->youngest)
		entry_at(t, l->youngest)->younger = n;
	else
		l->oldest = n;
	l->youngest = n;
}

static void list_unlink(struct flow_table *t, struct entry *e)
{
	struct flow_list *l = &t->lists[e->list - 1];

	if (e->older)
		entry_at(t, e->older)->younger = e->younger;
	else
		l->oldest = e->younger;
	if (e->younger)
		entry_at(t, e->younger)->older = e->older;
	else
		l->youngest = e->older;
	e->list = LIST_FREE;
}

/* An entry nobody uses, or NULL when the table is full. */
static struct entry *entry_take(struct flow_table *t)
{
	struct entry *e = NULL;

	if (t->free) {
		e = entry_at(t, t->free);
		t->free = e->next;
	} else if (t->fresh < t->max) {
		e = entry_at(t, ++t->fresh);
		while (t->n_buckets < t->fresh * BUCKETS_PER_FLOW) {
			splits_prefetch(t);
			bucket_split(t);
		}
	}
	return e;
}

/**
 * flow_add() - Add a flow, the youngest of its list
 * @t:		table
 * @key:	its key, copied; flow_find() must not know it yet
 * @list:	list, less than FLOW_LISTS
 * @now_ns:	time of its use
 *
 * Return: its value, zeroed and aligned to 8 bytes, or NULL when the table is
 *	   full: it is for the caller to choose what to evict.
 */
void *flow_add(struct flow_table *t, const struct flow_key *key, unsigned list,
	       uint64_t now_ns)
{
	struct entry *e = entry_take(t);
	uint32_t *bucket;

	assert(list < FLOW_LISTS);
	if (!e)
		return NULL;
	e->key = *key;
	e->hash = key_hash(t, key);
	e->used_ns = now_ns;
	bucket = bucket_of(t, e->hash);
	e->next = *bucket;
	*bucket = entry_number(t, e);
	list_append(t, e, list);
	t->count++;
	memset(entry_value(e), 0, t->value_len);
	return entry_value(e);
}

/**
 * flow_remove() - Remove a flow
 * @t:		table
 * @value:	of a flow that is in it; void afterwards
 */
void flow_remove(struct flow_table *t, void *value)
{
	struct entry *e = entry_of(value);
	uint32_t n = entry_number(t, e);
	uint32_t *link = bucket_of(t, e->hash);

	while (*link != n)
		link = &entry_at(t, *link)->next;
	*link = e->next;
	list_unlink(t, e);
	e->next = t->free;
	t->free = n;
	t->count--;
}

/**
 * flow_touch() - A flow was used: make it the youngest of a list
 * @t:		table
 * @value:	of the flow
 * @list:	the list it is on, or the one it changes to
 * @now_ns:	time of the use; where it never falls, a list is in its order
 */
void flow_touch(struct flow_table *t, void *value, unsigned list,
		uint64_t now_ns)
{
	struct entry *e = entry_of(value);

	assert(list < FLOW_LISTS);
	e->used_ns = now_ns;
	if (!e->younger && e->list == list + 1)
		return;
	list_unlink(t, e);
	list_append(t, e, list);
}

/**
 * flow_is_recent() - Is a flow on this list, and used not long ago?
 * @t:		table
 * @value:	of the flow
 * @list:	the list
 * @now_ns:	the time
 * @within_ns:	not so long ago
 *
 * To ask first is cheaper than a flow_touch() for every packet, which writes
 * to both neighbours.
 */
bool flow_is_recent(const struct flow_table *t, const void *value,
		    unsigned list, uint64_t now_ns, uint64_t within_ns)
{
	const struct entry *e = entry_of(value);

	(void)t;
	return e->list == list + 1 && age_ns(now_ns, e->used_ns) < within_ns;
}

/**
 * flow_oldest() - The flow of a list whose use is longest ago
 * @t:		table
 * @list:	list, less than FLOW_LISTS
 *
 * Return: its value, or NULL when the list is empty.
 */
void *flow_oldest(const struct flow_table *t, unsigned list)
{
	assert(list < FLOW_LISTS);
	if (!t->lists[list].oldest)
		return NULL;
	return entry_value(entry_at(t, t->lists[list].oldest));
}

/**
 * flow_next() - Walk a list towards the younger
 * @t:		table
 * @value:	of a flow; to remove it while walking, ask for the next first
 *
 * Return: the value of the next younger flow on the same list, or NULL.
 */
void *flow_next(const struct flow_table *t, const void *value)
{
	uint32_t n = entry_of(value)->younger;

	return n ? entry_value(entry_at(t, n)) : NULL;
}

/**
 * flow_get_key() - The key of a flow
 * @t:		table
 * @value:	of the flow
 *
 * Return: the key; borrowed, valid as long as @value.
 */
const struct flow_key *flow_get_key(const struct flow_table *t,
				    const void *value)
{
	(void)t;
	return &entry_of(value)->key;
}

/**
 * flow_used_ns() - When a flow was last used
 * @t:		table
 * @value:	of the flow
 *
 * Return: what the last flow_add() or flow_touch() said.
 */
uint64_t flow_used_ns(const struct flow_table *t, const void *value)
{
	(void)t;
	return entry_of(value)->used_ns;
}

/**
 * flow_index() - A small number for a flow
 * @t:		table
 * @value:	of the flow
 *
 * Return: its index, less than the table's maximum, the flow's own until it is
 *	   removed.
 */
uint32_t flow_index(const struct flow_table *t, const void *value)
{
	return entry_number(t, entry_of(value)) - 1;
}

/**
 * flow_at() - The flow that has an index
 * @t:		table
 * @index:	any number
 *
 * Return: its value, or NULL when no flow has that index now.
 */
void *flow_at(const struct flow_table *t, uint32_t index)
{
	struct entry *e;

	if (index >= t->fresh)
		return NULL;
	e = entry_at(t, index + 1);
	return e->list == LIST_FREE ? NULL : entry_value(e);
}

/**
 * flow_end() - All flows have indices below this
 * @t:		table
 *
 * Return: one more than the highest index that was ever in use
 */
uint32_t flow_end(const struct flow_table *t)
{
	return t->fresh;
}

/**
 * flow_prefetch() - The flow that has an index is looked at soon
 * @t:		table
 * @index:	any number
 */
void flow_prefetch(const struct flow_table *t, uint32_t index)
{
	const uint8_t *e = (const uint8_t *)entry_at(t, index + 1);

	__builtin_prefetch(e);
	__builtin_prefetch(e + CACHE_LINE);
}

/**
 * flow_count() - How many flows there are
 * @t:	table
 *
 * Return: their number.
 */
uint32_t flow_count(const struct flow_table *t)
{
	return t->count;
}
