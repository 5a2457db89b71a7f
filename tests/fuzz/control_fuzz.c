/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <errno.h>

#include "../../common/control_flows.h"
#include "../../common/packet.h"
#include "fuzz.h"

static int on_call(void *arg, struct control_call *call)
{
	(void)arg;
	for (unsigned i = 0; i < CONTROL_PARAMS_MAX; i++) {
		if (call->param[i] &&
		    call->param[i]->type == MSGPACK_OBJECT_NIL)
			return -EINVAL;
	}
	msgpack_pack_object(call->pk, call->param[0] ? *call->param[0] :
			    (msgpack_object){ .type = MSGPACK_OBJECT_NIL });
	return 0;
}

/* Some flows, more than a turn looks at, for `flows` and `explain`. */
#define N_FLOWS 1500u

static struct flow_table *flows;

static struct flow_table *fill(void)
{
	flows = flow_table_new(N_FLOWS, sizeof(uint32_t), 1);
	for (uint32_t n = 0; n < N_FLOWS; n++) {
		struct flow_key key = { .dst = { 9, 9, 9, 9 }, .sport = 80,
					.dport = (uint16_t)n, .vlan = n & 3,
					.proto = PACKET_TCP, .ip_version = 4 };

		*(uint32_t *)flow_add(flows, &key, 0, n) = n % 7;
	}
	return flows;
}

static uint64_t rank(void *arg, const void *value,
		     enum control_flows_order order)
{
	(void)arg;
	return *(const uint32_t *)value * (uint64_t)order;
}

static void put_row(void *arg, const void *value, msgpack_packer *pk)
{
	(void)arg;
	rpc_map(pk, 1);
	control_flows_put_key(pk, flow_get_key(flows, value));
}

static struct control_flows the_flows = { NULL, rank, put_row, put_row, NULL };

static const struct control_method methods[] = {
	{ "a", "any", { { "x", CONTROL_ANY, true } }, false, on_call },
	{ "t", "text and number",
	  { { "x", CONTROL_TEXT, false }, { "n", CONTROL_NUMBER, true },
	    { "b", CONTROL_SWITCH, true }, { "a", CONTROL_ANY, true } },
	  true, on_call },
	{ 0 },
};

static const struct control_table table = {
	{ { control_flows_methods, &the_flows }, { methods, NULL } }, 2
};

/* Whatever comes, there is an answer, and it is a message. Memory is watched by
 * libFuzzer's -rss_limit_mb and -malloc_limit_mb. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rpc_message m;
	size_t len = 0;
	const char *why;
	uint8_t *copy = malloc(size + 1), *answer;
	struct control_asker asker = { .may_change = size & 1 };

	if (!the_flows.table)
		the_flows.table = fill();
	assert(copy);
	memcpy(copy, data, size);
	do
		answer = control_table_answer(&table, copy, size, &asker, &len);
	while (asker.is_later);
	assert(!asker.job);
	assert(answer && len > RPC_PREFIX_LEN);
	/* what a client may send is bounded in depth; an answer is one deeper */
	if (rpc_parse(&m, answer + RPC_PREFIX_LEN, len - RPC_PREFIX_LEN,
		      &why) == 0) {
		assert(m.kind == RPC_RESPONSE);
		rpc_message_fini(&m);
	} else {
		assert(strstr(why, "nested"));
	}
	free(answer);
	free(copy);
	return 0;
}
