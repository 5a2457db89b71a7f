/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <errno.h>
#include <netdb.h>

#include "../../common/control_capture.h"
#include "../../common/control_flows.h"
#include "../../common/control_options.h"
#include "../../common/endpoint_impl.h"
#include "../../common/log.h"
#include "../../common/loop.h"
#include "../../common/packet.h"
#include "../../compare/live/live_methods.h"
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

static uint32_t holders_end(void *arg)
{
	(void)arg;
	return N_FLOWS;
}

static const void *holder(void *arg, uint32_t at)
{
	const uint32_t *value = flow_at(flows, at);

	(void)arg;
	return *value ? value : NULL;
}

static void put_row(void *arg, const void *value, msgpack_packer *pk)
{
	(void)arg;
	rpc_map(pk, 1);
	control_flows_put_key(pk, flow_get_key(flows, value));
}

static struct control_flows the_flows = {
	.rank = rank, .holders_end = holders_end, .holder = holder,
	.row = put_row, .explain = put_row,
};

/* --- options that may be changed --- */

static const char *const colours[] = { "red", "green", NULL };

static struct config {
	struct option_common common;
	uint64_t number;
	bool is_on;
	unsigned colour;
} config;

#define AT(member) .offset = offsetof(struct config, member)

static const struct option_spec specs[] = {
	{ "number", OPTION_UINT, AT(number), "N", "a number", 1, 1000, NULL },
	{ "switch", OPTION_BOOL, AT(is_on), NULL, "a switch", 0, 0, NULL },
	{ "colour", OPTION_CHOICE, AT(colour), NULL, "a choice", 0, 0, colours },
	{ 0 },
};

static const char *const live[] = { "number", "switch", "colour", NULL };

static const struct option_program program = {
	.name = "fuzz", .specs = specs, .live = live,
};

static struct control_options options;

static int on_get(void *arg, struct control_call *call)
{
	return control_options_get(arg, call);
}

static int on_set(void *arg, struct control_call *call)
{
	(void)arg;
	return control_options_set(&options, call);
}

/* --- frames of a link --- */

static struct loop loop;
static struct endpoint *net;

static int on_capture(void *arg, struct control_call *call)
{
	(void)arg;
	return control_capture_begin(&loop.endpoints, call);
}

/* A frame passes, and what the client is sent of it is a message. */
static void watch_and_close(struct control_asker *asker)
{
	struct control_stream *s = asker->stream;
	struct fuzz z = { (const uint8_t *)"\1\2\3\4\5", 5 };
	struct frame f = fuzz_segment(&z, 0, false);
	struct rpc_message m;
	struct rpc_writer w;
	const char *why;

	endpoint_watch_show(net, false, &f, 1);
	chunk_unref(f.chunk);
	rpc_writer_init(&w, CONTROL_ANSWER_MAX);
	s->put(s, &w);
	assert(!rpc_parse(&m, w.bytes + RPC_PREFIX_LEN,
			  w.len - RPC_PREFIX_LEN, &why));
	assert(m.kind == RPC_NOTIFICATION);
	rpc_message_fini(&m);
	rpc_writer_fini(&w);
	s->close(s);
}

/* libpcap asks for the addresses of names in filters. Nobody is asked here. */
int getaddrinfo(const char *name, const char *service,
		const struct addrinfo *hints, struct addrinfo **found)
{
	(void)name;
	(void)service;
	(void)hints;
	(void)found;
	return EAI_NONAME;
}

/* --- all of it --- */

static const struct control_method methods[] = {
	{ "a", "any", { { "x", CONTROL_ANY, true } }, false, on_call },
	{ "t", "text and number",
	  { { "x", CONTROL_TEXT, false }, { "n", CONTROL_NUMBER, true },
	    { "b", CONTROL_SWITCH, true }, { "a", CONTROL_ANY, true } },
	  true, on_call },
	{ "get", "options", CONTROL_OPTIONS_GET_PARAMS, false, on_get },
	{ "set", "change one", CONTROL_OPTIONS_SET_PARAMS, true, on_set },
	{ "capture", "frames", CONTROL_CAPTURE_PARAMS, true, on_capture },
	{ 0 },
};

static struct ignore ignore;
static struct rules rules = { .ignore = &ignore };
static struct checkpoint checkpoint = { .choice.mode = CHECKPOINT_NONE };
static struct history history;
static struct live_methods of_compare = {
	.checkpoint = &checkpoint, .history = &history, .rules = &rules,
};

static const struct control_table table = {
	{ { control_flows_methods, &the_flows }, { methods, &options },
	  { live_methods_table, &of_compare } }, 3
};

/* What lasts for all inputs. */
static void begin(void)
{
	static const struct option_common common = {
		.notify_fd = OPTION_NO_FD,
	};
	static const struct loop_handler handler;
	static const struct endpoint_handler on_net;
	struct endpoint_spec spec;
	char err[64];

	the_flows.table = fill();
	log_init("fuzz", LOG_ERROR);
	assert(!loop_init(&loop, &common, &handler));
	assert(!endpoint_spec_parse(&spec, "null:", err, sizeof(err)));
	assert(!endpoint_open(&net, &loop.endpoints, "net", &spec,
			      ENDPOINT_WRITE, &on_net));
	config.common = (struct option_common){ .program = &program,
						.config = &config };
	config.number = 1;
	control_options_init(&options, &config.common);
}

/* One for `rules-remove`. What an input adds is no matter of the next. */
static void begin_rules(void)
{
	char why[64];

	assert(!rules_add(&rules, "header@Date", why, sizeof(why)));
}

static void end_rules(void)
{
	static const uint8_t frame[60] = { [12] = 8, [14] = 0x45 };

	ignore_frame(&ignore, 1, frame, sizeof(frame), sizeof(frame));
	ignore_fini(&ignore);
	memset(&ignore, 0, sizeof(ignore));
	rules_fini(&rules);
}

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
		begin();
	begin_rules();
	assert(copy);
	memcpy(copy, data, size);
	do {
		answer = control_table_answer(&table, copy, size, &asker, &len);
		uv_run(&loop.uv, UV_RUN_NOWAIT);	/* a filter may be done */
	} while (asker.is_later);
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
	if (asker.stream)
		watch_and_close(&asker);
	end_rules();
	free(answer);
	free(copy);
	return 0;
}
