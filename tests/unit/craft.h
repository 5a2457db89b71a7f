/* SPDX-License-Identifier: ISC */
#ifndef COLO_CRAFT_H
#define COLO_CRAFT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../../common/bytes.h"

/* Packets written by hand, header behind header. */
struct craft {
	size_t len;
	uint8_t b[70 * 1024];
};

static inline uint8_t *craft_bytes(struct craft *c, size_t n)
{
	uint8_t *at = c->b + c->len;

	memset(at, 0, n);
	c->len += n;
	return at;
}

static inline void craft_ether(struct craft *c, uint16_t type)
{
	c->len = 0;
	memcpy(craft_bytes(c, 12), "\x52\x54\0\0\0\2\x52\x54\0\0\0\1", 12);
	bytes_put16(craft_bytes(c, 2), type);
}

static inline void craft_vlan(struct craft *c, uint16_t id, uint16_t type)
{
	bytes_put16(craft_bytes(c, 2), id);
	bytes_put16(craft_bytes(c, 2), type);
}

/* 10.0.0.1 > 10.0.0.2; len: bytes that follow the header and its options. */
static inline uint8_t *craft_ipv4(struct craft *c, uint8_t proto,
				  size_t opt_len, size_t len)
{
	uint8_t *ip = craft_bytes(c, 20 + opt_len);

	ip[0] = (uint8_t)(0x40 | (5 + opt_len / 4));
	bytes_put16(ip + 2, (uint16_t)(20 + opt_len + len));
	ip[8] = 64;
	ip[9] = proto;
	memcpy(ip + 12, "\x0a\0\0\1\x0a\0\0\2", 8);
	return ip;
}

/* fd00::1 > fd00::2 */
static inline uint8_t *craft_ipv6(struct craft *c, uint8_t next, size_t len)
{
	uint8_t *ip = craft_bytes(c, 40);

	ip[0] = 0x60;
	bytes_put16(ip + 4, (uint16_t)len);
	ip[6] = next;
	ip[7] = 64;
	ip[8] = ip[24] = 0xfd;
	ip[23] = 1;
	ip[39] = 2;
	return ip;
}

static inline uint8_t *craft_tcp(struct craft *c, uint8_t flags, size_t opt_len)
{
	uint8_t *tcp = craft_bytes(c, 20 + opt_len);

	bytes_put16(tcp, 80);
	bytes_put16(tcp + 2, 5000);
	bytes_put32(tcp + 4, 0xfffffff0);
	bytes_put32(tcp + 8, 0x01020304);
	tcp[12] = (uint8_t)((5 + opt_len / 4) << 4);
	tcp[13] = flags;
	bytes_put16(tcp + 14, 512);
	return tcp;
}

static inline uint8_t *craft_udp(struct craft *c, size_t len)
{
	uint8_t *udp = craft_bytes(c, 8);

	bytes_put16(udp, 53);
	bytes_put16(udp + 2, 6000);
	bytes_put16(udp + 4, (uint16_t)(8 + len));
	return udp;
}

static inline void craft_payload(struct craft *c, size_t len)
{
	uint8_t *p = craft_bytes(c, len);

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 13 + (i >> 8));
}

#endif
