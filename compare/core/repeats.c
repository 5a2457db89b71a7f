/* SPDX-License-Identifier: ISC */
/*
 * In a report: what TCP segments say that was said before. The streams of the
 * two sides are compared byte by byte (match.c), and what lies below the edge
 * is not looked at again there. So each side's repetitions are compared with
 * what that side has said before (past.c). A side may repeat more than the other.
 *
 * A segment that says otherwise than before is a difference, unless the other
 * side has said both there, too. The streams are what was said first: the rest of
 * the comparison gets a copy of such a segment with these bytes. Some repeated
 * bytes have nothing to be compared with: they are too old, or were not captured
 * the first time. They are compared with the same segment of the other side, if
 * that has repeated it, else they are counted as unknown. The byte of a keep-alive
 * may be any (RFC 9293, 3.8.4), so it is compared only with the other side's
 * keep-alives at that place; what a RST says in words is compared only with the
 * other side's. What one side has not captured is no difference.
 *
 * At the end it is looked what the other side has said (repeats_end.c): records are
 * kept of that until then. tcp.c calls this with each segment, before all else.
 */
#include "repeats.h"

#include <stdlib.h>
#include <string.h>

#include "../../common/least.h"
#include "../../common/seq.h"
#include "past.h"
#include "repeats_impl.h"

/* Of each side; what is above is unknown */
#define RECORDS_BYTES (32u << 20)
#define OTHERS_MAX (1u << 19)		/* bytes that were others before */

struct seen {			/* the segment that is looked at */
	struct repeats *r;
	const struct flow_key *key;
	struct stream *stream;
	enum compare_side side;
	struct frame *frame;
	const struct packet *p;
	uint32_t len;		/* bytes that were captured */
	uint32_t off;		/* where in them the part begins that is said */
	struct frame copy;	/* its chunk is NULL until it is needed */
	struct frame first;	/* the same: with what was said first */
	bool is_lost;		/* a record of it finds no room */
};

/**
 * repeats_new() - Compare what is repeated
 * @config:	Of the comparison
 *
 * Return: for repeats_free(); NULL when memory is short
 */
struct repeats *repeats_new(const struct compare_config *config)
{
	struct repeats *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->flows = flow_table_new(config->max_flows,
				  2 * sizeof(struct stream), config->seed);
	r->past = past_new(config->seed);
	r->marks = marks_new(config->seed);
	if (r->flows && r->past && r->marks)
		return r;
	repeats_free(r);
	return NULL;
}

/** repeats_free() - Forget all; NULL is legal */
void repeats_free(struct repeats *r)
{
	if (!r)
		return;
	for (uint32_t i = 0; i < r->n_records; i++)
		chunk_unref(r->records[i].frame.chunk);
	free(r->records);
	marks_free(r->marks);
	past_free(r->past);
	flow_table_free(r->flows);
	free(r);
}

static struct stream *add_streams(struct compare *c,
				  const struct flow_key *key)
{
	struct flow_table *t = c->repeats->flows;
	struct stream *v;

	if (flow_count(t) >= c->config.max_flows)
		flow_remove(t, flow_oldest(t, 0));
	v = flow_add(t, key, 0, c->now_ns);
	if (!v)
		abort();
	for (unsigned side = 0; side < 2; side++) {
		v[side].name = c->repeats->n_names++;
		v[side].record = NO_RECORD;
		v[side].cut_at = v[side].repeat_cut_at = UINT32_MAX;
	}
	return v;
}

static struct stream *streams_of(struct compare *c, const struct cmp_flow *fl)
{
	const struct flow_key *key = flow_get_key(c->flows, fl);
	struct stream *v = flow_find(c->repeats->flows, key);

	if (!v)
		return add_streams(c, key);
	flow_touch(c->repeats->flows, v, 0, c->now_ns);
	return v;
}

/* Another SYN begins another connection. */
static void note_syn(struct repeats *r, struct stream *s, uint32_t seq)
{
	if (s->has_syn && s->syn == seq)
		return;
	if (s->has_end) {
		s->connection++;
		s->name = r->n_names++;
		s->has_probe = false;
	}
	s->has_syn = true;
	s->syn = seq;
	s->has_end = false;
}

