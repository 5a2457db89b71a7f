/* SPDX-License-Identifier: ISC */
#include <assert.h>

#include "../../common/flow.h"
#include "../../common/packet.h"
#include "../../compare/diff/unwrap.h"
#include "fuzz.h"

/* Layer by layer: each is shorter than the one around it. */
static void unwrap_all(struct frame f)
{
	struct frame inner;
	struct packet p;

	packet_parse(&p, frame_eth(&f), frame_eth_len(&f));
	while (unwrap_frame(&inner, &f, &p)) {
		assert(inner.len < f.len + 2 && inner.len <= inner.chunk->cap);
		chunk_unref(f.chunk);
		f = inner;
		packet_parse(&p, frame_eth(&f), frame_eth_len(&f));
	}
	chunk_unref(f.chunk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *eth = malloc(size ? size : 1);
	struct flow_key key, back;
	struct packet p;
	char text[FLOW_TEXT_MAX];

	memcpy(eth, data, size);
	packet_parse(&p, eth, size);
	if (p.level != PACKET_ETHER)
		assert(p.l4_off + p.l4_len <= size);
	if (p.level == PACKET_L4)
		assert(p.payload_off + p.payload_len <= size);
	if (flow_key_of(&key, &p, false) == 0) {
		assert(flow_key_of(&back, &p, true) == 0);
		assert(key.sport == back.dport && key.proto == back.proto);
		assert(flow_key_text(&key, text, sizeof(text)) <
		       sizeof(text) - 1);
	}
	unwrap_all((struct frame){ .data = eth, .len = (uint32_t)size });
	free(eth);
	return 0;
}
