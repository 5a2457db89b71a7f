/* SPDX-License-Identifier: ISC */
#ifndef COLO_PCAP_MAGIC_H
#define COLO_PCAP_MAGIC_H

#include <stdint.h>

/* What the first four bytes of a capture say, read as one big-endian number:
 * draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng. */
enum pcap_magic {
	PCAP_MAGIC_NONE,	/* no capture, or a form that is rare */
	PCAP_MAGIC_BIG,		/* pcap, its numbers big-endian */
	PCAP_MAGIC_LITTLE,
	PCAP_MAGIC_NG,		/* pcapng */
};

static inline enum pcap_magic pcap_magic_of(uint32_t word)
{
	switch (word) {
	case 0xa1b2c3d4:
	case 0xa1b23c4d:	/* with nanoseconds */
		return PCAP_MAGIC_BIG;
	case 0xd4c3b2a1:
	case 0x4d3cb2a1:
		return PCAP_MAGIC_LITTLE;
	case 0x0a0d0d0a:
		return PCAP_MAGIC_NG;
	default:
		return PCAP_MAGIC_NONE;
	}
}

#endif
