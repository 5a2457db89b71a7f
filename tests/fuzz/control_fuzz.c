/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <errno.h>

#include "../../common/control_table.h"
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

static const struct control_method methods[] = {
	{ "a", "any", { { "x", CONTROL_ANY, true } }, false, on_call },
	{ "t", "text and number",
	  { { "x", CONTROL_TEXT, false }, { "n", CONTROL_NUMBER, true },
	    { "b", CONTROL_SWITCH, true }, { "a", CONTROL_ANY, true } },
	  true, on_call },
	{ 0 },
};

static const struct control_table table = { { { methods, NULL } }, 1 };

/* Whatever comes, there is an answer, and it is a message. Memory is watched by
 * libFuzzer's -rss_limit_mb and -malloc_limit_mb. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rpc_message m;
	size_t len = 0;
	const char *why;
	uint8_t *copy = malloc(size + 1), *answer;
	struct control_asker asker = { .may_change = size & 1 };

	assert(copy);
	memcpy(copy, data, size);
	answer = control_table_answer(&table, copy, size, &asker, &len);
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