static struct frame copy_frame(const struct frame *f)
{
	struct frame copy = *f;

	copy.chunk = chunk_new(f->len);
	copy.data = copy.chunk->bytes;
	copy.prefix_len = 0;
	memcpy(copy.data, f->data, f->len);
	return copy;
}

static bool has_room(const struct seen *seen, enum record_kind kind,
		     uint32_t len)
{
	const struct repeats *r = seen->r;

	return r->n_bytes[seen->side] + sizeof(struct record) + seen->frame->len <=
	       RECORDS_BYTES &&
	       (kind != RECORD_OTHER || r->n_others[seen->side] + len <= OTHERS_MAX);
}

static struct record *new_record(struct repeats *r)
{
	if (r->n_records == r->cap_records) {
		r->cap_records = r->cap_records ? r->cap_records * 2 : 64;
		r->records = reallocarray(r->records, r->cap_records,
					  sizeof(*r->records));
		if (!r->records)
			abort();
	}
	return &r->records[r->n_records++];
}

/* Remember a part of a segment, if there is room for it. */
static void add_record(struct seen *seen, enum record_kind kind, uint32_t off,
		       uint32_t len)
{
	struct repeats *r = seen->r;
	const struct packet *p = seen->p;
	struct record *x;

	if (!has_room(seen, kind, len)) {
		seen->is_lost = true;
		return;
	}
	if (!seen->copy.chunk) {
		seen->copy = copy_frame(seen->frame);
		r->n_bytes[seen->side] += seen->frame->len;
	}
	r->n_bytes[seen->side] += sizeof(*x);
	x = new_record(r);
	*x = (struct record){
		.key = *seen->key, .frame = seen->copy, .kind = (uint8_t)kind,
		.side = (uint8_t)seen->side, .before = seen->stream->record,
		.connection = seen->stream->connection,
		.seq = p->seq + !!(p->flags & TCP_SYN) + off,
		.payload_off = p->payload_off, .off = off, .len = len,
	};
	chunk_ref(x->frame.chunk);
	if (kind == RECORD_RESET)
		x->seq = 0;	/* where it stands says nothing */
	if (kind == RECORD_OTHER)
		r->n_others[seen->side] += len;
	else
		x->hash = marks_hash(r->marks, packet_payload(p) + off, len);
	seen->stream->record = r->n_records - 1;
}

/* Let the rest of the comparison see what was said first. */
static void put_first(void *arg, uint32_t off, uint32_t len,
		      const uint8_t *before)
{
	struct seen *seen = arg;

	if (!seen->first.chunk)
		seen->first = copy_frame(seen->frame);
	memcpy(frame_eth(&seen->first) + seen->p->payload_off + seen->off + off,
	       before, len);
}

static void on_other(void *arg, uint32_t off, uint32_t len,
		     const uint8_t *before)
{
	struct seen *seen = arg;

	put_first(seen, off, len, before);
	add_record(seen, RECORD_OTHER, seen->off + off, len);
}

/* How many bytes of a segment lie below the edge, and are compared no more? Of
 * segments that were cut that may be so of all that lie below the end. */
static uint32_t n_below(const struct cmp_flow *fl, const struct seen *seen,
			uint32_t seq, uint32_t own)
{
	const struct stream *s = seen->stream;
	unsigned syn = seen->side == COMPARE_PRIMARY ? FLOW_PRIMARY_SYN :
						       FLOW_SECONDARY_SYN;

	if (s->cut_at < UINT32_MAX && s->has_end && seq_lt(own, s->end))
		return least(s->end - own, seen->len);
	if (!(fl->flags & FLOW_EDGE) || (fl->flags & syn) || seq_ge(seq, fl->edge))
		return 0;
	return least(fl->edge - seq, seen->len);
}

/* The bytes differ from what the other side has said there. */
static void on_differing(void *arg, uint32_t off, uint32_t len)
{
	struct seen *seen = arg;

	add_record(seen, RECORD_OTHER, seen->off + off, len);
}

/* How much larger than in the comparison a side's own numbers are. */
static uint32_t base_of(const struct cmp_flow *fl, unsigned side)
{
	return fl->flags & (FLOW_BASE << side) ? fl->base[side] : 0;
}

