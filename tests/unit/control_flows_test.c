/* SPDX-License-Identifier: ISC */
#include <stdint.h>

#include "../../common/bytes.h"
#include "../../common/control_flows.h"
#include "../../common/packet.h"
#include "test.h"

/* Flow n is tcp 0.0.n.n:1 > 9.9.9.9:80; its value is what it holds. */
#define N 200000u

static struct flow_table *table;
static unsigned n_ranked;

static uint64_t rank(void *arg, const void *value,
		     enum control_flows_order order)
{
	(void)arg;
	n_ranked++;
	return order == CONTROL_FLOWS_HELD ? *(const uint32_t *)value : 7;
}

static void put_row(void *arg, const void *value, msgpack_packer *pk)
{
	(void)arg;
	rpc_uint(pk, *(const uint32_t *)value);
}

/* Those that hold something, in another order than the table's. */
static uint32_t holders_end(void *arg)
{
	(void)arg;
	return N;
}

static const void *holder(void *arg, uint32_t at)
{
	const uint32_t *value = flow_at(table, N - 1 - at);

	(void)arg;
	return value && *value ? value : NULL;
}

static struct control_flows flows = {
	.rank = rank, .holders_end = holders_end, .holder = holder,
	.row = put_row, .explain = put_row,
};
static const struct control_table control = {
	{ { control_flows_methods, &flows } }, 1
};

static struct rpc_message got;
static uint8_t *answer;
static unsigned n_turns;

/* Until there is an answer. No turn may look at more than 1024 flows. */
static void ask(struct rpc_writer *w)
{
	struct control_asker asker = { 0 };
	size_t len = 0, answer_len = 0;
	uint8_t *bytes = rpc_take(w, &len);
	const char *why;

	n_turns = 0;
	do {
		n_ranked = 0;
		answer = control_table_answer(&control, bytes + RPC_PREFIX_LEN,
					      len - RPC_PREFIX_LEN, &asker,
					      &answer_len);
		CHECK(n_ranked <= 1024);
		n_turns++;
	} while (asker.is_later);
	CHECK(!asker.job);
	CHECK(rpc_parse(&got, answer + RPC_PREFIX_LEN,
			answer_len - RPC_PREFIX_LEN, &why) == 0);
	free(bytes);
	rpc_writer_fini(w);
}

static void forget(void)
{
	rpc_message_fini(&got);
	free(answer);
}

static void ask_flows(const char *filter, const char *sort, unsigned limit,
		      const msgpack_object_str *cursor)
{
	struct rpc_writer w;

	rpc_writer_init(&w, RPC_LEN_MAX);
	rpc_request(&w, 1, "flows", cursor ? 4 : 3);
	rpc_str(&w.pk, filter);
	rpc_str(&w.pk, sort);
	rpc_uint(&w.pk, limit);
	if (cursor)
		rpc_str_n(&w.pk, cursor->ptr, cursor->size);
	ask(&w);
}

static const msgpack_object *member(unsigned i)
{
	CHECK_EQ(got.error.type, MSGPACK_OBJECT_NIL);
	return &got.result.via.map.ptr[i].val;
}

static const msgpack_object_array *rows(void)
{
	return &member(0)->via.array;
}

static void fill(void)
{
	table = flow_table_new(N, sizeof(uint32_t), 1);
	for (uint32_t n = 0; n < N; n++) {
		struct flow_key key = { .dst = { 9, 9, 9, 9 }, .sport = 1,
					.dport = 80, .proto = PACKET_TCP,
					.ip_version = 4 };

		bytes_put32(key.src, n);
		*(uint32_t *)flow_add(table, &key, 0, n) =
			n < N / 2 ? 0 :
			(uint32_t)(n * UINT64_C(2654435761) % 100003);
	}
}

static void pages_are_sorted_and_whole(void)
{
	msgpack_object_str cursor;
	char copy[64];
	uint64_t last = UINT64_MAX;
	unsigned n = 0;

	ask_flows("", "held", 100, NULL);
	for (unsigned page = 0; page < 5; page++) {
		CHECK_EQ(rows()->size, 100);
		CHECK_EQ(member(1)->type, MSGPACK_OBJECT_NIL);
		for (unsigned i = 0; i < 100; i++, n++) {
			uint64_t held = rows()->ptr[i].via.u64;

			CHECK(held <= last);
			last = held;
		}
		cursor = member(2)->via.str;
		memcpy(copy, cursor.ptr, cursor.size);
		cursor.ptr = copy;
		CHECK(n_turns > N / 1024);
		forget();
		ask_flows("", "held", 100, &cursor);
	}
	forget();
	CHECK_EQ(n, 500);
	CHECK(last < 100003 - 400);	/* each value is there once or so */
	CHECK(last > 0);
}

/* The pages go on with those that hold nothing, each once; they cost a turn. */
static void pages_reach_what_holds_nothing(void)
{
	msgpack_object_str next = { 3, "1.0" };
	char copy[64];

	ask_flows("", "held", 100, &next);
	CHECK_EQ(rows()->size, 100);
	for (unsigned i = 0; i < 100; i++)
		CHECK(rows()->ptr[i].via.u64 <= 1);
	next = member(2)->via.str;
	memcpy(copy, next.ptr, next.size);
	next.ptr = copy;
	forget();
	ask_flows("", "held", 100, &next);
	CHECK_EQ(n_turns, 1);
	CHECK_EQ(rows()->size, 100);
	CHECK_EQ(rows()->ptr[99].via.u64, 0);
	next = member(2)->via.str;
	/* of 200 at most two have held something */
	CHECK(next.size == 5 && next.ptr[0] == '0' && next.ptr[1] == '.' &&
	      next.ptr[2] == '1' && next.ptr[3] == '9');
	forget();
}

