/* SPDX-License-Identifier: ISC */
/*
 * The queue of one output: a ring of pieces, each of which is a run of frames in one
 * chunk and holds one reference to it. endpoint_output.c adds frames, the kinds of
 * endpoints write what outq_iov() gives them. It makes no system call and sets no
 * bound.
 */
#include "outq.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

/**
 * outq_init() - An empty queue
 * @q:		The queue
 * @form:	How frames look on this wire
 * @vnet_len:	Length of the virtio-net header that this wire carries, bytes
 */
void outq_init(struct outq *q, enum outq_form form, uint8_t vnet_len)
{
	memset(q, 0, sizeof(*q));
	q->form = form;
	q->vnet_len = vnet_len;
	q->prefix_len = form == OUTQ_RAW ? 0 : form == OUTQ_VNET ? 8 : 4;
}

static struct outq_piece *piece_at(const struct outq *q, uint32_t i)
{
	return &q->ring[(q->head + i) & (q->cap - 1)];
}

static void piece_pop(struct outq *q)
{
	chunk_unref(piece_at(q, 0)->chunk);
	q->head = (q->head + 1) & (q->cap - 1);
	q->sent = 0;
	if (!--q->count)
		q->open_end = NULL;
}

/**
 * outq_fini() - Forget everything that is queued
 * @q:		The queue
 */
void outq_fini(struct outq *q)
{
	while (q->count)
		piece_pop(q);
	free(q->ring);
	outq_init(q, q->form, q->vnet_len);
}

static struct outq_piece *piece_push(struct outq *q)
{
	if (q->count == q->cap) {
		uint32_t cap = q->cap ? q->cap * 2 : 64;
		struct outq_piece *ring = malloc(cap * sizeof(*ring));

		if (!ring)
			abort();
		for (uint32_t i = 0; i < q->count; i++)
			ring[i] = *piece_at(q, i);
		free(q->ring);
		q->ring = ring;
		q->cap = cap;
		q->head = 0;
	}
	return piece_at(q, q->count++);
}

/* Is the frame, with the bytes before it, already what goes on the wire? */
static bool is_wire(const struct outq *q, const struct frame *f)
{
	return f->vnet_len == q->vnet_len &&
	       (q->form == OUTQ_RAW || f->prefix_len == q->prefix_len);
}

/* Does a frame's wire begin where the last piece ends? */
static bool extend(struct outq *q, const struct frame *f, uint32_t len)
{
	struct outq_piece *last;

	if (f->data - f->prefix_len != q->open_end ||
	    f->vnet_len != q->vnet_len || f->prefix_len != q->prefix_len)
		return false;
	last = piece_at(q, q->count - 1);
	if (last->chunk != f->chunk)
		return false;
	last->len += len;
	last->n_frames++;
	q->open_end += len;
	q->bytes += len;
	return true;
}

/* A frame whose prefix or virtio-net header has to be made anew. */
static uint32_t piece_make(struct outq *q, struct outq_piece *p,
			   const struct frame *f)
{
	uint32_t len = frame_eth_len(f) + q->vnet_len;
	uint8_t *at = p->head;

	if (q->form != OUTQ_RAW)
		at += frame_prefix_put(at, len, q->vnet_len,
				       q->form == OUTQ_VNET);
	memset(at, 0, q->vnet_len);
	/* the shorter header is the longer one's beginning */
	memcpy(at, f->data, f->vnet_len < q->vnet_len ? f->vnet_len :
							q->vnet_len);
	p->head_len = (uint8_t)(at - p->head + q->vnet_len);
	p->base = frame_eth(f);
	p->len = frame_eth_len(f);
	return p->head_len + p->len;
}

/* Kept out of outq_add(): most frames extend a piece. */
__attribute__((noinline))
static void add_piece(struct outq *q, const struct frame *f)
{
	uint32_t len = f->len + q->prefix_len;
	struct outq_piece *p = piece_push(q);

	p->chunk = chunk_ref(f->chunk);
	p->n_frames = 1;
	if (is_wire(q, f)) {
		p->base = f->data - q->prefix_len;
		p->len = len;
		p->head_len = 0;
	} else {
		len = piece_make(q, p, f);
	}
	q->bytes += len;
	q->open_end = p->head_len || q->form == OUTQ_RAW ? NULL :
							   p->base + len;
}

/**
 * outq_add() - Queue a frame
 * @q:		The queue; its vnet_len is 0 only if the frame carries no
 *		header or one that says nothing
 * @f:		The frame; the queue takes a reference on its chunk
 */
void outq_add(struct outq *q, const struct frame *f)
{
	uint32_t len = f->len + q->prefix_len;

	q->frames++;
	if (!extend(q, f, len))
		add_piece(q, f);
}

/* Put bytes into an element, less those of @skip, which were written before.
 * Return: elements used, 0 or 1 */
static unsigned iov_put(struct iovec *iov, uint8_t *base, size_t len,
			size_t *skip)
{
	if (*skip >= len) {
		*skip -= len;
		return 0;
	}
	iov->iov_base = base + *skip;
	iov->iov_len = len - *skip;
	*skip = 0;
	return 1;
}

