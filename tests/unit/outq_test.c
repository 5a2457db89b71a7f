/* SPDX-License-Identifier: ISC */
#include <stdint.h>
#include <stdlib.h>

#include "../../common/bytes.h"
#include "../../common/outq.h"
#include "random.h"
#include "test.h"

#define FRAMES_MAX 4096
#define VNET_COMMON 10		/* the longer header begins with the shorter */

static struct random rnd;

/* A wire that a queue writes. */
static const struct wire {
	enum outq_form form;
	uint8_t vnet_len;
	uint8_t prefix_len;
} wires[] = {
	{ OUTQ_PLAIN, 0, 4 }, { OUTQ_VNET, 0, 8 }, { OUTQ_VNET, 10, 8 },
	{ OUTQ_VNET, 12, 8 }, { OUTQ_RAW, 0, 0 }, { OUTQ_RAW, 10, 0 },
	{ OUTQ_RAW, 12, 0 },
};
#define N_WIRES (sizeof(wires) / sizeof(wires[0]))

/* A frame as it comes in: with a prefix of the wire it came from, or none. */
struct sample {
	uint32_t eth_len;
	uint8_t vnet_len;
	uint8_t prefix_len;
};

/* Frames in one chunk, and what has to leave for them, byte by byte. */
struct scene {
	const struct wire *wire;
	struct chunk *chunk;
	unsigned n;
	struct frame v[FRAMES_MAX];
	uint8_t *ref;
	size_t start[FRAMES_MAX + 1];	/* of frame i in ref */
};

static void sample_put(struct scene *s, uint32_t *at, const struct sample *p)
{
	uint32_t len = p->vnet_len + p->eth_len;
	struct frame *f = &s->v[s->n];

	CHECK(*at + p->prefix_len + len <= s->chunk->cap);
	if (p->prefix_len)
		bytes_put32(s->chunk->bytes + *at, len);
	if (p->prefix_len == 8)
		bytes_put32(s->chunk->bytes + *at + 4, p->vnet_len);
	*at += p->prefix_len;
	*f = (struct frame){
		.chunk = s->chunk, .data = s->chunk->bytes + *at, .len = len,
		.vnet_len = p->vnet_len, .prefix_len = p->prefix_len,
	};
	for (uint32_t i = 0; i < len; i++)
		f->data[i] = (uint8_t)(s->n * 37 + i * 11 + 1);
	*at += len;
}

/* The wire's bytes for the last frame, told by the format and nothing else. */
static void reference_put(struct scene *s)
{
	const struct wire *w = s->wire;
	const struct frame *f = &s->v[s->n];
	uint8_t *p = s->ref + s->start[s->n];

	if (w->form != OUTQ_RAW) {
		bytes_put32(p, w->vnet_len + frame_eth_len(f));
		p += 4;
	}
	if (w->form == OUTQ_VNET) {
		bytes_put32(p, w->vnet_len);
		p += 4;
	}
	for (unsigned i = 0; i < w->vnet_len; i++) {
		bool same = f->vnet_len == w->vnet_len;

		*p++ = f->vnet_len && (same || i < VNET_COMMON) ?
		       f->data[i] : 0;
	}
	memcpy(p, frame_eth(f), frame_eth_len(f));
	s->start[s->n + 1] = (size_t)(p - s->ref) + frame_eth_len(f);
}

static void scene_init(struct scene *s, const struct wire *wire,
		       const struct sample *samples, unsigned n)
{
	size_t cap = 64;
	uint32_t at = 0;

	for (unsigned i = 0; i < n; i++)
		cap += 32 + samples[i].eth_len;
	s->wire = wire;
	s->chunk = chunk_new(cap);
	s->ref = malloc(cap);
	CHECK(s->ref);
	s->start[0] = 0;
	for (s->n = 0; s->n < n; s->n++) {
		sample_put(s, &at, &samples[s->n]);
		reference_put(s);
	}
}

static void scene_fini(struct scene *s)
{
	CHECK_EQ(s->chunk->refs, 1);	/* the queue gave all of its back */
	chunk_unref(s->chunk);
	free(s->ref);
}

static void scene_queue(const struct scene *s, struct outq *q)
{
	outq_init(q, s->wire->form, s->wire->vnet_len);
	for (unsigned i = 0; i < s->n; i++)
		outq_add(q, &s->v[i]);
	CHECK_EQ(q->frames, s->n);
	CHECK_EQ(q->bytes, s->start[s->n]);
}