/* Both sides have said what lies below the edge. Where this one's bytes are captured
 * only now they are compared with the other's. seq: of the first byte. */
static void compare_late(const struct cmp_flow *fl, struct seen *seen,
			 uint32_t seq)
{
	const struct stream *s = seen->stream;
	const struct stream *other = seen->side == COMPARE_PRIMARY ? s + 1 :
								     s - 1;

	if (s->cut_at < UINT32_MAX && (fl->flags & FLOW_EDGE) &&
	    seq_lt(seq, fl->edge) && s->connection == other->connection)
		past_compare(seen->r->past, s->name,
			     seq + base_of(fl, seen->side), other->name,
			     seq + base_of(fl, !seen->side),
			     packet_payload(seen->p),
			     least(fl->edge - seq, seen->len), on_differing,
			     seen);
}

/* What it says is no byte of the stream: when the stream's was not captured, the rest
 * of the comparison takes this one for not captured either. */
static void see_probe(struct seen *seen, uint32_t seq)
{
	struct stream *s = seen->stream;
	uint8_t said = *packet_payload(seen->p);
	bool is_known = past_knows(seen->r->past, s->name, seq);

	if (is_known)
		past_say(seen->r->past, s->name, seq, &said, 1, put_first, seen);
	if (!s->has_probe || s->probe_seq != seq || s->probe != said) {
		s->has_probe = true;
		s->probe_seq = seq;
		s->probe = said;
		add_record(seen, RECORD_PROBE, 0, 1);
	}
	if (!is_known && s->cut_at < UINT32_MAX)
		seen->frame->len -= frame_eth_len(seen->frame) -
				    seen->p->payload_off;
}

/* own: the side's own number of the first byte. The two parts of a segment are
 * those below the edge and above it. */
static void see_bytes(const struct cmp_flow *fl, struct seen *seen,
		      uint32_t seq, uint32_t own)
{
	const uint8_t *bytes = packet_payload(seen->p);
	uint32_t below = n_below(fl, seen, seq, own);
	uint32_t parts[3] = { 0, below, seen->len }, n_old = 0;
	struct past *past = seen->r->past;

	for (unsigned i = 0; i < 2; i++) {
		uint32_t off = parts[i], n;

		seen->off = off;
		n = past_say(past, seen->stream->name, own + off, bytes + off,
			     parts[i + 1] - off, on_other, seen);
		n_old += i ? 0 : n;
	}
	if (n_old)
		add_record(seen, RECORD_OLD, 0, seen->len);
}

/* own: as above. */
static void note_cut(struct stream *s, const struct seen *seen, uint32_t own)
{
	if (seen->len == seen->p->payload_len)
		return;
	s->cut_at = least(s->cut_at, seen->len);
	if ((seen->p->flags & TCP_RST) || (s->has_end && seq_lt(own, s->end)))
		s->repeat_cut_at = least(s->repeat_cut_at, seen->len);
}

/* Is it one byte, the last one that was said? */
static bool is_probe(const struct stream *s, const struct packet *p,
		     uint32_t own)
{
	return p->payload_len == 1 && s->has_end && own == s->end - 1 &&
	       !(p->flags & (TCP_SYN | TCP_FIN));
}

static void see(const struct cmp_flow *fl, struct seen *seen)
{
	const struct packet *p = seen->p;
	struct stream *s = seen->stream;
	uint32_t seq = p->seq + !!(p->flags & TCP_SYN);
	uint32_t own = seq + base_of(fl, seen->side);
	uint32_t end = own + p->payload_len + !!(p->flags & TCP_FIN);

	if (p->flags & TCP_SYN)
		note_syn(seen->r, s, own);
	note_cut(s, seen, own);
	if (seen->len && is_probe(s, p, own)) {
		see_probe(seen, own);
	} else if (seen->len) {
		compare_late(fl, seen, seq);
		see_bytes(fl, seen, seq, own);
	}
	if (!s->has_end || seq_gt(end, s->end))
		s->end = end;
	s->has_end = true;
}

/* A record had no room. Those that had are counted with it. */
static void lose(const struct seen *seen)
{
	struct repeats *r = seen->r;
	uint32_t i = r->n_records;

	r->n_lost[seen->side]++;
	r->n_unknown[seen->side]++;
	while (i-- && seen->copy.chunk &&
	       r->records[i].frame.chunk == seen->copy.chunk)
		r->records[i].is_counted = true;
}

