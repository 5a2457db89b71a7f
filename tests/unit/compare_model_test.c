/* SPDX-License-Identifier: ISC */
/*
 * The comparison against a model. A stream of bytes is cut into segments twice,
 * once for each side, which are lost and sent again, repeated, cut anew and
 * reordered, with acknowledgements that run ahead on either side. Whatever the
 * interleaving:
 *
 *	- every primary segment with bytes leaves exactly once, new bytes in
 *	  stream order, none before the secondary has shown it; before that
 *	  perhaps a part of it that the secondary has shown and repeats, or
 *	  whole units of a GSO frame, whose rest is what leaves once;
 *	- no acknowledgement and no window leaves before both have given it, and
 *	  in the end the client has the last one;
 *	- equal streams show no difference; one changed byte shows exactly one,
 *	  at its offset, and what follows the flush is released.
 */
#include "compare_kit.h"
#include "random.h"

#define STREAM_MAX 4000
#define UPLOAD 100000u
#define SEGS_MAX 20000
#define SCALE 7

struct sent {			/* a segment of one side */
	uint32_t from, to;	/* bytes of the stream; to > n_bytes: FIN too */
	uint32_t ack, window;
	bool is_syn;
};

struct side {
	struct sent segs[SEGS_MAX];
	unsigned n, next;
	uint32_t ack, right;	/* of the last one made */
	uint32_t syn;
};

struct model {
	struct kit k;
	struct random rng;
	uint8_t bytes[2][STREAM_MAX];
	uint32_t n_bytes;	/* FIN is one more */
	uint32_t isn;
	uint32_t unit;		/* of GSO frames; 0: there are none */
	struct side side[2];
	bool is_out[SEGS_MAX];	/* by the primary's tag */
	bool shown[STREAM_MAX + 1];	/* by the secondary so far */
	uint32_t released;	/* all of the stream below has left */
	uint32_t acked;		/* by the secondary so far */
	uint32_t told, told_right;	/* the client */
	uint32_t right[2];	/* the furthest each side gave */
	bool is_flushed;
	unsigned n_pure_in, n_pure_out, n_parts;
};

static uint32_t up_to(struct model *m, uint32_t n)
{
	return (uint32_t)random_below(&m->rng, n);
}

static bool chance(struct model *m, uint32_t percent)
{
	return up_to(m, 100) < percent;
}

static void add(struct model *m, struct side *s, uint32_t from, uint32_t to)
{
	struct sent *t = &s->segs[s->n++];

	CHECK(s->n < SEGS_MAX);
	if (chance(m, 40) && s->ack < UPLOAD)
		s->ack += up_to(m, 3000) % (UPLOAD - s->ack + 1);
	if (chance(m, 30)) {
		uint32_t right = s->ack + up_to(m, 60000);

		s->right = right > s->right ? right : s->right;
	}
	if (s->right < s->ack)
		s->right = s->ack;
	t->from = from;
	t->to = to;
	t->ack = s->ack;
	t->window = (s->right - s->ack) >> SCALE;
	t->is_syn = false;
}

static void cut(struct model *m, struct side *s, uint32_t from)
{
	uint32_t end = m->n_bytes, most = 1 + up_to(m, 400);

	while (from < end) {
		uint32_t len = 1 + up_to(m, most);
		uint32_t to = from + len < end ? from + len : end;

		if (chance(m, 20))
			add(m, s, from, from);
		if (to == end && chance(m, 50))
			to = end + 1;
		add(m, s, from, to);
		from = to;
	}
	if (from == end)
		add(m, s, end, end + 1);
}

static void insert(struct side *s, unsigned at, struct sent t)
{
	memmove(&s->segs[at + 1], &s->segs[at],
		(s->n - at) * sizeof(s->segs[0]));
	s->segs[at] = t;
	s->n++;
	CHECK(s->n < SEGS_MAX);
}

static uint32_t shown_to(const struct side *s, unsigned first, unsigned at)
{
	uint32_t to = 0;

	for (unsigned i = first; i < at; i++)
		if (s->segs[i].to > to)
			to = s->segs[i].to;
	return to;
}

static unsigned soon(struct model *m, const struct side *s, unsigned at)
{
	unsigned later = at + 1 + up_to(m, 8);

	return later < s->n ? later : s->n;
}

/* Loses, repeats and reorders from segment `first` on. */
static void disturb(struct model *m, struct side *s, unsigned first,
		    uint32_t rate)
{
	for (unsigned i = first; i < s->n; i++) {
		struct sent t = s->segs[i];

		if (chance(m, rate)) {			/* lost, sent again */
			unsigned to = soon(m, s, i);

			memmove(&s->segs[i], &s->segs[i + 1],
				(s->n - i - 1) * sizeof(t));
			s->n--;
			insert(s, to - 1, t);
		} else if (chance(m, rate)) {		/* repeated, cut anew */
			unsigned to = soon(m, s, i);
			uint32_t end = shown_to(s, first, to);

			t.from -= up_to(m, t.from + 1) % 50;
			t.to += up_to(m, 50);
			if (t.to > end)
				t.to = end;
			if (t.from < t.to)
				insert(s, to, t);
		} else if (chance(m, rate) && i > first) {
			s->segs[i] = s->segs[i - 1];
			s->segs[i - 1] = t;
		}
	}
}