/* Is what the queue would write next the reference from @from on? */
static size_t iov_check(const struct outq *q, unsigned max,
			const uint8_t *from, size_t rest)
{
	struct iovec iov[512];
	unsigned n = outq_iov(q, iov, max);
	size_t len = 0;

	CHECK(n <= max);
	for (unsigned i = 0; i < n; i++) {
		CHECK(iov[i].iov_len > 0);
		CHECK(len + iov[i].iov_len <= rest);
		CHECK(!memcmp(iov[i].iov_base, from + len, iov[i].iov_len));
		len += iov[i].iov_len;
	}
	return len;
}

/* Frames of which all bytes are among the first @len. */
static unsigned whole_before(const struct scene *s, size_t len)
{
	unsigned n = 0;

	while (n < s->n && s->start[n + 1] <= len)
		n++;
	return n;
}

/* Everything that is left, written in one go. */
static unsigned drain(const struct scene *s, struct outq *q, size_t from)
{
	size_t rest = s->start[s->n] - from;
	unsigned n;

	CHECK_EQ(q->bytes, rest);
	CHECK_EQ(iov_check(q, 512, s->ref + from, rest), rest);
	n = outq_sent(q, rest);
	CHECK_EQ(q->bytes, 0);
	CHECK_EQ(q->frames, 0);
	CHECK_EQ(q->count, 0);
	return n;
}

/* Every way a frame can come in, in one queue; runs and lone ones. */
static const struct sample mix[] = {
	{ 14, 0, 4 }, { 1, 0, 4 }, { 20, 0, 4 },	/* plain wire */
	{ 9, 0, 0 }, { 3, 0, 4 },
	{ 17, 12, 8 }, { 2, 12, 8 }, { 6, 10, 8 },	/* vnet wire */
	{ 5, 10, 8 }, { 8, 0, 8 }, { 4, 0, 8 },
	{ 7, 10, 0 }, { 11, 12, 0 }, { 13, 0, 0 },	/* devices */
	{ 15, 12, 8 }, { 16, 0, 4 }, { 1, 0, 4 },
};
#define N_MIX (sizeof(mix) / sizeof(mix[0]))

static void a_run_is_one_piece(void)
{
	static struct scene s;
	struct sample run[100];
	struct iovec iov[8];
	struct outq q;

	for (size_t w = 0; w < N_WIRES; w++) {
		const struct wire *wire = &wires[w];
		bool raw = wire->form == OUTQ_RAW;

		for (unsigned i = 0; i < 100; i++)
			run[i] = (struct sample){ 60 + i, wire->vnet_len,
						  wire->prefix_len };
		scene_init(&s, wire, run, 100);
		scene_queue(&s, &q);
		CHECK_EQ(q.count, raw ? 100 : 1);
		CHECK_EQ(outq_iov(&q, iov, 8), 1);
		CHECK_EQ(s.chunk->refs, raw ? 101 : 2);
		outq_fini(&q);
		CHECK_EQ(q.bytes + q.frames + q.count, 0);
		scene_fini(&s);
	}
}

/* Neither a gap nor another chunk nor a made prefix is bridged. */
static void strangers_are_not_joined(void)
{
	const struct wire *wire = &wires[0];
	const struct sample three[] = { { 20, 0, 4 }, { 21, 0, 4 },
					{ 22, 0, 4 } };
	static struct scene s, other;
	struct outq q;

	scene_init(&s, wire, three, 3);
	scene_init(&other, wire, three, 3);
	outq_init(&q, wire->form, wire->vnet_len);
	outq_add(&q, &s.v[0]);
	outq_add(&q, &s.v[2]);
	CHECK_EQ(q.count, 2);
	outq_add(&q, &other.v[0]);
	CHECK_EQ(q.count, 3);
	outq_add(&q, &other.v[1]);
	CHECK_EQ(q.count, 3);
	other.v[2].prefix_len = 0;	/* its prefix must be made */
	outq_add(&q, &other.v[2]);
	CHECK_EQ(q.count, 4);
	outq_add(&q, &s.v[0]);		/* the same frame once more */
	outq_add(&q, &s.v[0]);
	CHECK_EQ(q.count, 6);
	s.v[1].chunk = other.chunk;	/* whose reference would be missed */
	outq_add(&q, &s.v[1]);
	CHECK_EQ(q.count, 7);
	outq_fini(&q);
	scene_fini(&s);
	scene_fini(&other);
}

static void headers_are_converted(void)
{
	static struct scene s;
	struct outq q;

	for (size_t w = 0; w < N_WIRES; w++) {
		for (size_t i = 0; i < N_MIX; i++) {
			scene_init(&s, &wires[w], &mix[i], 1);
			scene_queue(&s, &q);
			CHECK_EQ(drain(&s, &q, 0), 1);
			outq_fini(&q);
			scene_fini(&s);
		}
	}
}

