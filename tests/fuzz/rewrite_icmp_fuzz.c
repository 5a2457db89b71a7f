/* SPDX-License-Identifier: ISC */
/* ICMP and ICMPv6 errors of any bytes, about connections that are known. */
#include "rewrite_traffic.h"

/*
 * The first byte says which connection it is about, from which side it comes,
 * and which of its fields are made to fit. The rest is the message.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rewrite_config config = {
		.max_flows = CONNS, .max_held = 4096, .seed = 1,
	};
	struct fuzz z = { data, size };
	uint8_t how = fuzz_byte(&z);
	struct segment s = { .conn = how % CONNS,
			     .side = how & 8 ? REWRITE_RX : REWRITE_TX };
	bool v6 = s.conn & 1, to_guest = s.side == REWRITE_TX;
	uint8_t eth[FRAME_MAX], *l4, *quote;
	struct traffic t;
	size_t len = z.left < 400 ? z.left : 400;

	traffic_init(&t);
	traffic_open(&t, &config);
	for (unsigned i = 0; i < CONNS; i++)
		traffic_handshake(&t, i, WITH_TIMESTAMP);
	l4 = wire_ip(put_ether(eth, s.conn), v6, !to_guest,
		     v6 ? PACKET_ICMP6 : PACKET_ICMP, len);
	memcpy(l4, z.at, len);
	quote = l4 + 8;
	if (how & 16 && len >= 8u + (v6 ? 40 : 20))
		wire_ip(quote, v6, to_guest, PACKET_TCP, len - 8);
	if (how & 32 && len >= 8u + (v6 ? 44 : 24)) {
		uint16_t port = (uint16_t)(1024 + s.conn);
		uint8_t *tcp = quote + (v6 ? 40 : 20);

		bytes_put16(tcp, to_guest ? 80 : port);
		bytes_put16(tcp + 2, to_guest ? port : 80);
	}
	if (how & 64)
		s.how = WITH_PARTIAL_SUM;
	if (how & 128 && len)
		l4[0] = v6 ? 1 : 3;
	traffic_finish(&t, &z, &s, eth, (size_t)(l4 - eth) + len, 2);
	rewrite_free(t.r);
	return 0;
}
