/* SPDX-License-Identifier: ISC */
/*
 * Many flows at once. SOAK_N says how many; the memory that an idle one costs
 * is measured, and bounded.
 */
#include <time.h>
#include <unistd.h>

#include "compare_kit.h"
#include "random.h"

#define IDLE_FLOW_MAX 256	/* bytes */

static size_t n_flows;

static size_t resident(void)
{
	unsigned long size, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	CHECK(f && fscanf(f, "%lu %lu", &size, &pages) == 2);
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void init(struct kit *k)
{
	struct compare_config config = kit_config();

	config.max_flows = (uint32_t)n_flows;
	config.max_bytes = (size_t)1 << 32;
	kit_init_with(k, &config);
}

static struct seg flow(struct seg g, size_t i)
{
	g.sport = (uint16_t)(1 + i % 50000);
	g.dport = (uint16_t)(1 + i / 50000);
	g.tag = (uint32_t)(i & 0xffff);
	return g;
}

static void input_all(struct kit *k, enum compare_side side, struct seg g)
{
	for (size_t i = 0; i < n_flows; i++)
		kit_input(k, side, flow(g, i));
}

static void check_out(struct kit *k, size_t n)
{
	CHECK_EQ(k->n_out, n);
	for (size_t i = 0; i < n_flows; i++)
		CHECK_EQ(k->out[n - n_flows + i], i & 0xffff);
	CHECK_EQ(k->n_asked, 0);
	CHECK(!compare_is_holding(k->c));
}

static void udp_flows_held_then_matched(void)
{
	const struct seg g = { .proto = PACKET_UDP, .data = "answer", .len = 6 };
	struct kit k;

	init(&k);
	input_all(&k, COMPARE_PRIMARY, g);
	CHECK_EQ(k.n_out, 0);
	CHECK_EQ(kit_stats(&k).held, n_flows);
	input_all(&k, COMPARE_SECONDARY, g);
	check_out(&k, n_flows);
	kit_fini(&k);
}

static void tcp_flows_held_then_matched(void)
{
	struct seg syn = { .proto = PACKET_TCP, .seq = 100, .ack = 1,
			   .flags = S | A };
	struct seg data = { .proto = PACKET_TCP, .seq = 101, .ack = 1,
			    .flags = A, .data = "answer", .len = 6 };
	struct kit k;

	init(&k);
	input_all(&k, COMPARE_PRIMARY, syn);
	input_all(&k, COMPARE_SECONDARY, syn);
	check_out(&k, n_flows);
	input_all(&k, COMPARE_PRIMARY, data);
	CHECK_EQ(kit_stats(&k).held, n_flows);
	input_all(&k, COMPARE_SECONDARY, data);
	check_out(&k, 2 * n_flows);
	kit_fini(&k);
}

/* Matched at once, so that nothing but the flow is left. */
static void memory_of_an_idle_flow(void)
{
	const struct seg g = { .proto = PACKET_UDP, .data = "answer", .len = 6 };
	size_t before, after;
	struct kit k;

	init(&k);
	memset(k.out, 1, n_flows * sizeof(*k.out));
	before = resident();
	for (size_t i = 0; i < n_flows; i++) {
		kit_input(&k, COMPARE_PRIMARY, flow(g, i));
		kit_input(&k, COMPARE_SECONDARY, flow(g, i));
	}
	after = resident();
	printf("# an idle flow: %zu bytes\n", (after - before) / n_flows);
	CHECK(IS_ASAN || after - before <= n_flows * IDLE_FLOW_MAX);
	kit_fini(&k);
}

static double cpu_s(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

/* A thousand scans of n flows, none of which has anything that expires. */
static double scans(size_t n)
{
	const struct seg g = { .proto = PACKET_UDP, .data = "answer", .len = 6 };
	double start;
	struct kit k;

	init(&k);
	for (size_t i = 0; i < n; i++) {
		kit_input(&k, COMPARE_PRIMARY, flow(g, i));
		kit_input(&k, COMPARE_SECONDARY, flow(g, i));
	}
	start = cpu_s();
	for (unsigned i = 0; i < 1000; i++)
		kit_wait(&k, MS);
	start = cpu_s() - start;
	kit_fini(&k);
	return start;
}

/* QEMU fault 13: every scan looked at every flow. At a nanosecond a flow that
 * would be 20 ms here. */
static void a_scan_looks_at_nothing_that_stays(void)
{
	CHECK(scans(n_flows) < scans(1) + 0.010);
}

/* What one flow does does not hold up another. */
static void a_noisy_flow_delays_nobody(void)
{
	struct seg noise = { .proto = PACKET_UDP, .data = "x", .len = 1 };
	struct seg other = { .proto = PACKET_UDP, .data = "y", .len = 1,
			     .dport = 9 };
	struct kit k;

	n_flows = 1000;
	init(&k);
	for (unsigned i = 0; i < 100000; i++) {
		noise.data = "a";
		kit_input(&k, COMPARE_PRIMARY, noise);
		noise.data = "b";
		kit_input(&k, COMPARE_SECONDARY, noise);
		kit_wait(&k, 10000);
		if (i % 100)
			continue;
		kit_input(&k, COMPARE_PRIMARY, other);
		kit_input(&k, COMPARE_SECONDARY, other);
		CHECK_EQ(k.n_out, i / 100 + 1);
	}
	CHECK_EQ(k.n_asked, 1);
	compare_flush(k.c, k.now_ns);
	CHECK_EQ(k.n_out, 101000);
	kit_fini(&k);
}

int main(void)
{
	n_flows = soak_n(20000);
	if (n_flows > 1000000)
		n_flows = 1000000;
	TEST(udp_flows_held_then_matched);
	TEST(tcp_flows_held_then_matched);
	TEST(memory_of_an_idle_flow);
	TEST(a_scan_looks_at_nothing_that_stays);
	TEST(a_noisy_flow_delays_nobody);
	return TEST_END();
}