static void the_last_page_has_no_next(void)
{
	ask_flows("", "table", 2, NULL);
	CHECK_EQ(n_turns, 1);
	CHECK_EQ(rows()->size, 2);
	CHECK_EQ(member(1)->type, MSGPACK_OBJECT_NIL);
	forget();
	ask_flows("0.0.1.0", "table", 2, NULL);
	CHECK_EQ(rows()->size, 1);
	CHECK_EQ(member(2)->type, MSGPACK_OBJECT_NIL);
	forget();
	ask_flows(":81", "age", 2, NULL);
	CHECK_EQ(rows()->size, 0);
	CHECK_EQ(member(1)->via.u64, 0);
	forget();
}

static void check_error(const char *word)
{
	char text[512];
	const msgpack_object_str *s = &got.error.via.map.ptr[1].val.via.str;

	CHECK_EQ(got.error.type, MSGPACK_OBJECT_MAP);
	snprintf(text, sizeof(text), "%.*s", (int)s->size, s->ptr);
	CHECK(strstr(text, word));
	forget();
}

static void ask_explain(const char *flow)
{
	struct rpc_writer w;

	rpc_writer_init(&w, RPC_LEN_MAX);
	rpc_request(&w, 1, "explain", 1);
	rpc_str(&w.pk, flow);
	ask(&w);
}

static void a_wrong_question_is_refused(void)
{
	static const msgpack_object_str cursors[] = {
		{ 3, "1.x" }, { 4, "1.-2" }, { 4, "+1.2" }, { 0, "" },
	};

	ask_flows("nonsense", "held", 1, NULL);
	check_error("\"nonsense\" is not [PROTO]");
	ask_flows("", "size", 1, NULL);
	check_error("sort is one of table, held, age");
	ask_flows("", "held", 0, NULL);
	check_error("limit is in 1..100");
	ask_flows("", "held", 101, NULL);
	check_error("limit is in 1..100");
	for (unsigned i = 0; i < sizeof(cursors) / sizeof(*cursors); i++) {
		ask_flows("", "held", 1, &cursors[i]);
		check_error("cursor is none");
	}
	ask_explain("tcp 1.2.3.4:5");
	check_error("no such flow is known");
	ask_explain(":80");
	check_error("more than 4 flows are like that");
	CHECK_EQ(n_turns, 1);
}

static void one_flow_is_explained(void)
{
	ask_explain("9.9.9.9:80 > 0.0.1.0:1");
	CHECK(n_turns > N / 1024);
	CHECK_EQ(got.result.via.array.size, 1);
	forget();
	/* all is said of it, in whatever order: it is not looked for */
	ask_explain("tcp 0.0.1.0:1 > 9.9.9.9:80");
	CHECK_EQ(n_turns, 1);
	CHECK_EQ(got.result.via.array.size, 1);
	forget();
	ask_explain("tcp 9.9.9.9:80 > 0.0.1.0:1");
	CHECK_EQ(n_turns, 1);
	CHECK_EQ(got.result.via.array.size, 1);
	CHECK_EQ(got.result.via.array.ptr[0].via.u64,
		 *(uint32_t *)flow_at(table, 256));
	forget();
}

/* A flow that goes between two turns is not shown, and nothing breaks. */
static void flows_may_go_meanwhile(void)
{
	struct control_asker asker = { 0 };
	struct rpc_writer w;
	size_t len = 0, answer_len = 0;
	const char *why;
	uint8_t *bytes;

	rpc_writer_init(&w, RPC_LEN_MAX);
	rpc_request(&w, 1, "flows", 1);
	rpc_str(&w.pk, "0.3.13.63");	/* the first that holds something */
	bytes = rpc_take(&w, &len);
	for (unsigned i = 0; i < 2; i++)
		CHECK(!control_table_answer(&control, bytes + RPC_PREFIX_LEN,
					    len - RPC_PREFIX_LEN, &asker,
					    &answer_len));
	flow_remove(table, flow_at(table, N - 1));
	do
		answer = control_table_answer(&control, bytes + RPC_PREFIX_LEN,
					      len - RPC_PREFIX_LEN, &asker,
					      &answer_len);
	while (asker.is_later);
	CHECK(rpc_parse(&got, answer + RPC_PREFIX_LEN,
			answer_len - RPC_PREFIX_LEN, &why) == 0);
	CHECK_EQ(rows()->size, 0);
	CHECK_EQ(member(1)->via.u64, 1);
	forget();
	free(bytes);
	rpc_writer_fini(&w);
}

int main(void)
{
	fill();
	flows.table = table;
	TEST(pages_are_sorted_and_whole);
	TEST(pages_reach_what_holds_nothing);
	TEST(the_last_page_has_no_next);
	TEST(a_wrong_question_is_refused);
	TEST(one_flow_is_explained);
	TEST(flows_may_go_meanwhile);
	flow_table_free(table);
	return TEST_END();
}
