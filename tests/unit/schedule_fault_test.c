/* SPDX-License-Identifier: ISC */
/*
 * Memory, tables and the disk are full at each moment once: whatever fails in the
 * making of a scheduler and of its connections, nothing leaks, and all counts return
 * to zero. The Makefile has the linker call the functions here in the place of those
 * that may fail.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "../../common/record_table.h"
#include "schedule_kit.h"

/* what the linker calls the function that is replaced, and the one in its place */
#define REAL(name) __asm__("__real_" #name)
#define WRAP(name) __asm__("__wrap_" #name)

void *real_calloc(size_t n, size_t size) REAL(calloc);
void *real_malloc(size_t size) REAL(malloc);
void real_free(void *p) REAL(free);
void *real_mmap(void *at, size_t len, int prot, int flags, int fd,
		off_t off) REAL(mmap);
int real_munmap(void *at, size_t len) REAL(munmap);
void *real_flow_add(struct flow_table *t, const struct flow_key *key,
		    unsigned list, uint64_t now_ns) REAL(flow_add);
void *real_place(struct record_table *t, uint32_t n) REAL(record_table_place);
bool real_is_behind(struct record_table *t, struct record_table_gap *gap)
	REAL(record_table_is_behind);
bool real_mend(struct record_table *t, uint32_t max, uint32_t epoch)
	REAL(record_table_mend);
struct conn *real_conn_at(const struct conn_table *t, uint32_t i)
	REAL(conn_at);

void *our_calloc(size_t n, size_t size) WRAP(calloc);
void *our_malloc(size_t size) WRAP(malloc);
void our_free(void *p) WRAP(free);
void *our_mmap(void *at, size_t len, int prot, int flags, int fd,
	       off_t off) WRAP(mmap);
int our_munmap(void *at, size_t len) WRAP(munmap);
void *our_flow_add(struct flow_table *t, const struct flow_key *key,
		   unsigned list, uint64_t now_ns) WRAP(flow_add);
void *our_place(struct record_table *t, uint32_t n) WRAP(record_table_place);
bool our_is_behind(struct record_table *t, struct record_table_gap *gap)
	WRAP(record_table_is_behind);
bool our_mend(struct record_table *t, uint32_t max, uint32_t epoch)
	WRAP(record_table_mend);
struct conn *our_conn_at(const struct conn_table *t, uint32_t i)
	WRAP(conn_at);

enum { MEMORY, INSERT, DISK, KINDS };

#define LACKING 1000000u	/* records, most of which nobody has */

static long left = -1;		/* calls until one fails; below 0: none does */
static unsigned n_failed[KINDS];
static long n_live;		/* pieces of memory */
static bool is_full;		/* the disk: the file lacks all records */
static unsigned n_looks;	/* at connections by their number */

static bool fails(unsigned kind)
{
	if (left < 0 || left--)
		return false;
	n_failed[kind]++;
	return true;
}

void *our_calloc(size_t n, size_t size)
{
	void *p = fails(MEMORY) ? NULL : real_calloc(n, size);

	n_live += p != NULL;
	return p;
}

void *our_malloc(size_t size)
{
	void *p = fails(MEMORY) ? NULL : real_malloc(size);

	n_live += p != NULL;
	return p;
}

void our_free(void *p)
{
	n_live -= p != NULL;
	real_free(p);
}

void *our_mmap(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
	void *p = fails(MEMORY) ? MAP_FAILED :
				  real_mmap(at, len, prot, flags, fd, off);

	n_live += p != MAP_FAILED;
	return p;
}

int our_munmap(void *at, size_t len)
{
	n_live--;
	return real_munmap(at, len);
}

/* Tables fail when they are full, never when they are empty. */
void *our_flow_add(struct flow_table *t, const struct flow_key *key,
		      unsigned list, uint64_t now_ns)
{
	return flow_count(t) && fails(INSERT) ? NULL :
		real_flow_add(t, key, list, now_ns);
}

void *our_place(struct record_table *t, uint32_t n)
{
	return fails(DISK) ? NULL : real_place(t, n);
}

bool our_is_behind(struct record_table *t, struct record_table_gap *gap)
{
	if (!is_full)
		return real_is_behind(t, gap);
	*gap = (struct record_table_gap){ .to = LACKING };
	return true;
}

bool our_mend(struct record_table *t, uint32_t max, uint32_t epoch)
{
	return !is_full && real_mend(t, max, epoch);
}

struct conn *our_conn_at(const struct conn_table *t, uint32_t i)
{
	n_looks++;
	return real_conn_at(t, i);
}

/* --- the story, which may fail anywhere --- */

