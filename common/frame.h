/* SPDX-License-Identifier: ISC */
#ifndef COLO_FRAME_H
#define COLO_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk.h"

/*
 * The wire (QEMU's): plain form `u32 big-endian length, frame`; vnet form
 * `u32 length, u32 vnet_len, virtio-net header of vnet_len bytes, frame`,
 * where length counts the header but not the two prefix words.
 */
#define FRAME_LEN_MAX 69632u	/* QEMU's NET_BUFSIZE: 4096 + 65536 */
#define FRAME_VNET_LEN_MAX 12u
#define FRAME_PREFIX_MAX 8u

/*
 * A view of one frame: [data, data + len) lies in chunk. Cheap to copy; the
 * view itself owns nothing.
 */
struct frame {
	struct chunk *chunk;	/* where the bytes live; borrowed */
	uint8_t *data;		/* vnet header when vnet_len, then Ethernet */
	uint32_t len;		/* bytes at data, the vnet header included */
	uint8_t vnet_len;	/* 0, 10 or 12 */
	uint8_t prefix_len;	/* valid wire prefix right before data: 0, 4, 8 */
	uint32_t number;	/* in its capture, from 1 on; 0 on live endpoints */
	uint32_t cut;		/* bytes behind it that were not captured */
	uint64_t time_ns;	/* of a capture; 0 on live endpoints */
};

/* The Ethernet part of a frame. */
static inline uint8_t *frame_eth(const struct frame *f)
{
	return f->data + f->vnet_len;
}

static inline uint32_t frame_eth_len(const struct frame *f)
{
	return f->len - f->vnet_len;
}

/* Frames out of a byte stream. Fill at frame_decoder_room(), then ask. */
struct frame_decoder {
	struct chunk *chunk;	/* being filled; NULL before the first read */
	uint32_t begin;		/* first byte not decoded yet */
	uint32_t end;		/* first byte not filled yet */
	bool vnet;		/* the stream is in the vnet form */
};

void frame_decoder_init(struct frame_decoder *d, bool vnet);
void frame_decoder_fini(struct frame_decoder *d);
size_t frame_decoder_reset(struct frame_decoder *d);
uint8_t *frame_decoder_room(struct frame_decoder *d, size_t *len);
void frame_decoder_filled(struct frame_decoder *d, size_t len);
int frame_decoder_batch(struct frame_decoder *d, struct frame *v, unsigned max,
			uint32_t *bad_len);

size_t frame_prefix_put(uint8_t *at, uint32_t len, uint8_t vnet_len, bool vnet);
void frame_copy(struct frame *dst, const struct frame *src);

#endif
