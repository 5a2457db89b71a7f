/* SPDX-License-Identifier: ISC */
#include "past.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "../../common/least.h"

#define PAGE_BYTES 1024u	/* powers of two */
#define PAGES 65536u
#define WORD_BITS 64u

struct page {
	uint32_t stream, number;	/* number: of the sequence space */
	uint32_t next;			/* in the bucket: its place + 1, or 0 */
	uint64_t known[PAGE_BYTES / WORD_BITS];	/* a bit for each byte */
	uint8_t bytes[PAGE_BYTES];
};

struct past {
	uint64_t seed;
	uint32_t buckets[PAGES];	/* places + 1, or 0 */
	uint32_t n, oldest;
	struct page pages[PAGES];	/* memory that is not touched costs
					   nothing */
};

/**
 * past_new() - Remember what is said from now on
 * @seed:	Of the hash: with one that nobody can guess, who makes sequence numbers
 *		cannot have all pages in one bucket
 *
 * Return: an empty memory, for past_free(); NULL when memory is short
 */
struct past *past_new(uint64_t seed)
{
	struct past *p = calloc(1, sizeof(*p));

	if (p)
		p->seed = seed;
	return p;
}

/** past_free() - Forget all; NULL is legal */
void past_free(struct past *p)
{
	free(p);
}

static uint32_t bucket_of(const struct past *p, uint32_t stream,
			  uint32_t number)
{
	const uint64_t key = (uint64_t)stream << 32 | number;

	return XXH3_64bits_withSeed(&key, sizeof(key), p->seed) & (PAGES - 1);
}

static void unlink_page(struct past *p, uint32_t at)
{
	const struct page *page = &p->pages[at];
	uint32_t *i = &p->buckets[bucket_of(p, page->stream, page->number)];

	while (*i != at + 1)
		i = &p->pages[*i - 1].next;
	*i = page->next;
}

static struct page *add_page(struct past *p, uint32_t stream, uint32_t number)
{
	uint32_t at = p->n, *bucket;
	struct page *page;

	if (p->n < PAGES) {
		p->n++;
	} else {
		at = p->oldest;
		p->oldest = (p->oldest + 1) & (PAGES - 1);
		unlink_page(p, at);
	}
	page = &p->pages[at];
	bucket = &p->buckets[bucket_of(p, stream, number)];
	page->stream = stream;
	page->number = number;
	memset(page->known, 0, sizeof(page->known));
	page->next = *bucket;
	*bucket = at + 1;
	return page;
}

/* Return: the place + 1 of a page, 0 when there is none */
static uint32_t place_of(const struct past *p, uint32_t stream, uint32_t number)
{
	uint32_t i = p->buckets[bucket_of(p, stream, number)];

	while (i && (p->pages[i - 1].stream != stream ||
		     p->pages[i - 1].number != number))
		i = p->pages[i - 1].next;
	return i;
}

static struct page *find_page(struct past *p, uint32_t stream, uint32_t number)
{
	uint32_t i = place_of(p, stream, number);

	return i ? &p->pages[i - 1] : add_page(p, stream, number);
}

static bool is_known(const struct page *page, uint32_t at)
{
	return page->known[at / WORD_BITS] >> at % WORD_BITS & 1;
}

/* How many bytes from a place on are known, or are not, as the first one? */
static uint32_t alike(const struct page *page, uint32_t at, uint32_t end)
{
	const uint64_t same = is_known(page, at) ? ~UINT64_C(0) : 0;
	uint32_t i = at;

	while (i < end) {
		uint64_t others = (page->known[i / WORD_BITS] ^ same) >>
				  i % WORD_BITS;

		if (others)
			return least(i + (uint32_t)__builtin_ctzll(others),
				     end) - at;
		i += WORD_BITS - i % WORD_BITS;
	}
	return end - at;
}

