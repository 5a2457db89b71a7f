/* SPDX-License-Identifier: ISC */
/*
 * msgpack-c believes what a message says of its size: five bytes make it
 * reserve gigabytes. So rpc_check() walks over a message before msgpack-c sees
 * it. It keeps one number, the objects that were announced and have not come
 * yet: each takes a byte at least, so that number may never be above the bytes
 * that are left. That bounds the memory of all arrays and maps together, not
 * only of each.
 */
#include "rpc_check.h"

#include <errno.h>
#include <stdbool.h>

#include "bytes.h"
#include "rpc.h"

enum head_kind { HEAD_SCALAR, HEAD_BYTES, HEAD_ARRAY, HEAD_MAP, HEAD_BAD };

/* The first byte of an object, taken apart. */
struct head {
	enum head_kind kind;
	uint8_t len_size;	/* bytes of the length that follows; or 0 */
	uint32_t n;		/* without one: bytes, elements or pairs */
};

/* 0xc0 to 0xdf, in the order of msgpack's specification. */
static const struct head heads[32] = {
	{ HEAD_SCALAR, 0, 0 },			/* nil */
	{ HEAD_BAD, 0, 0 },
	{ HEAD_SCALAR, 0, 0 }, { HEAD_SCALAR, 0, 0 },	/* false, true */
	{ HEAD_BYTES, 1, 0 }, { HEAD_BYTES, 2, 0 }, { HEAD_BYTES, 4, 0 },
	{ HEAD_BAD, 0, 0 }, { HEAD_BAD, 0, 0 }, { HEAD_BAD, 0, 0 },	/* ext */
	{ HEAD_SCALAR, 0, 4 }, { HEAD_SCALAR, 0, 8 },	/* float */
	{ HEAD_SCALAR, 0, 1 }, { HEAD_SCALAR, 0, 2 },	/* uint */
	{ HEAD_SCALAR, 0, 4 }, { HEAD_SCALAR, 0, 8 },
	{ HEAD_SCALAR, 0, 1 }, { HEAD_SCALAR, 0, 2 },	/* int */
	{ HEAD_SCALAR, 0, 4 }, { HEAD_SCALAR, 0, 8 },
	{ HEAD_BAD, 0, 0 }, { HEAD_BAD, 0, 0 }, { HEAD_BAD, 0, 0 },	/* fixext */
	{ HEAD_BAD, 0, 0 }, { HEAD_BAD, 0, 0 },
	{ HEAD_BYTES, 1, 0 }, { HEAD_BYTES, 2, 0 }, { HEAD_BYTES, 4, 0 },
	{ HEAD_ARRAY, 2, 0 }, { HEAD_ARRAY, 4, 0 },
	{ HEAD_MAP, 2, 0 }, { HEAD_MAP, 4, 0 },
};

static struct head head_of(uint8_t byte)
{
	if (byte < 0x80 || byte >= 0xe0)
		return (struct head){ HEAD_SCALAR, 0, 0 };
	if (byte < 0x90)
		return (struct head){ HEAD_MAP, 0, byte & 0xf };
	if (byte < 0xa0)
		return (struct head){ HEAD_ARRAY, 0, byte & 0xf };
	if (byte < 0xc0)
		return (struct head){ HEAD_BYTES, 0, byte & 0x1f };
	return heads[byte - 0xc0];
}

static uint32_t length_at(const uint8_t *at, unsigned size)
{
	if (size == 1)
		return *at;
	return size == 2 ? bytes_get16(at) : bytes_get32(at);
}

/* A walk over a message. */
struct walk {
	const uint8_t *at;
	size_t left;		/* bytes */
	size_t n_owed;		/* objects announced that have not come */
	size_t open[RPC_DEPTH_MAX];	/* of them, by array or map */
	unsigned depth;
};

/* What was announced in full is closed. */
static void close_full(struct walk *w)
{
	while (w->depth && !w->open[w->depth - 1])
		w->depth--;
}

static const char *open_container(struct walk *w, size_t n)
{
	if (w->depth == RPC_DEPTH_MAX)
		return "arrays or maps are nested more than 8 deep";
	w->open[w->depth++] = n;
	w->n_owed += n;
	return w->n_owed > w->left ? "more is announced than there is" : NULL;
}

/* Return: NULL, or why the message is bad */
static const char *walk_object(struct walk *w)
{
	struct head h = head_of(*w->at);

	w->at++;
	w->left--;
	w->n_owed--;
	if (w->depth)
		w->open[w->depth - 1]--;
	if (h.kind == HEAD_BAD)
		return "a type that is not allowed here";
	if (w->left < h.len_size)
		return "it ends too early";
	if (h.len_size)
		h.n = length_at(w->at, h.len_size);
	w->at += h.len_size;
	w->left -= h.len_size;
	if (h.kind == HEAD_ARRAY)
		return open_container(w, h.n);
	if (h.kind == HEAD_MAP)
		return open_container(w, 2 * (size_t)h.n);
	if (w->left < h.n)
		return "it ends too early";
	w->at += h.n;
	w->left -= h.n;
	return w->n_owed > w->left ? "more is announced than there is" : NULL;
}

/**
 * rpc_check() - Is this one object that costs no more memory than it has bytes?
 * @bytes:	of a message, without its length
 * @len:	how many
 * @why:	set to what is wrong; static text
 *
 * Extension types are refused: no message has them.
 *
 * Return: 0 or -EPROTO
 */
int rpc_check(const uint8_t *bytes, size_t len, const char **why)
{
	struct walk w = { .at = bytes, .left = len, .n_owed = 1 };

	*why = NULL;
	while (w.n_owed && !*why) {
		*why = w.left ? walk_object(&w) : "it ends too early";
		close_full(&w);
	}
	if (!*why && w.left)
		*why = "bytes follow it";
	return *why ? -EPROTO : 0;
}