static void open_side(struct model *m, struct side *s, uint32_t rate)
{
	struct sent syn = { .is_syn = true, .window = 60000 };

	s->n = s->next = 0;
	s->ack = 0;
	s->right = 60000;
	cut(m, s, 0);
	disturb(m, s, 0, rate);
	insert(s, 0, syn);
	if (chance(m, rate))
		insert(s, 1 + up_to(m, s->n), syn);
	s->ack = UPLOAD;
	add(m, s, m->n_bytes + 1, m->n_bytes + 1);
}

static struct seg wire_of(const struct model *m, enum compare_side side,
			  unsigned i)
{
	const struct sent *t = &m->side[side].segs[i];
	bool fin = t->to > m->n_bytes && t->from < t->to;
	struct seg g = {
		.tag = i, .proto = PACKET_TCP, .ack = 1 + t->ack, .flags = A,
		.window = t->window ? t->window : 1,
	};

	if (t->is_syn) {
		g.seq = side == COMPARE_PRIMARY ? m->isn : m->side[side].syn;
		g.flags |= S;
		g.options = "\2\4\5\xb4\1\3\3\7";
		g.options_len = 8;
		return g;
	}
	g.seq = m->isn + 1 + t->from;
	g.len = t->to - t->from - fin;
	g.data = m->bytes[side] + t->from;
	if (fin)
		g.flags |= F;
	if (g.len > m->unit)
		g.gso = m->unit;
	return g;
}

/* The window moves left only where the primary's own did, but for what the
 * units of the scale make of it: of the primary's, and then of ours. */
static void check_ack(struct model *m, const struct sent *t,
		      const struct packet *p)
{
	uint32_t right = p->ack + ((uint32_t)p->window << SCALE);
	uint32_t own = 1 + t->ack + (t->window << SCALE);

	if (p->flags & S)
		return;
	if (!m->is_flushed) {
		CHECK(p->ack <= 1 + m->acked);
		CHECK(right <= m->right[COMPARE_PRIMARY]);
		CHECK(right <= m->right[COMPARE_SECONDARY]);
	}
	CHECK(right + (2 << SCALE) > (own < m->told_right ? own :
				      m->told_right));
	if (right > m->told_right)
		m->told_right = right;
	if (p->ack > m->told)
		m->told = p->ack;
}

static void note_bytes(struct model *m, const struct packet *p, uint32_t from,
		       uint32_t to)
{
	CHECK(!memcmp(packet_payload(p), m->bytes[COMPARE_PRIMARY] + from,
		      p->payload_len));
	CHECK(from <= m->released || m->is_flushed);
	for (uint32_t i = from; i < to && !m->is_flushed; i++)
		CHECK(m->shown[i]);
	if (to > m->released)
		m->released = to;
}

static void on_release(void *arg, const struct frame *f)
{
	struct model *m = arg;
	uint32_t tag = kit_tag(f), from, to;
	const struct sent *t = &m->side[COMPARE_PRIMARY].segs[tag];
	struct packet p;

	packet_parse(&p, frame_eth(f), frame_eth_len(f));
	CHECK(!kit_tcp_sum(&p));
	check_ack(m, t, &p);
	if (!p.payload_len && !(p.flags & (S | F))) {
		m->n_pure_out++;
		return;
	}
	CHECK(!m->is_out[tag]);
	from = p.seq - m->isn - 1;
	to = from + p.payload_len + !!(p.flags & F);
	if (!t->is_syn && to < t->to) {
		CHECK(from >= t->from && from < to);
		m->n_parts++;
		note_bytes(m, &p, from, to);
		return;
	}
	m->is_out[tag] = true;
	if (t->is_syn)
		return;
	if (!m->unit)
		CHECK_EQ(from, t->from);
	CHECK(from >= t->from && from < to);
	CHECK_EQ(to, t->to);
	note_bytes(m, &p, from, to);
}

static void input(struct model *m, enum compare_side side)
{
	struct side *s = &m->side[side];
	const struct sent *t = &s->segs[s->next];
	struct seg g = wire_of(m, side, s->next++);
	uint32_t right = g.ack + (t->is_syn ? g.window : g.window << SCALE);

	if (right > m->right[side])
		m->right[side] = right;

	if (side == COMPARE_SECONDARY && !t->is_syn) {
		for (uint32_t i = t->from; i < t->to; i++)
			m->shown[i] = true;
		if (t->ack > m->acked)
			m->acked = t->ack;
	}
	if (side == COMPARE_PRIMARY && t->from == t->to && !t->is_syn)
		m->n_pure_in++;
	kit_input(&m->k, side, g);
}