/**
 * outq_iov() - What to write next
 * @q:		The queue
 * @iov:	At least @max elements
 * @max:	At least 2; a raw queue fills in one frame only
 *
 * Return: the number of elements filled in
 */
unsigned outq_iov(const struct outq *q, struct iovec *iov, unsigned max)
{
	uint32_t n_pieces = q->form == OUTQ_RAW && q->count ? 1 : q->count;
	size_t skip = q->sent;
	unsigned n = 0;

	for (uint32_t i = 0; i < n_pieces && n + 2 <= max; i++) {
		struct outq_piece *p = piece_at(q, i);

		n += iov_put(&iov[n], p->head, p->head_len, &skip);
		n += iov_put(&iov[n], p->base, p->len, &skip);
	}
	return n;
}

/**
 * outq_sent() - The kernel took bytes
 * @q:		The queue
 * @len:	How many, bytes, at most what outq_iov() gave
 *
 * Return: frames that are known to be gone whole. Those at the beginning of a
 * piece that is half gone are counted when all of it is.
 */
unsigned outq_sent(struct outq *q, size_t len)
{
	unsigned n = 0;

	assert(len <= q->bytes);
	q->bytes -= len;
	while (q->count) {
		struct outq_piece *p = piece_at(q, 0);
		size_t rest = p->head_len + (size_t)p->len - q->sent;

		if (len < rest) {
			q->sent += (uint32_t)len;
			break;
		}
		len -= rest;
		n += p->n_frames;
		piece_pop(q);
	}
	q->frames -= n;
	return n;
}

/**
 * outq_rewind() - The connection broke: go back to a frame's first byte
 * @q:		The queue, plain or vnet form
 *
 * A frame of which the peer got only a part is sent again from its beginning
 * on the next connection.
 *
 * Return: frames of the half-sent piece that were gone whole
 */
unsigned outq_rewind(struct outq *q)
{
	struct outq_piece *p;
	uint32_t done = 0, next;
	unsigned n = 0;

	if (!q->count || !q->sent)
		return 0;
	p = piece_at(q, 0);
	if (!p->head_len) {
		for (;;) {
			next = done + q->prefix_len +
			       bytes_get32(p->base + done);
			if (next > q->sent)
				break;
			done = next;
			n++;
		}
		p->base += done;
		p->len -= done;
		p->n_frames -= n;
	}
	q->bytes += q->sent - done;
	q->sent = 0;
	q->frames -= n;
	return n;
}

/**
 * outq_drop_first() - Give up the first frame of a raw queue
 * @q:		The queue, not empty
 *
 * Return: frames dropped
 */
unsigned outq_drop_first(struct outq *q)
{
	struct outq_piece *p = piece_at(q, 0);
	unsigned n = p->n_frames;

	q->bytes -= p->head_len + (size_t)p->len;
	q->frames -= n;
	piece_pop(q);
	return n;
}

/* A piece whose prefix was made for it: in a chunk of its own, as it was. */
static void take_made(struct outq *q, const struct outq_piece *p,
		      void (*frame)(void *arg, const struct frame *f),
		      void *arg)
{
	size_t skip = q->prefix_len;
	size_t head_len = p->head_len - skip;
	struct frame f = {
		.chunk = chunk_new(head_len + p->len),
		.len = (uint32_t)head_len + p->len,
		.vnet_len = q->vnet_len,
	};

	f.data = f.chunk->bytes;
	memcpy(f.data, p->head + skip, head_len);
	memcpy(f.data + head_len, p->base, p->len);
	frame(arg, &f);
	chunk_unref(f.chunk);
}

static void take_run(const struct outq *q, const struct outq_piece *p,
		     void (*frame)(void *arg, const struct frame *f), void *arg)
{
	uint32_t prefix = q->prefix_len;
	uint32_t at = 0;

	while (at < p->len) {
		struct frame f = {
			.chunk = p->chunk,
			.data = p->base + at + prefix,
			.len = bytes_get32(p->base + at),
			.vnet_len = q->vnet_len,
			.prefix_len = (uint8_t)prefix,
		};

		frame(arg, &f);
		at += prefix + f.len;
	}
}

/**
 * outq_take() - Take back everything that is queued, as frames in order
 * @q:		The queue, plain or vnet form; rewound and emptied
 * @frame:	Gets each frame, borrowed for the call
 * @arg:	For @frame
 *
 * Return: frames that were gone whole, as outq_rewind()
 */
unsigned outq_take(struct outq *q,
		   void (*frame)(void *arg, const struct frame *f), void *arg)
{
	unsigned gone = outq_rewind(q);

	for (uint32_t i = 0; i < q->count; i++) {
		const struct outq_piece *p = piece_at(q, i);

		if (p->head_len)
			take_made(q, p, frame, arg);
		else
			take_run(q, p, frame, arg);
	}
	outq_fini(q);
	return gone;
}
