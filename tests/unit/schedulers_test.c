/* SPDX-License-Identifier: ISC */
/*
 * Each scheduler alone: which destination comes next. Letters stand for
 * destinations in the order in which they were added; IPVS begins with the
 * newest.
 */
#include "../../common/bytes.h"
#include "../../redirector/schedule/dest.h"
#include "../../redirector/schedule/maglev.h"
#include "../../redirector/schedule/scheduler.h"
#include "random.h"
#include "test.h"

#define S UINT64_C(1000000000)

static struct dest_set set;
static struct scheduler sched;
static uint64_t now;

static struct dest *dest(char name)
{
	const char text[2] = { name, 0 };

	return &set.v[dest_find(&set, text)];
}

static void add(char name, uint32_t weight)
{
	const char text[2] = { name, 0 };
	uint16_t i = dest_add(&set, text, now);

	CHECK(i != DEST_NONE);
	set.v[i].weight = weight;
	dest_set_up(&set.v[i], true, now);
	scheduler_changed(&sched, &set);
}

static void weigh(char name, uint32_t weight)
{
	dest(name)->weight = weight;
	scheduler_changed(&sched, &set);
}

static void take_away(char name)
{
	const char text[2] = { name, 0 };

	dest_remove(&set, dest_find(&set, text), now);
	scheduler_changed(&sched, &set);
}

/* A scheduler for A, B, C ... with these weights, 0 ends. */
static void begin(enum scheduler_kind kind, const uint32_t *weights)
{
	scheduler_fini(&sched);
	memset(&set, 0, sizeof(set));
	sched = (struct scheduler){ .kind = kind };
	now = 1000 * S;
	CHECK(scheduler_init(&sched));
	for (char name = 'A'; *weights; name++)
		add(name, *weights++);
	now += 1000 * S;
}

static uint16_t pick_addr(uint32_t addr, uint16_t port)
{
	uint8_t src[4], dst[4];
	struct slots_key key = { .src = src, .dst = dst, .sport = port,
				 .addr_len = 4 };

	bytes_put32(src, addr);
	bytes_put32(dst, addr);
	return scheduler_pick(&sched, &set, &key, now);
}

/* Of a hash: the name of who has a slot, for the next pick. */
static char owner_of(unsigned slot)
{
	pick_addr(0, 0);
	return set.v[sched.slots[slot]].name[0];
}

/* What comes next, '-' for none. An open connection has weight. */
static char pick(bool opens)
{
	uint16_t i = pick_addr(0x0a000001, 1);

	if (i == DEST_NONE)
		return '-';
	if (opens)
		dest_count(&set.v[i], STATE_ESTABLISHED, 1);
	return set.v[i].name[0];
}

static void expect(const char *order, bool opens)
{
	for (; *order; order++) {
		char got = pick(opens);

		if (got != *order)
			fprintf(stderr, "%c, not %c before %s\n", got, *order,
				order);
		CHECK(got == *order);
	}
}

#define BEGIN(kind, ...) begin(kind, (const uint32_t[]){ __VA_ARGS__, 0 })

static void rr_takes_turns_from_the_newest(void)
{
	BEGIN(SCHEDULER_RR, 1, 5, 1);
	expect("CBACBA", false);
	dest('B')->is_overloaded = true;
	expect("CACA", false);
	dest('B')->is_overloaded = false;
	weigh('A', 0);
	expect("CBCB", false);
	dest_set_up(dest('C'), false, now);
	expect("BB", false);
	dest_set_up(dest('B'), false, now);
	expect("--", false);
}

static void rr_goes_on_behind_its_cursor_when_others_come_and_go(void)
{
	BEGIN(SCHEDULER_RR, 1, 1, 1);
	expect("CB", false);
	take_away('B');
	expect("ACA", false);
	add('D', 1);
	expect("DCA", false);
	weigh('C', 7);
	expect("DCA", false);
}

/* The first round has the step of the first destination for its weight: the others came
 * while it was under way. */
static void wrr_has_the_order_of_ipvs(void)
{
	BEGIN(SCHEDULER_WRR, 2, 3, 4);
	expect("CBA" "CCBCBACBA" "CCBCBACBA", false);
	BEGIN(SCHEDULER_WRR, 1, 3);
	expect("BA" "BBBA" "BBBA", false);
	BEGIN(SCHEDULER_WRR, 2, 4, 6);		/* steps of 2 */
	expect("CBA" "CCBCBA" "CCBCBA", false);
}