static void cut_at(const struct scene *s, size_t cut)
{
	unsigned n_before = whole_before(s, cut), n;
	struct outq q;

	/* goes on where it stopped */
	scene_queue(s, &q);
	n = outq_sent(&q, cut);
	CHECK(n <= n_before);
	CHECK_EQ(q.frames, s->n - n);
	CHECK_EQ(n + drain(s, &q, cut), s->n);
	outq_fini(&q);

	/* goes back to the beginning of the frame that was under way */
	scene_queue(s, &q);
	n = outq_sent(&q, cut);
	n += outq_rewind(&q);
	CHECK_EQ(n, n_before);
	CHECK_EQ(outq_rewind(&q), 0);
	CHECK_EQ(n + drain(s, &q, s->start[n_before]), s->n);
	outq_fini(&q);
}

static void every_byte(const struct wire *wire, const struct sample *samples,
		       unsigned n)
{
	static struct scene s;

	scene_init(&s, wire, samples, n);
	for (size_t cut = 0; cut <= s.start[s.n]; cut++)
		cut_at(&s, cut);
	scene_fini(&s);
}

static void partial_writes_at_every_byte(void)
{
	struct sample run[5];

	for (size_t w = 0; w < N_WIRES; w++) {
		if (wires[w].form == OUTQ_RAW)
			continue;
		every_byte(&wires[w], mix, N_MIX);
		for (unsigned i = 0; i < 5; i++)
			run[i] = (struct sample){ 3 + 5 * i, wires[w].vnet_len,
						  wires[w].prefix_len };
		every_byte(&wires[w], run, 5);
	}
}

/* The bytes come through whatever the number of iovecs, byte after byte. */
static void few_iovecs(void)
{
	static struct scene s;
	struct outq q;

	for (unsigned max = 2; max < 12; max++) {
		size_t at = 0;
		unsigned n = 0;

		scene_init(&s, &wires[3], mix, N_MIX);
		scene_queue(&s, &q);
		while (q.count) {
			CHECK(iov_check(&q, max, s.ref + at,
					s.start[s.n] - at) > 0);
			n += outq_sent(&q, 1);
			at++;
		}
		CHECK_EQ(at, s.start[s.n]);
		CHECK_EQ(n, s.n);
		outq_fini(&q);
		scene_fini(&s);
	}
}

static void longest_frames(void)
{
	static struct scene s;

	for (size_t w = 0; w < N_WIRES; w++) {
		const struct wire *wire = &wires[w];
		uint32_t max = FRAME_LEN_MAX - wire->vnet_len;
		const struct sample two[] = {
			{ max, wire->vnet_len, wire->prefix_len },
			{ max, wire->vnet_len, 0 },
		};

		if (wire->form == OUTQ_RAW)
			continue;
		scene_init(&s, wire, two, 2);
		for (size_t cut = 0; cut <= s.start[2]; cut += 4093)
			cut_at(&s, cut);
		cut_at(&s, s.start[1] - 1);
		cut_at(&s, s.start[1]);
		cut_at(&s, s.start[1] + 1);
		cut_at(&s, s.start[2] - 1);
		scene_fini(&s);
	}
}

struct taken {
	const struct scene *s;
	unsigned next;
};

/* What is taken back says the same on the same wire. */
static void on_taken(void *arg, const struct frame *f)
{
	struct taken *t = arg;
	const struct scene *s = t->s;
	const uint8_t *ref = s->ref + s->start[t->next];
	size_t len = s->start[t->next + 1] - s->start[t->next];

	CHECK(t->next < s->n);
	CHECK_EQ(f->vnet_len, s->wire->vnet_len);
	CHECK_EQ(f->len, len - s->wire->prefix_len);
	CHECK(!memcmp(f->data, ref + s->wire->prefix_len, f->len));
	if (f->prefix_len) {
		CHECK_EQ(f->prefix_len, s->wire->prefix_len);
		CHECK(!memcmp(f->data - f->prefix_len, ref, f->prefix_len));
	}
	CHECK(f->data - f->prefix_len >= f->chunk->bytes);
	CHECK(f->data + f->len <= f->chunk->bytes + f->chunk->cap);
	t->next++;
}

