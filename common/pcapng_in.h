/* SPDX-License-Identifier: ISC */
#ifndef COLO_PCAPNG_IN_H
#define COLO_PCAPNG_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Understands the blocks of a pcapng file. libpcap does so, too, but refuses
 * files whose interfaces have different link types or snapshot lengths, which
 * mergecap makes, and dumpcap on any two devices. Pure: the caller reads the
 * blocks.
 */
#define PCAPNG_IN_HEAD_LEN 12u		/* tells how long a block is */
#define PCAPNG_IN_BLOCK_MAX (16u << 20)
#define PCAPNG_IN_FIRST_BYTE 0x0a	/* of a file; no other format's */

struct pcapng_in_interface {
	uint16_t linktype;
	uint32_t snaplen;	/* 0: any */
	uint8_t resolution;	/* if_tsresol */
	int64_t offset_s;	/* if_tsoffset */
};

struct pcapng_in {		/* zeroed to begin with */
	bool is_begun, is_big_endian;
	struct pcapng_in_interface *interfaces;
	uint32_t n_interfaces, cap;
	int64_t last_s;		/* the last packet's time */
	uint32_t last_ns;
};

struct pcapng_in_packet {
	int linktype;		/* libpcap's DLT_ */
	int64_t time_s;		/* since 1970 */
	uint32_t time_ns;	/* and these */
	const uint8_t *bytes;	/* in the block */
	uint32_t len;		/* captured */
	uint32_t wire_len;	/* not fewer */
};

uint32_t pcapng_in_block_len(struct pcapng_in *in, const uint8_t *head);
int pcapng_in_block(struct pcapng_in *in, const uint8_t *block, uint32_t len,
		    struct pcapng_in_packet *packet);
void pcapng_in_fini(struct pcapng_in *in);

#endif
