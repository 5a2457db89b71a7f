/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdint.h>

#include "../../common/control_table.h"
#include "test.h"

static unsigned n_calls;

static int on_echo(void *arg, struct control_call *call)
{
	n_calls++;
	CHECK(arg == &n_calls);
	rpc_array(call->pk, 2);
	rpc_str_n(call->pk, call->param[0]->via.str.ptr,
		  call->param[0]->via.str.size);
	rpc_uint(call->pk, call->param[1] ? call->param[1]->via.u64 : 0);
	return 0;
}

static int on_fail(void *arg, struct control_call *call)
{
	(void)arg;
	rpc_str(call->pk, "half an answer");
	snprintf(call->error, sizeof(call->error), "the disk is full");
	return -ENOSPC;
}

static int on_large(void *arg, struct control_call *call)
{
	(void)arg;
	rpc_array(call->pk, CONTROL_ANSWER_MAX);
	for (unsigned i = 0; i < CONTROL_ANSWER_MAX; i++)
		rpc_nil(call->pk);
	return 0;
}

static const struct control_method reads[] = {
	{ "echo", "say it again",
	  { { "text", CONTROL_TEXT, false }, { "n", CONTROL_NUMBER, true } },
	  false, on_echo },
	{ "large", "too much", { { NULL, CONTROL_ANY, false } }, false, on_large },
	{ 0 },
};

/* Two turns of work before there is an answer. */
static int on_slow(void *arg, struct control_call *call)
{
	unsigned *n = call->asker->job;

	(void)arg;
	if (!n)
		n = call->asker->job = calloc(1, sizeof(*n));
	CHECK(n);
	rpc_uint(call->pk, *n);
	return ++*n <= 2 ? CONTROL_LATER : 0;
}

static const struct control_method changes[] = {
	{ "slow", "work", { { NULL, CONTROL_ANY, false } }, false, on_slow },
	{ "fail", "fail", { { NULL, CONTROL_ANY, false } }, true, on_fail },
	{ 0 },
};

static const struct control_table table = {
	{ { reads, &n_calls }, { changes, NULL } }, 2
};

static struct rpc_message got;
static uint8_t *answer;

static void ask(struct rpc_writer *w, bool may_change)
{
	size_t len = 0, answer_len = 0;
	uint8_t *bytes = rpc_take(w, &len);
	const char *why;
	struct control_asker asker = { .may_change = may_change };

	answer = control_table_answer(&table, bytes + RPC_PREFIX_LEN,
				      len - RPC_PREFIX_LEN, &asker,
				      &answer_len);
	CHECK(answer);
	CHECK(rpc_parse(&got, answer + RPC_PREFIX_LEN,
			answer_len - RPC_PREFIX_LEN, &why) == 0);
	CHECK_EQ(got.kind, RPC_RESPONSE);
	free(bytes);
	rpc_writer_fini(w);
}

static void forget(void)
{
	rpc_message_fini(&got);
	free(answer);
}

/* The error's code and a word of its text. */
static void check_error(const char *code, const char *word)
{
	const msgpack_object_kv *kv = got.error.via.map.ptr;
	char text[512];

	CHECK_EQ(got.error.type, MSGPACK_OBJECT_MAP);
	CHECK_EQ(got.result.type, MSGPACK_OBJECT_NIL);
	CHECK(rpc_is(&kv[0].val.via.str, code));
	snprintf(text, sizeof(text), "%.*s", (int)kv[1].val.via.str.size,
		 kv[1].val.via.str.ptr);
	if (!strstr(text, word)) {
		fprintf(stderr, "no \"%s\" in: %s\n", word, text);
		exit(1);
	}
	forget();
}

static void request(struct rpc_writer *w, const char *method, uint32_t n)
{
	rpc_writer_init(w, RPC_LEN_MAX);
	rpc_request(w, 7, method, n);
}

static void a_method_is_called(void)
{
	struct rpc_writer w;

	request(&w, "echo", 2);
	rpc_str(&w.pk, "hello");
	rpc_uint(&w.pk, 5);
	ask(&w, false);
	CHECK_EQ(got.id, 7);
	CHECK_EQ(got.error.type, MSGPACK_OBJECT_NIL);
	CHECK(rpc_is(&got.result.via.array.ptr[0].via.str, "hello"));
	CHECK_EQ(got.result.via.array.ptr[1].via.u64, 5);
	forget();

	request(&w, "echo", 1);		/* the other one may be left out */
	rpc_str(&w.pk, "hello");
	ask(&w, false);
	CHECK_EQ(got.result.via.array.ptr[1].via.u64, 0);
	forget();
	CHECK_EQ(n_calls, 2);
}

