/* SPDX-License-Identifier: ISC */
/*
 * Frames out of a byte stream, and back.
 *
 * The decoder owns one reference to the chunk it fills. What it fills is
 *
 *	0 ... decoded ... begin ... pending ... end ... room ... cap
 *
 * Frames are handed out as views of the decoded part, so nothing is copied and
 * nothing allocated per frame. Whoever keeps a view takes a reference; while
 * there is one (refs > 1), decoded bytes are neither moved nor written over:
 * when such a chunk runs out of room, a new one is taken and the pending bytes
 * (less than one frame) are copied to its start. When nobody kept anything the
 * same chunk is used again and again, which also keeps it in the cache.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "frame.h"

#define ROOM_MIN (FRAME_PREFIX_MAX + FRAME_LEN_MAX)	/* any frame fits */
#define MOVE_MAX 4096u		/* pending bytes that are always worth moving */

_Static_assert(CHUNK_BYTES >= FRAME_LEN_MAX + FRAME_PREFIX_MAX + ROOM_MIN,
	       "the longest frame that is not whole leaves room to read");

/* A frame's prefix, checked. */
struct header {
	uint32_t len;
	uint8_t vnet_len;
	uint8_t prefix_len;
};

static bool vnet_len_is_good(uint32_t vnet_len)
{
	return vnet_len == 0 || vnet_len == 10 || vnet_len == 12;
}

/* 1: a whole and good header; 0: more bytes needed; -EPROTO: a bad one. */
static inline int header_get(const uint8_t *p, uint32_t have, bool vnet,
			     struct header *h, uint32_t *bad_len)
{
	uint32_t vnet_len = 0;

	if (have < 4)
		return 0;
	h->len = bytes_get32(p);
	*bad_len = h->len;
	if (h->len == 0 || h->len > FRAME_LEN_MAX)
		return -EPROTO;
	if (vnet) {
		if (have < 8)
			return 0;
		vnet_len = bytes_get32(p + 4);
		if (h->len <= vnet_len && vnet_len_is_good(vnet_len))
			return -EPROTO;
		*bad_len = vnet_len;
		if (!vnet_len_is_good(vnet_len))
			return -EPROTO;
	}
	h->vnet_len = (uint8_t)vnet_len;
	h->prefix_len = vnet ? 8 : 4;
	return 1;
}

/**
 * frame_decoder_init() - Make a decoder ready for a new stream
 * @d:		decoder, embedded by the caller
 * @vnet:	the stream is in the vnet form
 *
 * Nothing is allocated before the first frame_decoder_room().
 */
void frame_decoder_init(struct frame_decoder *d, bool vnet)
{
	*d = (struct frame_decoder){ .vnet = vnet };
}

/**
 * frame_decoder_fini() - Give up what the decoder holds
 * @d:	decoder; views whose chunk somebody references live on
 */
void frame_decoder_fini(struct frame_decoder *d)
{
	chunk_unref(d->chunk);
	*d = (struct frame_decoder){ .vnet = d->vnet };
}

/**
 * frame_decoder_reset() - Forget a half frame: the peer went, or sent rubbish
 * @d:	decoder; the next byte filled starts a frame
 *
 * Return: how many bytes were dropped.
 */
size_t frame_decoder_reset(struct frame_decoder *d)
{
	size_t n = d->end - d->begin;

	d->begin = d->end;
	return n;
}

/* Bring the pending bytes to the start of a chunk that is ours alone. */
static void pending_move(struct frame_decoder *d)
{
	uint32_t n = d->end - d->begin;
	struct chunk *c = d->chunk;

	if (c->refs == 1) {
		memmove(c->bytes, c->bytes + d->begin, n);
	} else {
		d->chunk = chunk_new(CHUNK_BYTES);
		memcpy(d->chunk->bytes, c->bytes + d->begin, n);
		chunk_unref(c);
	}
	d->begin = 0;
	d->end = n;
}

/**
 * frame_decoder_room() - Where the next bytes of the stream shall be read to
 * @d:		decoder that frame_decoder_batch() has emptied (it said 0)
 * @len:	set to the bytes that fit there: enough for any frame with its
 *		prefix
 *
 * Views handed out before are void now, unless their chunk is referenced.
 *
 * Return: the place; report what was put there to frame_decoder_filled().
 */