static void see_reset(struct seen *seen)
{
	note_cut(seen->stream, seen, 0);
	if (seen->len)
		add_record(seen, RECORD_RESET, 0, seen->len);
}

/**
 * repeats_see() - A segment has come: does it repeat something?
 * @c:		The comparison
 * @fl:		Its flow
 * @side:	Whose segment it is
 * @f:		The frame; borrowed. One that is not what was said first is
 *		replaced by a copy that is; its chunk is the caller's then
 * @p:		The frame, parsed, as the rest of the comparison sees it
 */
void repeats_see(struct compare *c, const struct cmp_flow *fl,
		 enum compare_side side, struct frame *f, struct packet *p)
{
	struct seen seen = { .r = c->repeats, .side = side, .frame = f, .p = p };

	if (!(p->payload_len || (p->flags & TCP_SYN)))
		return;
	seen.key = flow_get_key(c->flows, fl);
	seen.stream = &streams_of(c, fl)[side];
	seen.len = least(p->payload_len, frame_eth_len(f) - p->payload_off);
	if (!(p->flags & TCP_RST))
		see(fl, &seen);
	else
		see_reset(&seen);
	if (seen.is_lost)
		lose(&seen);
	chunk_unref(seen.copy.chunk);
	if (!seen.first.chunk)
		return;
	*f = seen.first;
	p->eth = frame_eth(f);
}

/**
 * repeats_differ() - Bytes of a segment are others than the other side's at that
 * place, and its side may have said these as well
 * @c:		The comparison, with repeats
 * @fl:		The flow
 * @h:		The segment. What an earlier one said of these bytes was not captured
 * @other:	A segment of the other side
 * @n:		How many bytes of both, from the edge on
 */
void repeats_differ(struct compare *c, const struct cmp_flow *fl,
		    const struct hold *h, const struct hold *other, uint32_t n)
{
	struct frame f = hold_frame(&c->pool, h);
	uint32_t from = fl->edge - h->seq;
	const uint8_t *bytes = hold_payload(&c->pool, h) + from;
	const uint8_t *others = hold_payload(&c->pool, other) + fl->edge -
				other->seq;
	struct packet p;
	struct seen seen = {
		.r = c->repeats, .side = h->side, .frame = &f, .p = &p,
		.key = flow_get_key(c->flows, fl),
		.stream = &streams_of(c, fl)[h->side],
	};

	packet_parse(&p, frame_eth(&f), frame_eth_len(&f));
	p.seq = h->seq;
	for (uint32_t i = 0, end; i < n; i = end + 1) {
		for (end = i; end < n && bytes[end] != others[end];)
			end++;
		if (end > i)
			add_record(&seen, RECORD_OTHER, from + i, end - i);
	}
	if (seen.is_lost)
		lose(&seen);
	chunk_unref(seen.copy.chunk);
}

/**
 * repeats_shift() - The secondary's sequence numbers are moved
 * @c:		The comparison
 * @fl:		The flow
 * @delta:	How much is taken off its numbers
 */
void repeats_shift(struct compare *c, const struct cmp_flow *fl,
		   uint32_t delta)
{
	struct repeats *r = c->repeats;
	const struct stream *s;
	uint32_t i;

	if (!r)
		return;
	s = &streams_of(c, fl)[COMPARE_SECONDARY];
	for (i = s->record; i != NO_RECORD; i = r->records[i].before) {
		struct record *x = &r->records[i];

		if (x->connection != s->connection)
			break;
		if (x->kind != RECORD_RESET &&
		    !((fl->flags & FLOW_EDGE) && seq_lt(x->seq, fl->edge)))
			x->seq -= delta;
	}
}

/**
 * repeats_n_unknown() - Segments of which it is not known whether they repeat
 * what was said before
 * @c:		The comparison, at its end
 * @side:	The side
 *
 * Return: their number
 */
uint64_t repeats_n_unknown(const struct compare *c, enum compare_side side)
{
	return c->repeats ? c->repeats->n_unknown[side] : 0;
}