static void a_wrong_call_is_told_how_it_goes(void)
{
	struct rpc_writer w;

	request(&w, "echo", 0);
	ask(&w, true);
	check_error("bad-params", "echo text:text [n:number]");
	request(&w, "echo", 1);
	rpc_uint(&w.pk, 1);
	ask(&w, true);
	check_error("bad-params", "text is no text");
	request(&w, "echo", 3);
	rpc_str(&w.pk, "a");
	rpc_uint(&w.pk, 1);
	rpc_uint(&w.pk, 1);
	ask(&w, true);
	check_error("bad-params", "3 parameters");
	request(&w, "nonsense", 0);
	ask(&w, true);
	check_error("unknown-method", "nonsense: there are echo, large, slow, fail");
}

static void much_work_has_several_turns(void)
{
	struct control_asker asker = { 0 };
	struct rpc_writer w;
	size_t len = 0, answer_len = 0;
	const char *why;
	uint8_t *bytes;

	request(&w, "slow", 0);
	bytes = rpc_take(&w, &len);
	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQ(!!asker.job, i > 0);
		answer = control_table_answer(&table, bytes + RPC_PREFIX_LEN,
					      len - RPC_PREFIX_LEN, &asker,
					      &answer_len);
		CHECK_EQ(asker.is_later, i < 2);
		CHECK_EQ(!answer, i < 2);
	}
	CHECK(!asker.job);
	CHECK(rpc_parse(&got, answer + RPC_PREFIX_LEN,
			answer_len - RPC_PREFIX_LEN, &why) == 0);
	CHECK_EQ(got.result.via.u64, 2);
	forget();
	free(bytes);
	rpc_writer_fini(&w);
}

static void readers_change_nothing(void)
{
	struct rpc_writer w;

	request(&w, "fail", 0);
	ask(&w, false);
	check_error("not-allowed", "only root");
}

static void a_failure_has_no_half_answer(void)
{
	struct rpc_writer w;

	request(&w, "fail", 0);
	ask(&w, true);
	check_error("failed", "the disk is full");
}

static void an_answer_has_a_bound(void)
{
	struct rpc_writer w;

	request(&w, "large", 0);
	ask(&w, true);
	check_error("too-large", "1 MiB");
}

static void what_is_no_request_has_an_answer(void)
{
	static const uint8_t rubbish[] = { 0xc1 };
	struct control_asker asker = { .may_change = true };
	struct rpc_writer w;
	const char *why;
	size_t len;

	rpc_writer_init(&w, RPC_LEN_MAX);
	rpc_notification(&w, "echo", 0);
	ask(&w, true);
	CHECK_EQ(got.id, UINT64_MAX);
	check_error("malformed", "only requests");
	answer = control_table_answer(&table, rubbish, 1, &asker, &len);
	CHECK(rpc_parse(&got, answer + RPC_PREFIX_LEN, len - RPC_PREFIX_LEN,
			&why) == 0);
	check_error("malformed", "not allowed here");
}

static void the_table_lists_itself(void)
{
	struct rpc_message m;
	struct rpc_writer w;
	const msgpack_object *first;
	uint8_t *bytes;
	const char *why;
	size_t len = 0;

	rpc_writer_init(&w, CONTROL_ANSWER_MAX);
	rpc_result(&w, 1);
	control_table_list(&table, &w.pk);
	bytes = rpc_take(&w, &len);
	CHECK(rpc_parse(&m, bytes + RPC_PREFIX_LEN, len - RPC_PREFIX_LEN,
			&why) == 0);
	CHECK_EQ(m.result.via.array.size, 4);
	first = m.result.via.array.ptr;
	CHECK_EQ(first->via.map.size, 4);
	CHECK(rpc_is(&first->via.map.ptr[0].val.via.str, "echo"));
	CHECK_EQ(first->via.map.ptr[3].val.via.array.size, 2);
	rpc_message_fini(&m);
	free(bytes);
	rpc_writer_fini(&w);
}

int main(void)
{
	TEST(a_method_is_called);
	TEST(a_wrong_call_is_told_how_it_goes);
	TEST(much_work_has_several_turns);
	TEST(readers_change_nothing);
	TEST(a_failure_has_no_half_answer);
	TEST(an_answer_has_a_bound);
	TEST(what_is_no_request_has_an_answer);
	TEST(the_table_lists_itself);
	return TEST_END();
}
