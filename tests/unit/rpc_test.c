/* SPDX-License-Identifier: ISC */
#include <stdint.h>

#include "../../common/rpc.h"
#include "../../common/rpc_check.h"
#include "test.h"

static const char *why;

#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ },                        \
		   sizeof((const uint8_t[]){ __VA_ARGS__ })

static int check(const uint8_t *bytes, size_t len)
{
	/* flush with the end of a block, where the sanitizer watches */
	uint8_t *copy = malloc(len ? len : 1);
	int err;

	memcpy(copy, bytes, len);
	err = rpc_check(copy, len, &why);
	free(copy);
	CHECK((err == 0) == (why == NULL));
	return err;
}

static void every_type_is_walked_over(void)
{
	CHECK(check(BYTES(0xc0)) == 0);
	CHECK(check(BYTES(0x07)) == 0);
	CHECK(check(BYTES(0xff)) == 0);
	CHECK(check(BYTES(0xcc, 1)) == 0);
	CHECK(check(BYTES(0xcd, 1, 2)) == 0);
	CHECK(check(BYTES(0xce, 1, 2, 3, 4)) == 0);
	CHECK(check(BYTES(0xcf, 1, 2, 3, 4, 5, 6, 7, 8)) == 0);
	CHECK(check(BYTES(0xd3, 1, 2, 3, 4, 5, 6, 7, 8)) == 0);
	CHECK(check(BYTES(0xca, 1, 2, 3, 4)) == 0);
	CHECK(check(BYTES(0xcb, 1, 2, 3, 4, 5, 6, 7, 8)) == 0);
	CHECK(check(BYTES(0xa2, 'h', 'i')) == 0);
	CHECK(check(BYTES(0xd9, 2, 'h', 'i')) == 0);
	CHECK(check(BYTES(0xda, 0, 2, 'h', 'i')) == 0);
	CHECK(check(BYTES(0xdb, 0, 0, 0, 2, 'h', 'i')) == 0);
	CHECK(check(BYTES(0xc4, 1, 0)) == 0);
	CHECK(check(BYTES(0x92, 1, 2)) == 0);
	CHECK(check(BYTES(0xdc, 0, 2, 1, 2)) == 0);
	CHECK(check(BYTES(0xdd, 0, 0, 0, 2, 1, 2)) == 0);
	CHECK(check(BYTES(0x81, 1, 2)) == 0);
	CHECK(check(BYTES(0xde, 0, 1, 1, 2)) == 0);
	CHECK(check(BYTES(0xdf, 0, 0, 0, 1, 1, 2)) == 0);
	CHECK(check(BYTES(0x90)) == 0);
	CHECK(check(BYTES(0x92, 0x91, 0x90, 0x80)) == 0);
}

static void every_beginning_of_a_message_is_too_short(void)
{
	static const uint8_t whole[] = {
		0x94, 0x00, 0xcd, 1, 2, 0xd9, 2, 'h', 'i', 0x92, 0xca, 1, 2, 3,
		4, 0x81, 0xa1, 'k', 0xcf, 1, 2, 3, 4, 5, 6, 7, 8,
	};

	CHECK(check(whole, sizeof(whole)) == 0);
	for (size_t len = 0; len < sizeof(whole); len++)
		CHECK(check(whole, len) < 0);
}

static void bytes_behind_it_are_refused(void)
{
	CHECK(check(BYTES(0xc0, 0xc0)) < 0);
	CHECK(!strcmp(why, "bytes follow it"));
}

/* Five bytes that would make msgpack-c reserve 96 GB. */
static void an_array_of_four_thousand_million(void)
{
	CHECK(check(BYTES(0xdd, 0xff, 0, 0, 0)) < 0);
	CHECK(check(BYTES(0xdf, 0xff, 0xff, 0xff, 0xff)) < 0);
	CHECK(check(BYTES(0xdb, 0xff, 0xff, 0xff, 0xff)) < 0);
}

/* Each array alone has room for what it announces; all of them together have
 * not. */
static void arrays_that_share_their_room(void)
{
	uint8_t bytes[3 * RPC_DEPTH_MAX + 30] = { 0 };

	for (unsigned i = 0; i < RPC_DEPTH_MAX; i++) {
		bytes[3 * i] = 0xdc;
		bytes[3 * i + 2] = 30;
	}
	CHECK(check(bytes, sizeof(bytes)) < 0);
	CHECK(!strcmp(why, "more is announced than there is"));
}

static void eight_deep_and_no_deeper(void)
{
	uint8_t bytes[RPC_DEPTH_MAX + 2];

	memset(bytes, 0x91, sizeof(bytes));
	bytes[RPC_DEPTH_MAX] = 0xc0;
	CHECK(check(bytes, RPC_DEPTH_MAX + 1) == 0);
	bytes[RPC_DEPTH_MAX] = 0x91;
	bytes[RPC_DEPTH_MAX + 1] = 0xc0;
	CHECK(check(bytes, RPC_DEPTH_MAX + 2) < 0);
}

static void extension_types_are_refused(void)
{
	CHECK(check(BYTES(0xc1)) < 0);
	CHECK(check(BYTES(0xd4, 1, 2)) < 0);
	CHECK(check(BYTES(0xc7, 1, 2, 3)) < 0);
}

static int parse(const uint8_t *bytes, size_t len)
{
	struct rpc_message m;
	int err = rpc_parse(&m, bytes, len, &why);

	if (err == 0)
		rpc_message_fini(&m);
	return err;
}

