/* SPDX-License-Identifier: ISC */
#include "../../compare/diff/ignore.h"

#include <errno.h>
#include <pcap/dlt.h>

#include "test.h"

static char err[256];

static int add(struct ignore *ig, const char *rule)
{
	*err = '\0';
	return ignore_add(ig, rule, err, sizeof(err));
}

static void bad_rules_say_why(void)
{
	static const char *const bad[] = {
		"payload@", "payload@1", "payload@1+", "payload@1+0",
		"payload@+1", "payload@-1+1", "payload@1+1x", "payload@1 +1",
		"payload@4294967296+1", "payload@4294967295+2", "header@",
		"header@a b", "header@Date:", "tcp port", "tcp port 80 and",
		"noise", "(", "port 99999",
	};
	struct ignore ig = { 0 };

	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CHECK_EQ(add(&ig, bad[i]), -EINVAL);
		CHECK(strstr(err, bad[i]));
		CHECK(!strchr(err, '\n'));
	}
	CHECK_EQ(ig.n_spans + ig.n_headers + ig.n_filters, 0);
}

static void no_more_than_there_is_room_for(void)
{
	struct ignore ig = { 0 };

	for (unsigned i = 0; i < IGNORE_MAX; i++)
		CHECK_EQ(add(&ig, i % 2 ? "payload@0+1" : "header@a"), 0);
	CHECK_EQ(add(&ig, "udp"), -E2BIG);
	CHECK(*err);
}

static void bytes(void)
{
	struct ignore ig = { 0 };
	uint32_t gap;

	CHECK_EQ(ignore_bytes(&ig, 0, &gap), 0);
	CHECK_EQ(gap, UINT32_MAX);
	CHECK_EQ(add(&ig, "payload@10+5"), 0);
	CHECK_EQ(add(&ig, "payload@4294967290+5"), 0);
	CHECK_EQ(ignore_bytes(&ig, 9, &gap), 0);
	CHECK_EQ(gap, 1);
	CHECK_EQ(ignore_bytes(&ig, 10, &gap), 5);
	CHECK_EQ(ignore_bytes(&ig, 14, &gap), 1);
	CHECK_EQ(ignore_bytes(&ig, 15, &gap), 0);
	CHECK_EQ(gap, 4294967275u);
	CHECK_EQ(ignore_bytes(&ig, 4294967294u, &gap), 1);
	CHECK_EQ(ignore_bytes(&ig, UINT32_MAX, &gap), 0);
}

static void headers(void)
{
	struct ignore ig = { 0 };

	CHECK_EQ(add(&ig, "header@X-Request_Id"), 0);
	CHECK(ignore_header(&ig, "x-request_id", 12));
	CHECK(!ignore_header(&ig, "x-request_id", 11));
	CHECK(!ignore_header(&ig, "X-Request_Idx", 13));
}

/* What makes a filter good depends on what the frames begin with. */
static void filters_go_by_link_type(void)
{
	static const uint8_t arp[60] = { [12] = 8, [13] = 6 };
	static const uint8_t sll2[20] = { 8, 6, [10] = 4 };
	static const uint8_t arp_of_host[60] = { 0x52, 0x54, [5] = 1 };
	struct ignore ig = { 0 };

	CHECK_EQ(add(&ig, "arp"), 0);
	CHECK_EQ(ignore_compile(&ig, DLT_EN10MB, err, sizeof(err)), 0);
	CHECK_EQ(ignore_compile(&ig, DLT_LINUX_SLL2, err, sizeof(err)), 0);
	CHECK(ignore_frame(&ig, DLT_EN10MB, arp, sizeof(arp), sizeof(arp)));
	CHECK(!ignore_frame(&ig, DLT_LINUX_SLL2, arp, sizeof(arp), sizeof(arp)));
	CHECK(ignore_frame(&ig, DLT_LINUX_SLL2, sll2, sizeof(sll2), sizeof(sll2)));
	CHECK(!ignore_frame(&ig, DLT_EN10MB, sll2, sizeof(sll2), sizeof(sll2)));
	/* captured in part: what is not there does not match */
	CHECK(!ignore_frame(&ig, DLT_EN10MB, arp, 12, 60));
	ignore_fini(&ig);

	CHECK_EQ(add(&ig, "ether host 52:54:00:00:00:01"), 0);
	CHECK_EQ(ignore_compile(&ig, DLT_EN10MB, err, sizeof(err)), 0);
	CHECK_EQ(ignore_compile(&ig, DLT_RAW, err, sizeof(err)), -EINVAL);
	CHECK(strstr(err, "ether host"));
	/* a link type that was not expected: no frame of it matches */
	CHECK(!ignore_frame(&ig, DLT_RAW, arp_of_host, 60, 60));
	CHECK(!ignore_frame(&ig, DLT_NULL, arp_of_host, 60, 60));
	CHECK(ignore_frame(&ig, DLT_EN10MB, arp_of_host, 60, 60));
	ignore_fini(&ig);
}

static void filters_see_the_length_on_the_wire(void)
{
	static const uint8_t bytes_there[14] = { 0 };
	struct ignore ig = { 0 };

	CHECK_EQ(add(&ig, "greater 1000"), 0);
	CHECK_EQ(ignore_compile(&ig, DLT_EN10MB, err, sizeof(err)), 0);
	CHECK(ignore_frame(&ig, DLT_EN10MB, bytes_there, 14, 1000));
	CHECK(!ignore_frame(&ig, DLT_EN10MB, bytes_there, 14, 999));
	ignore_fini(&ig);
}

int main(void)
{
	TEST(bad_rules_say_why);
	TEST(no_more_than_there_is_room_for);
	TEST(bytes);
	TEST(headers);
	TEST(filters_go_by_link_type);
	TEST(filters_see_the_length_on_the_wire);
	return TEST_END();
}