static void take_at_every_byte(void)
{
	static struct scene s;
	struct outq q;

	for (size_t w = 0; w < N_WIRES; w++) {
		if (wires[w].form == OUTQ_RAW)
			continue;
		scene_init(&s, &wires[w], mix, N_MIX);
		for (size_t cut = 0; cut <= s.start[s.n]; cut++) {
			unsigned n_before = whole_before(&s, cut);
			struct taken t = { &s, n_before };
			unsigned n;

			scene_queue(&s, &q);
			n = outq_sent(&q, cut);
			n += outq_take(&q, on_taken, &t);
			CHECK_EQ(n, n_before);
			CHECK_EQ(t.next, s.n);
			CHECK_EQ(q.bytes + q.frames + q.count, 0);
			outq_add(&q, &s.v[0]);	/* it works on */
			CHECK_EQ(q.frames, 1);
			outq_fini(&q);
		}
		scene_fini(&s);
	}
}

/* A raw queue gives a frame a write, and can give one up. */
static void raw_frames_one_by_one(void)
{
	static struct scene s;
	struct outq q;

	for (size_t w = 0; w < N_WIRES; w++) {
		if (wires[w].form != OUTQ_RAW)
			continue;
		scene_init(&s, &wires[w], mix, N_MIX);
		scene_queue(&s, &q);
		for (unsigned i = 0; i < s.n; i++) {
			size_t len = s.start[i + 1] - s.start[i];

			CHECK_EQ(iov_check(&q, 2, s.ref + s.start[i], len),
				 len);
			if (i % 3 == 1)
				CHECK_EQ(outq_drop_first(&q), 1);
			else
				CHECK_EQ(outq_sent(&q, len), 1);
			CHECK_EQ(q.frames, s.n - 1 - i);
			CHECK_EQ(q.bytes, s.start[s.n] - s.start[i + 1]);
		}
		CHECK_EQ(q.count, 0);
		outq_fini(&q);
		scene_fini(&s);
	}
}

static void random_samples(struct sample *samples, unsigned n,
			   const struct wire *wire)
{
	static const uint8_t lens[] = { 0, 10, 12 };

	for (unsigned i = 0; i < n; i++) {
		struct sample *p = &samples[i];

		p->eth_len = 1 + (uint32_t)random_below(&rnd, 200);
		if (random_below(&rnd, 4)) {	/* most of them: a relay */
			p->vnet_len = wire->vnet_len;
			p->prefix_len = wire->prefix_len;
			continue;
		}
		p->vnet_len = lens[random_below(&rnd, 3)];
		p->prefix_len = random_below(&rnd, 2) ? 8 :
				p->vnet_len ? 0 : 4;
	}
}

/*
 * Frames come in, bytes go out, connections break. The peer reads what each
 * connection brought and forgets the half frame at its end: it must have every
 * frame once, in order.
 */
static void broken_connections(const struct wire *wire)
{
	enum { N = 1000 };
	static struct sample samples[N];
	static struct scene s;
	unsigned added = 0, got = 0, counted = 0;
	size_t at = 0;			/* in ref: sent on this connection */
	struct outq q;

	random_samples(samples, N, wire);
	scene_init(&s, wire, samples, N);
	outq_init(&q, wire->form, wire->vnet_len);
	while (added < N || q.count) {
		size_t n = random_below(&rnd, 40), len;

		for (; n && added < N; n--)
			outq_add(&q, &s.v[added++]);
		len = iov_check(&q, 2 + (unsigned)random_below(&rnd, 200),
				s.ref + at, s.start[added] - at);
		len = random_below(&rnd, len + 1);
		counted += outq_sent(&q, len);
		at += len;
		if (random_below(&rnd, 4) == 0) {
			counted += outq_rewind(&q);
			got = whole_before(&s, at);
			CHECK_EQ(counted, got);
			at = s.start[got];
		}
		CHECK_EQ(q.bytes, s.start[added] - at);
		CHECK_EQ(q.frames, added - counted);
	}
	CHECK_EQ(counted, N);
	CHECK_EQ(at, s.start[N]);
	outq_fini(&q);
	scene_fini(&s);
}

static void every_frame_once_across_connections(void)
{
	size_t n = soak_n(50);

	for (size_t i = 0; i < n; i++) {
		for (size_t w = 0; w < N_WIRES; w++) {
			if (wires[w].form != OUTQ_RAW)
				broken_connections(&wires[w]);
		}
	}
}

int main(int argc, char **argv)
{
	random_init(&rnd, argc, argv);
	TEST(a_run_is_one_piece);
	TEST(strangers_are_not_joined);
	TEST(headers_are_converted);
	TEST(partial_writes_at_every_byte);
	TEST(few_iovecs);
	TEST(longest_frames);
	TEST(take_at_every_byte);
	TEST(raw_frames_one_by_one);
	TEST(every_frame_once_across_connections);
	return TEST_END();
}