static void learn(struct page *page, uint32_t at, const uint8_t *bytes,
		  uint32_t len)
{
	uint32_t end = at + len;

	memcpy(page->bytes + at, bytes, len);
	while (at < end) {
		uint32_t bit = at % WORD_BITS;
		uint32_t n = least(WORD_BITS - bit, end - at);
		uint64_t bits = n == WORD_BITS ? ~UINT64_C(0) :
						 (UINT64_C(1) << n) - 1;

		page->known[at / WORD_BITS] |= bits << bit;
		at += n;
	}
}

struct said {			/* a piece of what is said, in one page */
	const uint8_t *bytes, *before;
	uint32_t off, len;	/* off: in all that is said */
};

static void tell_others(const struct said *s, past_on_other *on_other,
			void *arg)
{
	uint32_t i = 0, end;

	if (!memcmp(s->bytes, s->before, s->len))
		return;
	while (i < s->len) {
		for (end = i; end < s->len && s->bytes[end] != s->before[end];)
			end++;
		if (end > i)
			on_other(arg, s->off + i, end - i, s->before + i);
		i = end + 1;
	}
}

/**
 * past_say() - A stream says bytes
 * @p:		What was said before; what is new is remembered
 * @stream:	Which stream
 * @seq:	The sequence number of the first byte
 * @bytes:	The bytes
 * @len:	How many
 * @on_other:	Called for each run of bytes that were others before
 * @arg:	Its first argument
 *
 * Return: how many of the bytes were not known
 */
uint32_t past_say(struct past *p, uint32_t stream, uint32_t seq,
		  const uint8_t *bytes, uint32_t len, past_on_other *on_other,
		  void *arg)
{
	uint32_t n_new = 0, n;

	for (uint32_t off = 0; off < len; off += n) {
		uint32_t at = (seq + off) % PAGE_BYTES;
		struct page *page = find_page(p, stream,
					      (seq + off) / PAGE_BYTES);

		n = alike(page, at, least(PAGE_BYTES, at + (len - off)));
		if (is_known(page, at)) {
			struct said s = { bytes + off, page->bytes + at, off, n };

			tell_others(&s, on_other, arg);
		} else {
			learn(page, at, bytes + off, n);
			n_new += n;
		}
	}
	return n_new;
}

/* The byte that a stream has said at a place; NULL when it is not known. */
static const uint8_t *byte_of(const struct past *p, uint32_t stream,
			      uint32_t seq)
{
	uint32_t i = place_of(p, stream, seq / PAGE_BYTES);
	uint32_t at = seq % PAGE_BYTES;

	return i && is_known(&p->pages[i - 1], at) ? &p->pages[i - 1].bytes[at] :
						     NULL;
}

/**
 * past_knows() - Is it known what a stream has said at a place?
 * @p:		What was said before
 * @stream:	Which stream
 * @seq:	The sequence number of the byte
 */
bool past_knows(const struct past *p, uint32_t stream, uint32_t seq)
{
	return byte_of(p, stream, seq);
}

/**
 * past_compare() - Compare bytes with what another stream has said
 * @p:		What was said before; nothing is added
 * @stream:	Who says them: of what it has said before the other is not asked
 * @seq:	The sequence number of the first byte
 * @other:	The other stream
 * @other_seq:	The first byte's number there
 * @bytes:	The bytes
 * @len:	How many
 * @on_differing: Called for each run of bytes that the other stream has said
 *		otherwise
 * @arg:	Its first argument
 */
void past_compare(const struct past *p, uint32_t stream, uint32_t seq,
		  uint32_t other, uint32_t other_seq, const uint8_t *bytes,
		  uint32_t len, past_on_differing *on_differing, void *arg)
{
	uint32_t from = 0;	/* of the run */

	for (uint32_t i = 0; i < len; i++) {
		const uint8_t *said = byte_of(p, other, other_seq + i);

		if (said && *said != bytes[i] && !byte_of(p, stream, seq + i))
			continue;
		if (i > from)
			on_differing(arg, from, i - from);
		from = i + 1;
	}
	if (len > from)
		on_differing(arg, from, len - from);
}