/* Some runs have one side far ahead, some go in step. */
static void input_all(struct model *m, bool until_asked)
{
	uint32_t bias = up_to(m, 101);

	for (;;) {
		struct side *p = &m->side[COMPARE_PRIMARY];
		struct side *s = &m->side[COMPARE_SECONDARY];

		if (until_asked && m->k.n_asked)
			return;
		if (p->next == p->n && s->next == s->n)
			return;
		if (s->next == s->n || (p->next < p->n && chance(m, bias)))
			input(m, COMPARE_PRIMARY);
		else
			input(m, COMPARE_SECONDARY);
		if (chance(m, 2))
			bias = up_to(m, 101);
	}
}

static void begin(struct model *m, uint64_t seed)
{
	struct compare_config config = kit_config();
	const struct compare_handler handler = {
		.release = on_release, .differ = kit_on_differ, .arg = m,
	};
	uint32_t rate;

	memset(m, 0, offsetof(struct model, side));
	memset(m->is_out, 0, sizeof(*m) - offsetof(struct model, is_out));
	m->rng.state = seed;
	config.max_queue = SEGS_MAX;
	config.max_flows = 16;
	m->k.c = compare_new(&config, &handler);
	m->k.now_ns = SEC;
	m->n_bytes = 1 + up_to(m, STREAM_MAX - 1);
	for (uint32_t i = 0; i < m->n_bytes; i++)
		m->bytes[0][i] = m->bytes[1][i] = (uint8_t)up_to(m, 256);
	m->isn = chance(m, 50) ? 0u - up_to(m, STREAM_MAX) :
				 (uint32_t)random_next(&m->rng);
	if (chance(m, 50))
		m->unit = 1 + up_to(m, 255);
	m->side[COMPARE_SECONDARY].syn = (uint32_t)random_next(&m->rng);
	m->told = 1;
	rate = chance(m, 30) ? 0 : up_to(m, 25);
	open_side(m, &m->side[COMPARE_PRIMARY], rate);
	open_side(m, &m->side[COMPARE_SECONDARY], rate);
}

static void end(struct model *m)
{
	struct stats s = kit_stats(&m->k);
	const struct side *p = &m->side[COMPARE_PRIMARY];

	for (unsigned i = 0; i < p->n; i++)
		CHECK_EQ(m->is_out[i], p->segs[i].from != p->segs[i].to ||
				       p->segs[i].is_syn);
	CHECK_EQ(m->n_pure_in + s.originated,
		 m->n_pure_out + m->n_parts + s.merged);
	CHECK_EQ(s.held, 0);
	CHECK_EQ(m->released, m->n_bytes + 1);
	CHECK_EQ(m->told, 1 + UPLOAD);
	compare_free(m->k.c);
}

static void equal_streams(struct model *m, uint64_t seed)
{
	begin(m, seed);
	input_all(m, false);
	CHECK_EQ(m->k.n_asked, 0);
	CHECK_EQ(m->k.n_differ, 0);
	end(m);
}

/* The secondary is the primary's copy now: it sends what the primary has not
 * sent yet. */
static void flush(struct model *m)
{
	struct side *s = &m->side[COMPARE_SECONDARY];
	const struct side *p = &m->side[COMPARE_PRIMARY];

	m->is_flushed = true;
	memcpy(m->bytes[1], m->bytes[0], m->n_bytes);
	compare_flush(m->k.c, m->k.now_ns);
	s->n = s->next = 0;
	if (shown_to(p, 0, p->next) <= m->n_bytes)
		cut(m, s, shown_to(p, 0, p->next));
	s->ack = UPLOAD;
	add(m, s, m->n_bytes + 1, m->n_bytes + 1);
}

static void one_changed_byte(struct model *m, uint64_t seed)
{
	uint32_t at;

	begin(m, seed);
	at = up_to(m, m->n_bytes);
	m->bytes[COMPARE_SECONDARY][at] ^= (uint8_t)(1 + up_to(m, 255));
	input_all(m, true);
	CHECK_EQ(m->k.n_asked, 1);
	CHECK_EQ(m->k.reason, COMPARE_PAYLOAD);
	CHECK_EQ(m->k.offset, at);
	CHECK(m->released <= at);
	flush(m);
	input_all(m, false);
	CHECK_EQ(m->k.n_asked, 1);
	CHECK_EQ(m->k.n_differ, 1);
	end(m);
}

static uint64_t first_seed, seed_now;

static void say_seed(void)
{
	if (seed_now)
		fprintf(stderr, "the argument %#llx repeats it\n",
			(unsigned long long)seed_now);
}

static void run(void (*one)(struct model *m, uint64_t seed))
{
	struct model *m = malloc(sizeof(*m));
	size_t n = soak_n(1000);

	CHECK(m);
	for (size_t i = 0; i < n; i++) {
		seed_now = first_seed + i;
		one(m, seed_now);
	}
	seed_now = 0;
	free(m);
}

static void equal_streams_show_no_difference(void)
{
	run(equal_streams);
}

static void one_changed_byte_shows_one(void)
{
	run(one_changed_byte);
}

int main(int argc, char **argv)
{
	struct random r;

	random_init(&r, argc, argv);
	first_seed = r.state;
	atexit(say_seed);
	TEST(equal_streams_show_no_difference);
	TEST(one_changed_byte_shows_one);
	return TEST_END();
}