static void what_is_no_message(void)
{
	CHECK(parse(BYTES(0xc0)) < 0);
	CHECK(parse(BYTES(0x90)) < 0);
	CHECK(parse(BYTES(0x94, 0, 1, 0xa1, 'm', 0xc0)) < 0);
	CHECK(parse(BYTES(0x94, 0, 1, 5, 0x90)) < 0);
	CHECK(parse(BYTES(0x94, 0, 0xc0, 0xa1, 'm', 0x90)) < 0);
	CHECK(parse(BYTES(0x94, 0, 0xff, 0xa1, 'm', 0x90)) < 0);
	CHECK(parse(BYTES(0x94, 3, 1, 0xa1, 'm', 0x90)) < 0);
	CHECK(parse(BYTES(0x93, 0, 1, 0xa1, 'm')) < 0);
	CHECK(parse(BYTES(0x94, 2, 0xa1, 'm', 0x90, 0xc0)) < 0);
	CHECK(strstr(why, "[0, id, method, [params]]"));
}

/* Writes a message, reads it back. */
static uint8_t *take(struct rpc_writer *w, struct rpc_message *m)
{
	size_t len = 0;
	uint8_t *bytes = rpc_take(w, &len);

	CHECK(bytes);
	CHECK_EQ(bytes[2] << 8 | bytes[3], len - RPC_PREFIX_LEN);
	CHECK(rpc_parse(m, bytes + RPC_PREFIX_LEN, len - RPC_PREFIX_LEN,
			&why) == 0);
	rpc_writer_fini(w);
	return bytes;
}

static void a_request_is_read_as_written(void)
{
	struct rpc_message m;
	struct rpc_writer w;
	uint8_t *bytes;

	rpc_writer_init(&w, RPC_LEN_MAX);
	rpc_request(&w, 70000, "set", 3);
	rpc_str(&w.pk, "timeout");
	rpc_uint(&w.pk, 3);
	rpc_bool(&w.pk, true);
	bytes = take(&w, &m);
	CHECK_EQ(m.kind, RPC_REQUEST);
	CHECK_EQ(m.id, 70000);
	CHECK(rpc_is(&m.method, "set"));
	CHECK(!rpc_is(&m.method, "se") && !rpc_is(&m.method, "sets"));
	CHECK_EQ(m.params.size, 3);
	CHECK_EQ(m.params.ptr[1].via.u64, 3);
	CHECK(m.params.ptr[2].via.boolean);
	rpc_message_fini(&m);
	free(bytes);
}

static void answers_are_read_as_written(void)
{
	const uint64_t id = 9;
	struct rpc_message m;
	struct rpc_writer w;
	uint8_t *bytes;

	rpc_writer_init(&w, RPC_LEN_MAX);
	rpc_result(&w, 9);
	rpc_nil(&w.pk);
	bytes = take(&w, &m);
	CHECK_EQ(m.kind, RPC_RESPONSE);
	CHECK_EQ(m.error.type, MSGPACK_OBJECT_NIL);
	rpc_message_fini(&m);
	free(bytes);

	rpc_writer_init(&w, RPC_LEN_MAX);
	rpc_error(&w, &id, "failed", "why");
	bytes = take(&w, &m);
	CHECK_EQ(m.id, 9);
	CHECK_EQ(m.error.type, MSGPACK_OBJECT_MAP);
	CHECK(rpc_is(&m.error.via.map.ptr[0].val.via.str, "failed"));
	rpc_message_fini(&m);
	free(bytes);

	rpc_writer_init(&w, RPC_LEN_MAX);
	rpc_error(&w, NULL, "malformed", "why");
	bytes = take(&w, &m);
	CHECK_EQ(m.id, UINT64_MAX);
	rpc_message_fini(&m);
	free(bytes);

	rpc_writer_init(&w, RPC_LEN_MAX);
	rpc_notification(&w, "lost", 1);
	rpc_uint(&w.pk, 3);
	bytes = take(&w, &m);
	CHECK_EQ(m.kind, RPC_NOTIFICATION);
	CHECK(rpc_is(&m.method, "lost"));
	rpc_message_fini(&m);
	free(bytes);
}

static void a_message_beyond_its_bound_is_none(void)
{
	struct rpc_writer w;
	size_t len;

	rpc_writer_init(&w, 16);
	rpc_result(&w, 1);
	rpc_str(&w.pk, "a text that is too long");
	CHECK(w.is_over);
	CHECK(!rpc_take(&w, &len));
	rpc_writer_fini(&w);
}

static void a_text_is_copied_whole_or_not_at_all(void)
{
	char text[4] = "old";

	CHECK(!rpc_text(text, sizeof(text), &(msgpack_object_str){ 4, "four" }));
	CHECK(!rpc_text(text, sizeof(text), &(msgpack_object_str){ 3, "a\0b" }));
	CHECK(!strcmp(text, "old"));
	CHECK(rpc_text(text, sizeof(text), &(msgpack_object_str){ 3, "newer" }));
	CHECK(!strcmp(text, "new"));
	CHECK(rpc_text(text, sizeof(text), &(msgpack_object_str){ 0, "" }));
	CHECK(!*text);
}

int main(void)
{
	TEST(every_type_is_walked_over);
	TEST(every_beginning_of_a_message_is_too_short);
	TEST(bytes_behind_it_are_refused);
	TEST(an_array_of_four_thousand_million);
	TEST(arrays_that_share_their_room);
	TEST(eight_deep_and_no_deeper);
	TEST(extension_types_are_refused);
	TEST(what_is_no_message);
	TEST(a_request_is_read_as_written);
	TEST(answers_are_read_as_written);
	TEST(a_message_beyond_its_bound_is_none);
	TEST(a_text_is_copied_whole_or_not_at_all);
	return TEST_END();
}