static void wrr_begins_a_round_at_an_edit(void)
{
	BEGIN(SCHEDULER_WRR, 1, 2);
	expect("B", false);
	add('C', 2);
	expect("CBACBCBA", false);
	weigh('C', 0);
	expect("BABBABBA", false);
}

/* The newest is heaviest and overloaded; DPVS gives up before it sees A. */
static void wrr_misses_nobody(void)
{
	struct random r = { 42 };

	BEGIN(SCHEDULER_WRR, 1, 2);
	dest('B')->is_overloaded = true;
	expect("AAAA", false);
	for (unsigned n = 0; n < 16417; n++) {
		bool any = false;

		BEGIN(SCHEDULER_WRR, 1 + (uint32_t)random_below(&r, 5),
		      1 + (uint32_t)random_below(&r, 60000),
		      1 + (uint32_t)random_below(&r, 5));
		for (size_t i = random_below(&r, 9); i--;)
			pick(false);
		for (unsigned i = 0; i < 3; i++) {
			set.v[i].is_overloaded = random_below(&r, 2);
			any |= !set.v[i].is_overloaded;
		}
		CHECK((pick(false) != '-') == any);
	}
}

static void lc_takes_the_first_of_the_least(void)
{
	BEGIN(SCHEDULER_LC, 1, 9, 1);
	expect("CBACBA", true);
	dest_count(dest('C'), STATE_ESTABLISHED, -1);
	dest_count(dest('C'), STATE_TIME_WAIT, 1);
	expect("CBA", true);
}

static void wlc_weighs_by_weight_and_does_not_wrap(void)
{
	BEGIN(SCHEDULER_WLC, 1, 2);
	expect("BABBAB", true);
	BEGIN(SCHEDULER_WLC, 100, 100);
	dest('B')->n_active = 200000;
	dest('A')->n_active = 167772 + 8;
	expect("AAA", true);
	dest('B')->n_active = dest('A')->n_active = 1u << 27;
	dest('B')->weight = dest('A')->weight = 65535;
	dest('B')->n_active++;
	expect("A", true);
}

static void wlc_counts_a_half_open_connection_in_full(void)
{
	BEGIN(SCHEDULER_WLC, 1, 1);
	dest('A')->n_active = 3;
	for (unsigned i = 0; i < 3; i++) {
		CHECK(pick(false) == 'B');
		dest_count(dest('B'), STATE_SYN_RECV, 1);
	}
	dest_count(dest('B'), STATE_SYN_RECV, 1);
	CHECK(pick(false) == 'A');
}

static void sed_and_nq_expect_the_shortest_delay(void)
{
	BEGIN(SCHEDULER_SED, 1, 3);
	expect("BBBABBB", true);
	BEGIN(SCHEDULER_NQ, 1, 3);
	expect("BABBBBB", true);
}

static void fo_stays_with_the_heaviest(void)
{
	BEGIN(SCHEDULER_FO, 3, 7, 7);
	expect("CCC", true);
	dest('C')->is_overloaded = true;
	expect("BB", true);
	weigh('B', 0);
	expect("A", true);
}

static void ovf_overflows_to_the_next(void)
{
	BEGIN(SCHEDULER_OVF, 1, 2);
	expect("BBBAA-", true);
}

/* What the multiplicative hash of IPVS does with 256 slots. */
static void sh_and_dh_have_the_slots_of_ipvs(void)
{
	unsigned n[2] = { 0 };

	BEGIN(SCHEDULER_SH, 1, 3);
	CHECK_EQ(sched.n_slots, 256);
	for (unsigned i = 0; i < 256; i += 4) {
		CHECK_EQ(owner_of(i), 'B');
		CHECK_EQ(owner_of(i + 2), 'B');
		CHECK_EQ(owner_of(i + 3), 'A');
	}
	/* 10.0.0.1 times 0x61c88647, the upper 8 bits */
	CHECK_EQ((0x0a000001u * 0x61c88647u) >> 24, 0x27);
	CHECK_EQ(pick_addr(0x0a000001, 9), sched.slots[0x27]);
	BEGIN(SCHEDULER_DH, 1, 3);
	for (unsigned i = 0; i < 256; i++)
		n[owner_of(i) == 'B']++;
	CHECK_EQ(n[0], 128);
	CHECK_EQ(n[1], 128);
}

/* Of a hash: everybody's clients stay where they are, the lost one's move on,
 * unless `strict` says that they have nobody. */
