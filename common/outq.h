/* SPDX-License-Identifier: ISC */
#ifndef COLO_OUTQ_H
#define COLO_OUTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "frame.h"

/*
 * Frames on their way out: pure. Neighbours in one chunk whose prefix can be
 * reused become one piece, so a relayed batch costs one iovec.
 */
enum outq_form {
	OUTQ_PLAIN,		/* u32 length, frame */
	OUTQ_VNET,		/* u32 length, u32 vnet_len, header, frame */
	OUTQ_RAW,		/* one frame a write: taps, packet sockets */
};

struct outq_piece {
	struct chunk *chunk;	/* one reference */
	uint8_t *base;
	uint32_t len;		/* bytes at base */
	uint32_t n_frames;	/* that end in this piece */
	uint8_t head[FRAME_PREFIX_MAX + FRAME_VNET_LEN_MAX];
	uint8_t head_len;	/* bytes of head that go before base */
};

struct outq {
	enum outq_form form;
	uint8_t vnet_len;	/* of the frames on the wire: 0, 10, 12 */
	uint8_t prefix_len;	/* of the form, bytes */
	struct outq_piece *ring;
	uint32_t cap;		/* power of two, or 0 */
	uint32_t head, count;	/* pieces */
	uint8_t *open_end;	/* behind the last piece, if it may grow */
	uint32_t sent;		/* bytes of the first piece already gone */
	size_t bytes;		/* not sent yet */
	uint64_t frames;	/* not sent whole yet */
};

void outq_init(struct outq *q, enum outq_form form, uint8_t vnet_len);
void outq_fini(struct outq *q);
void outq_add(struct outq *q, const struct frame *f);
unsigned outq_iov(const struct outq *q, struct iovec *iov, unsigned max);
unsigned outq_sent(struct outq *q, size_t len);
unsigned outq_rewind(struct outq *q);
unsigned outq_drop_first(struct outq *q);
unsigned outq_take(struct outq *q,
		   void (*frame)(void *arg, const struct frame *f), void *arg);

#endif
