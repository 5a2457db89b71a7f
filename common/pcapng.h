/* SPDX-License-Identifier: ISC */
#ifndef COLO_PCAPNG_H
#define COLO_PCAPNG_H

#include <stddef.h>
#include <stdint.h>

/*
 * Makes the blocks of a pcapng file, which libpcap reads but cannot write. Pure:
 * blocks are appended to a buffer, and the caller writes that somewhere. A file is
 * a section, then its interfaces, then packets.
 */
struct pcapng {			/* zeroed to begin with */
	uint8_t *bytes;
	size_t len, cap;
};

struct pcapng_packet {
	uint32_t interface;	/* its number, from 0 on */
	uint64_t time_ns;	/* since 1970 */
	const uint8_t *bytes;
	uint32_t len;		/* bytes captured */
	uint32_t wire_len;	/* bytes that the packet had: not fewer */
	const char *const *comments;
	unsigned n_comments;
};

void pcapng_section(struct pcapng *p, const char *application);
void pcapng_interface(struct pcapng *p, uint16_t linktype, const char *name,
		      const char *description);
void pcapng_packet(struct pcapng *p, const struct pcapng_packet *packet);
void pcapng_fini(struct pcapng *p);

#endif