static void check_walk(enum scheduler_kind kind)
{
	uint16_t before[4096], a;

	BEGIN(kind, 1, 1, 1, 1);
	a = dest_find(&set, "A");
	for (uint32_t i = 0; i < 4096; i++)
		before[i] = pick_addr(i * 2654435761u, 1);
	set.v[a].is_overloaded = true;
	for (uint32_t i = 0; i < 4096; i++) {
		uint16_t after = pick_addr(i * 2654435761u, 1);

		CHECK(after != DEST_NONE && after != a);
		CHECK(before[i] == a || after == before[i]);
	}
	sched.strict = true;
	for (uint32_t i = 0; i < 4096; i++)
		CHECK_EQ(pick_addr(i * 2654435761u, 1),
			 before[i] == a ? DEST_NONE : before[i]);
}

static void hashes_walk_on_unless_strict(void)
{
	check_walk(SCHEDULER_SH);
	check_walk(SCHEDULER_DH);
	check_walk(SCHEDULER_MH);
	check_walk(SCHEDULER_CONHASH);
}

static void the_port_counts_when_it_is_to(void)
{
	unsigned n_moved = 0;

	BEGIN(SCHEDULER_MH, 1, 1, 1);
	for (uint16_t port = 1; port < 100; port++)
		CHECK_EQ(pick_addr(7, port), pick_addr(7, 1));
	sched.with_port = true;
	for (uint16_t port = 1; port < 100; port++)
		n_moved += pick_addr(7, port) != pick_addr(7, 1);
	CHECK(n_moved > 30);
}

static void begin_maglev(uint32_t n_slots)
{
	scheduler_fini(&sched);
	memset(&set, 0, sizeof(set));
	sched = (struct scheduler){ .kind = SCHEDULER_MH };
	CHECK(scheduler_init(&sched));
	sched.n_slots = n_slots;
	now = 0;
}

static void maglev_slots_follow_the_weights(void)
{
	static const struct { char name; unsigned weight, slots; } v[] = {
		{ 'A', 2, 16 }, { 'B', 13, 98 }, { 'C', 111, 832 },
		{ 'D', 10, 75 },
	};

	begin_maglev(1021);
	for (unsigned i = 0; i < 4; i++)
		add(v[i].name, v[i].weight);
	for (unsigned i = 0; i < 4; i++) {
		unsigned n = 0;

		for (unsigned k = 0; k < 1021; k++)
			n += owner_of(k) == v[i].name;
		CHECK_EQ(n, v[i].slots);
	}
}

static void maglev_moves_few_slots_of_others(void)
{
	char before[1021];
	unsigned n_others = 0, n_moved = 0;

	begin_maglev(1021);
	add('A', 1);
	add('B', 1);
	add('C', 1);
	for (unsigned k = 0; k < 1021; k++)
		before[k] = owner_of(k);
	take_away('B');
	for (unsigned k = 0; k < 1021; k++) {
		n_others += before[k] != 'B';
		n_moved += before[k] != 'B' &&
			   owner_of(k) != before[k];
	}
	printf("# %u of %u slots of others have moved\n", n_moved, n_others);
	CHECK(n_moved * 100 < n_others);
}

static void tables_do_not_depend_on_the_order_of_arguments(void)
{
	static const enum scheduler_kind kinds[] = { SCHEDULER_MH,
						     SCHEDULER_CONHASH };

	for (unsigned k = 0; k < 2; k++) {
		char first[2000];

		begin(kinds[k], (const uint32_t[]){ 0 });
		add('A', 1);
		add('B', 2);
		add('C', 3);
		for (unsigned i = 0; i < sizeof(first); i++)
			first[i] = set.v[pick_addr(i * 77777, 1)].name[0];
		begin(kinds[k], (const uint32_t[]){ 0 });
		add('C', 3);
		add('A', 1);
		add('B', 2);
		for (unsigned i = 0; i < sizeof(first); i++)
			CHECK_EQ(set.v[pick_addr(i * 77777, 1)].name[0],
				 first[i]);
	}
}

static void conhash_spreads_evenly_and_moves_only_the_lost_ones(void)
{
	static uint16_t before[40000];
	unsigned n[4] = { 0 };

	BEGIN(SCHEDULER_CONHASH, 1, 1, 1, 1);
	for (uint32_t i = 0; i < 40000; i++) {
		before[i] = pick_addr(i * 2654435761u, 1);
		n[before[i]]++;
	}
	for (unsigned i = 0; i < 4; i++)
		CHECK(n[i] > 8500 && n[i] < 11500);
	take_away('B');
	for (uint32_t i = 0; i < 40000; i++)
		CHECK(before[i] == dest_find(&set, "B") ||
		      pick_addr(i * 2654435761u, 1) == before[i]);
	weigh('A', 0);
	for (uint32_t i = 0; i < 1000; i++)
		CHECK(pick_addr(i * 2654435761u, 1) != dest_find(&set, "A"));
}

