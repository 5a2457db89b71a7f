/* SPDX-License-Identifier: ISC */
#ifndef COLO_REWRITE_WIRE_H
#define COLO_REWRITE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../../common/bytes.h"
#include "../../common/checksum.h"
#include "../../common/packet.h"

/*
 * Headers as the tests and fuzzers of the rewriter write them, between a peer,
 * 10.0.0.1 or fd00::1, and port 80 of the guest, 10.0.0.2 or fd00::2. Those that
 * write return where the header ends.
 */

/* len: bytes behind the header. There is no IPv4 header checksum. */
static inline uint8_t *wire_ip(uint8_t *ip, bool v6, bool from_guest,
			       uint8_t proto, size_t len)
{
	size_t header_len = v6 ? 40 : 20;

	memset(ip, 0, header_len);
	ip[0] = v6 ? 0x60 : 0x45;
	bytes_put16(ip + (v6 ? 4 : 2), (uint16_t)(v6 ? len : 20 + len));
	ip[v6 ? 7 : 8] = 64;
	ip[v6 ? 6 : 9] = proto;
	ip[v6 ? 8 : 12] = ip[v6 ? 24 : 16] = v6 ? 0xfd : 10;
	ip[v6 ? 23 : 15] = from_guest ? 2 : 1;
	ip[v6 ? 39 : 19] = from_guest ? 1 : 2;
	return ip + header_len;
}

/* opt_len bytes of options follow. There is no checksum and no window. */
static inline uint8_t *wire_tcp(uint8_t *tcp, bool from_guest,
				uint16_t peer_port, uint32_t seq, uint32_t ack,
				uint8_t flags, size_t opt_len)
{
	memset(tcp, 0, 20);
	bytes_put16(tcp, from_guest ? 80 : peer_port);
	bytes_put16(tcp + 2, from_guest ? peer_port : 80);
	bytes_put32(tcp + 4, seq);
	bytes_put32(tcp + 8, ack);
	tcp[12] = (uint8_t)((20 + opt_len) / 4 << 4);
	tcp[13] = flags;
	return tcp + 20;
}

/* The pseudo header's part of a checksum, not folded. */
static inline uint32_t wire_pseudo(const struct packet *p)
{
	return checksum_pseudo(p->ip_version, p->src, p->dst, p->proto,
			       p->l4_len);
}

/* The checksum of a transport header and its data: 0 if it has a right one. */
static inline uint16_t wire_sum(const struct packet *p)
{
	return checksum_fold(checksum_add(wire_pseudo(p), packet_l4(p),
					  p->l4_len));
}

#endif