static void try_service(const char *text)
{
	struct service svc;
	char why[512];

	CHECK(service_parse(&svc, text, why, sizeof(why)));
	schedule_add_service(s, &svc);
}

static bool try_begin(void)
{
	now = 1000 * S;
	s = schedule_new(&config, now);
	if (!s)
		return false;
	try_service(SERVICE);
	try_service("udp:10.0.0.2:53,scheduler=conhash,persist=10");
	try_service("icmp:10.0.0.2,scheduler=mh");
	A = schedule_add_dest(s, "A", now);
	B = schedule_add_dest(s, "B", now);
	C = schedule_add_dest(s, "C", now);
	for (uint16_t i = 0; i < 3; i++)
		schedule_set_up(s, i, true, now);
	return true;
}

/* What the destinations count is what is in the table. */
static void check_counts(void)
{
	uint32_t n = 0;

	for (uint16_t i = 0; i < 3; i++)
		n += dest_conns(dest(i)) + dest(i)->n_templates;
	CHECK_EQ(n, flow_count(schedule_conns(s)->flows));
}

/* Connections of every kind, from either side. */
static void try_connections(void)
{
	for (uint16_t port = 1; port <= 3; port++) {
		uint16_t to = in(port, SYN).dest;

		if (to < 3)
			out(port, SYN | ACK, to);
		in(port, ACK);
		datagram(port, false);
		from_net();
		query(8, port, false);
		from_net();
		out((uint16_t)(port + 100), SYN, B);
		fragment(port, port, 0, true);
		from_net();
		fragment(port, port, 1480, false);
		from_net();
		frame.b[11] = (uint8_t)port;	/* another guest's address */
		from_dest(C);
		check_counts();
	}
}

static void end_all(void)
{
	for (unsigned i = 0; i < 2000; i++)
		schedule_expire(s, now += S);
	check_counts();
	CHECK_EQ(flow_count(schedule_conns(s)->flows), 0);
	schedule_free(s);
	s = NULL;
}

/* Return: whether something failed */
static bool play(long at)
{
	unsigned before = n_failed[MEMORY] + n_failed[INSERT] + n_failed[DISK];
	long n_before = n_live;

	left = at;
	if (try_begin()) {
		try_connections();
		end_all();
	}
	left = -1;
	CHECK_EQ(n_live, n_before);
	return n_failed[MEMORY] + n_failed[INSERT] + n_failed[DISK] > before;
}

static void each_step_fails_once_and_nothing_leaks(void)
{
	long at = 0;

	while (play(at))
		at++;
	for (unsigned kind = 0; kind < KINDS; kind++)
		CHECK(n_failed[kind] >= 10);
}

static void so_it_does_when_the_table_is_small(void)
{
	config.max_conns = 3;
	for (long at = 0; play(at);)
		at++;
}

static void a_ring_that_found_no_memory_is_made_by_the_next_pick(void)
{
	CHECK(try_begin());
	datagram(1, false);
	left = 0;
	IS_DROPPED(from_net(), SCHEDULE_NO_DEST);
	CHECK_EQ(left, -1);
	CHECK_EQ(from_net().reason, SCHEDULE_NEW);
	end_all();
}

static void what_the_file_lacks_is_counted_once(void)
{
	config.max_conns = 100;
	CHECK(try_begin());
	for (uint16_t port = 1; port <= 3; port++)
		in(port, SYN);
	is_full = true;
	schedule_expire(s, now);
	CHECK_EQ(schedule_unsaved(s), 3);
	n_looks = 0;
	for (unsigned i = 0; i < 10; i++)
		schedule_expire(s, now);
	CHECK_EQ(schedule_unsaved(s), 3);
	CHECK(n_looks < LACKING);
	is_full = false;
	schedule_expire(s, now);
	CHECK_EQ(schedule_unsaved(s), 0);
	end_all();
}

int main(void)
{
	char dir[] = "/tmp/schedule-fault-XXXXXX", path[64];

	CHECK(mkdtemp(dir));
	config = (struct schedule_config){ .max_conns = 100,
					   .linger_ns = 300 * S };
	CHECK_EQ(lasting_open(&config.table, dir, 100), 0);
	TEST(each_step_fails_once_and_nothing_leaks);
	TEST(so_it_does_when_the_table_is_small);
	TEST(a_ring_that_found_no_memory_is_made_by_the_next_pick);
	TEST(what_the_file_lacks_is_counted_once);
	record_table_close(config.table);
	snprintf(path, sizeof(path), "%s/connections", dir);
	unlink(path);
	rmdir(dir);
	return TEST_END();
}