/* With less than 1/64 of the greatest weight, too. */
static void conhash_leaves_nobody_out(void)
{
	unsigned n = 0;

	BEGIN(SCHEDULER_CONHASH, 1, 1000);
	for (uint32_t i = 0; i < 40000; i++)
		n += pick_addr(i * 2654435761u, 1) == dest_find(&set, "A");
	CHECK(n > 300 && n < 1200);		/* 1/65 of them */
}

static uint16_t pick_addr6(const uint8_t src[16])
{
	struct slots_key key = { .src = src, .dst = src, .addr_len = 16 };

	return scheduler_pick(&sched, &set, &key, now);
}

/* Clients whose words have the same sum or difference are not one client. */
static void clients_of_ipv6_do_not_fold_together(void)
{
	static const enum scheduler_kind kinds[] = { SCHEDULER_MH,
						     SCHEDULER_CONHASH };

	for (unsigned k = 0; k < 2; k++) {
		unsigned n = 0;

		BEGIN(kinds[k], 1, 1);
		for (unsigned i = 0; i < 200; i++) {
			uint8_t src[16] = { 0xfd };

			src[7] = src[11] = (uint8_t)i;
			n += pick_addr6(src) == 0;
		}
		CHECK(n > 60 && n < 140);
	}
}

/* Not of what the weights had in common when there were others. */
static void tables_after_edits_are_those_of_the_weights_now(void)
{
	static const enum scheduler_kind kinds[] = { SCHEDULER_SH, SCHEDULER_MH,
						     SCHEDULER_CONHASH };

	for (unsigned k = 0; k < 3; k++) {
		uint16_t fresh[500];

		BEGIN(kinds[k], 2, 4);
		for (uint32_t i = 0; i < 500; i++)
			fresh[i] = pick_addr(i * 2654435761u, 1);
		BEGIN(kinds[k], 7, 100);
		pick(false);
		weigh('A', 3);
		pick(false);
		weigh('B', 0);
		pick(false);
		weigh('B', 4);
		weigh('A', 2);
		for (uint32_t i = 0; i < 500; i++)
			CHECK_EQ(pick_addr(i * 2654435761u, 1), fresh[i]);
	}
}

/* A ring of 128 destinations takes long: not one for each of them at the start. */
static void changes_wait_for_the_next_pick(void)
{
	const struct ring_point *points;

	BEGIN(SCHEDULER_CONHASH, 1, 1);
	pick(false);
	points = sched.points;
	weigh('A', 3);
	take_away('B');
	CHECK_EQ(sched.points, points);
	CHECK(sched.is_stale);
	CHECK_EQ(pick(false), 'A');
	CHECK(!sched.is_stale);
	CHECK_EQ(sched.n_points, 160);
}

/* Of all schedulers: not one that is down, overloaded, or of weight 0. */
static void nobody_chooses_one_that_is_not_usable(void)
{
	for (unsigned kind = SCHEDULER_RR; kind <= SCHEDULER_CONHASH; kind++) {
		BEGIN((enum scheduler_kind)kind, 9, 9, 9, 1);
		dest_set_up(dest('A'), false, now);
		dest('B')->is_overloaded = true;
		weigh('C', 0);
		for (uint32_t addr = 0; addr < 300; addr++)
			CHECK_EQ(pick_addr(addr * 7919, 1), dest_find(&set, "D"));
	}
}

static void a_weight_of_zero_and_back_changes_nothing(void)
{
	static const enum scheduler_kind kinds[] = {
		SCHEDULER_SH, SCHEDULER_DH, SCHEDULER_MH, SCHEDULER_CONHASH };
	uint16_t before[300];

	for (unsigned k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		BEGIN(kinds[k], 2, 3, 4);
		for (uint32_t i = 0; i < 300; i++)
			before[i] = pick_addr(i * 7919, 1);
		weigh('B', 0);
		for (uint32_t i = 0; i < 300; i++)
			CHECK(pick_addr(i * 7919, 1) != dest_find(&set, "B"));
		weigh('B', 3);
		for (uint32_t i = 0; i < 300; i++)
			CHECK_EQ(pick_addr(i * 7919, 1), before[i]);
	}
}

/* A third of the way up it gets a third of its turns, and an edit of its weight
 * does not set it back. */