uint8_t *frame_decoder_room(struct frame_decoder *d, size_t *len)
{
	if (!d->chunk)
		d->chunk = chunk_new(CHUNK_BYTES);
	if ((d->chunk->refs == 1 && d->end - d->begin <= MOVE_MAX) ||
	    d->chunk->cap - d->end < ROOM_MIN)
		pending_move(d);
	*len = d->chunk->cap - d->end;
	return d->chunk->bytes + d->end;
}

/**
 * frame_decoder_filled() - Say that bytes were read to frame_decoder_room()
 * @d:		decoder
 * @len:	bytes, at most what the room held
 */
void frame_decoder_filled(struct frame_decoder *d, size_t len)
{
	assert(len <= d->chunk->cap - d->end);
	d->end += (uint32_t)len;
}

/**
 * frame_decoder_batch() - Hand out the frames that are complete
 * @d:		decoder
 * @v:		views to fill; time_ns is 0, the prefix that came in stands
 *		right before data
 * @max:	room at @v; ask again until the result is 0
 * @bad_len:	set with -EPROTO: the length that is bad
 *
 * Good frames before a bad header are handed out first. After -EPROTO the
 * stream has no known frame boundary: only frame_decoder_reset() goes on.
 *
 * Return: number of views; 0 when more bytes are needed; -EPROTO for a length
 *	   of 0, over FRAME_LEN_MAX, or not longer than the virtio-net header,
 *	   and for a virtio-net header length that is none (0, 10, 12 are).
 */
int frame_decoder_batch(struct frame_decoder *d, struct frame *v, unsigned max,
			uint32_t *bad_len)
{
	uint32_t begin = d->begin, end = d->end, bad = 0;
	struct chunk *chunk = d->chunk;
	bool vnet = d->vnet;
	unsigned n = 0;

	while (n < max && begin < end) {
		uint8_t *p = chunk->bytes + begin;
		struct header h;
		int rc = header_get(p, end - begin, vnet, &h, &bad);

		if (rc < 0 && !n) {
			*bad_len = bad;
			return rc;
		}
		if (rc <= 0 || end - begin < h.prefix_len + h.len)
			break;
		/* where a later one begins, if they are as long as this one;
		 * that may be behind the chunk, and so is no pointer */
		__builtin_prefetch((const void *)((uintptr_t)p +
				   4 * (size_t)(h.prefix_len + h.len)));
		v[n++] = (struct frame){
			.chunk = chunk,
			.data = p + h.prefix_len,
			.len = h.len,
			.vnet_len = h.vnet_len,
			.prefix_len = h.prefix_len,
		};
		begin += h.prefix_len + h.len;
	}
	d->begin = begin;
	return (int)n;
}

/**
 * frame_prefix_put() - Write the wire's prefix
 * @at:		4 bytes of room, 8 in the vnet form
 * @len:	bytes that follow, the virtio-net header included
 * @vnet_len:	of the virtio-net header; ignored in the plain form
 * @vnet:	the wire is in the vnet form
 *
 * Return: bytes written.
 */
size_t frame_prefix_put(uint8_t *at, uint32_t len, uint8_t vnet_len, bool vnet)
{
	bytes_put32(at, len);
	if (!vnet)
		return 4;
	bytes_put32(at + 4, vnet_len);
	return 8;
}

/**
 * frame_copy() - Copy a frame into a chunk of its own
 * @dst:	view of the copy, prefix and time included; the caller owns the
 *		one reference to its chunk. May be @src itself.
 * @src:	view; its chunk's references stay as they are
 *
 * For a frame that is held long: a view keeps 256 KiB alive.
 */
void frame_copy(struct frame *dst, const struct frame *src)
{
	struct frame f = *src;

	f.chunk = chunk_new((size_t)f.prefix_len + f.len);
	f.data = f.chunk->bytes + f.prefix_len;
	memcpy(f.chunk->bytes, src->data - src->prefix_len,
	       (size_t)f.prefix_len + f.len);
	*dst = f;
}