static void slow_start_scales_and_outlasts_edits(void)
{
	unsigned n = 0;

	BEGIN(SCHEDULER_RR, 1, 1);
	sched.slow_ns = 90 * S;
	dest_set_up(dest('A'), false, now);
	dest_set_up(dest('A'), true, now);
	now += 30 * S;
	for (unsigned i = 0; i < 400; i++) {
		if (i == 200)
			weigh('A', 5);
		n += pick(false) == 'A';
	}
	CHECK(n > 90 && n < 110);		/* 1/3 of 1/3 + 1 */
	now += 61 * S;
	for (unsigned i = n = 0; i < 10; i++)
		n += pick(false) == 'A';
	CHECK_EQ(n, 5);
	BEGIN(SCHEDULER_WLC, 1, 1);
	sched.slow_ns = 90 * S;
	dest('B')->n_active = 300;
	dest_set_up(dest('A'), false, now);
	dest_set_up(dest('A'), true, now);
	now += 30 * S;
	for (n = 0; pick(true) == 'A'; n++)
		;
	CHECK(n > 95 && n < 105);		/* no burst up to 300 */
}

/* As after a restart: nobody is to get all. */
static void a_slow_start_of_all_is_none(void)
{
	static const enum scheduler_kind kinds[] = { SCHEDULER_RR,
						     SCHEDULER_WRR };

	for (unsigned k = 0; k < 2; k++) {
		BEGIN(kinds[k], 1, 1, 1);
		sched.slow_ns = 90 * S;
		for (const char *name = "ABC"; *name; name++) {
			dest_set_up(dest(*name), false, now);
			dest_set_up(dest(*name), true, now);
		}
		expect("CBACBACBA", false);
		now += 30 * S;
		expect("CBACBACBA", false);
	}
}

static void overload_is_set_on_reaching_and_cleared_below(void)
{
	BEGIN(SCHEDULER_RR, 1);
	dest('A')->max_conn = 8;
	for (unsigned i = 0; i < 8; i++) {
		CHECK(dest_is_usable(dest('A')));
		dest_count(dest('A'), STATE_SYN_RECV, 1);
	}
	expect("-", false);
	dest_count(dest('A'), STATE_SYN_RECV, -1);
	dest_count(dest('A'), STATE_SYN_RECV, -1);
	expect("-", false);
	dest_count(dest('A'), STATE_SYN_RECV, -1);
	expect("A", false);
	dest('A')->min_conn = 2;
	for (unsigned i = 0; i < 3; i++)
		dest_count(dest('A'), STATE_CLOSE, 1);
	for (unsigned i = 0; i < 6; i++) {
		expect("-", false);
		dest_count(dest('A'), i < 3 ? STATE_CLOSE : STATE_SYN_RECV, -1);
	}
	expect("-", false);
	dest_count(dest('A'), STATE_SYN_RECV, -1);
	expect("A", false);
	dest('A')->max_conn = 1;
	dest_count(dest('A'), STATE_NONE, 0);
	expect("-", false);
	dest('A')->max_conn = 0;
	dest_count(dest('A'), STATE_NONE, 0);
	expect("A", false);
}

int main(void)
{
	TEST(rr_takes_turns_from_the_newest);
	TEST(rr_goes_on_behind_its_cursor_when_others_come_and_go);
	TEST(wrr_has_the_order_of_ipvs);
	TEST(wrr_begins_a_round_at_an_edit);
	TEST(wrr_misses_nobody);
	TEST(lc_takes_the_first_of_the_least);
	TEST(wlc_weighs_by_weight_and_does_not_wrap);
	TEST(wlc_counts_a_half_open_connection_in_full);
	TEST(sed_and_nq_expect_the_shortest_delay);
	TEST(fo_stays_with_the_heaviest);
	TEST(ovf_overflows_to_the_next);
	TEST(sh_and_dh_have_the_slots_of_ipvs);
	TEST(hashes_walk_on_unless_strict);
	TEST(the_port_counts_when_it_is_to);
	TEST(maglev_slots_follow_the_weights);
	TEST(maglev_moves_few_slots_of_others);
	TEST(tables_do_not_depend_on_the_order_of_arguments);
	TEST(conhash_spreads_evenly_and_moves_only_the_lost_ones);
	TEST(conhash_leaves_nobody_out);
	TEST(clients_of_ipv6_do_not_fold_together);
	TEST(tables_after_edits_are_those_of_the_weights_now);
	TEST(changes_wait_for_the_next_pick);
	TEST(nobody_chooses_one_that_is_not_usable);
	TEST(a_weight_of_zero_and_back_changes_nothing);
	TEST(slow_start_scales_and_outlasts_edits);
	TEST(a_slow_start_of_all_is_none);
	TEST(overload_is_set_on_reaching_and_cleared_below);
	scheduler_fini(&sched);
	return TEST_END();
}
