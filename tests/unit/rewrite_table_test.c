/* SPDX-License-Identifier: ISC */
/*
 * The table's file in bad hands. Somebody else decides what is in it, how long
 * it is, where it is and whether there is room for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "../../common/record_guard.h"
#include "../../rewriter/rewrite_record.h"
#include "random.h"
#include "rewrite_kit.h"

#define HEADER_LEN 4096
#define HEADER_SUM_AT 60
#define HEADER_MAX_FLOWS_AT 20
#define HEADER_EPOCH_AT 64
#define STEP 8192u		/* records whose room is reserved at once */

#define LARGE_DISK (1 << 26)
static off_t disk_len = LARGE_DISK;	/* room on the disk */

/* Takes the place of the C library's: a disk with disk_len bytes. */
int posix_fallocate(int fd, off_t offset, off_t len)
{
	if (offset + len > disk_len)
		return ENOSPC;
	return fallocate(fd, 0, offset, len) < 0 ? errno : 0;
}

static int open_flows(int flags)
{
	char path[64];
	int fd;

	flows_path(path, sizeof(path));
	fd = open(path, flags);
	CHECK(fd >= 0);
	return fd;
}

static void cut(off_t len)
{
	char path[64];

	flows_path(path, sizeof(path));
	CHECK_EQ(truncate(path, len), 0);
}

static struct rewrite_record record_get(unsigned n)
{
	struct rewrite_record rec;
	int fd = open_flows(O_RDONLY);

	CHECK_EQ(pread(fd, &rec, sizeof(rec),
		       (off_t)(HEADER_LEN + n * sizeof(rec))), sizeof(rec));
	close(fd);
	return rec;
}

/* With a right checksum: only for its values may the record be refused. */
static void record_put(unsigned n, struct rewrite_record rec)
{
	int fd = open_flows(O_RDWR);

	rec.sum = rewrite_record_sum(&rec);
	CHECK_EQ(pwrite(fd, &rec, sizeof(rec),
			(off_t)(HEADER_LEN + n * sizeof(rec))), sizeof(rec));
	close(fd);
}

static void header_put(long at, uint32_t value)
{
	uint8_t header[HEADER_SUM_AT];
	int fd = open_flows(O_RDWR);
	uint32_t sum;

	CHECK_EQ(pwrite(fd, &value, 4, at), 4);
	CHECK_EQ(pread(fd, header, sizeof(header), 0), sizeof(header));
	sum = (uint32_t)XXH3_64bits(header, sizeof(header));
	CHECK_EQ(pwrite(fd, &sum, 4, HEADER_SUM_AT), 4);
	close(fd);
}

/* Do all that uses a flow, then let each flow expire. */
static void live_and_die(void)
{
	for (unsigned port = 1; port <= 3; port++) {
		wrap.port = (uint16_t)port;
		n_seen = 0;
		tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 10);
		rx(GUEST_ISN + 1, PEER_ISN + 11, TCP_ACK, 10);
		send_full(REWRITE_TX, PEER_ISN + 11, PRIMARY_ISN + 11, TCP_ACK,
			  opt_ts(5, PRIMARY_TS), 10);
		send_full(REWRITE_RX, GUEST_ISN + 11, PEER_ISN + 11, TCP_ACK,
			  opt_ts(GUEST_TS, 5), 10);
		tx(PEER_ISN + 99, 0, TCP_SYN, 0);
		tx(PEER_ISN + 100, PRIMARY_ISN + 1, TCP_ACK, 10);
		rx(GUEST_ISN + 21, PEER_ISN + 11, TCP_RST, 0);
	}
	for (unsigned i = 0; i < 3; i++) {
		rewrite_checkpoint(rw, now);
		n_seen = 0;
		now += NS_PER_S;
		tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 10);
		rewrite_expire(rw, now);
	}
	rewrite_failover(rw);
	n_seen = 0;
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 10);
	rx(GUEST_ISN + 1, PEER_ISN + 11, TCP_ACK, 10);
	now += 6 * 86400 * NS_PER_S;
	rewrite_expire(rw, now);
	CHECK_EQ(rewrite_translated(rw), 0);
	for (unsigned i = 0; i < 4; i++) {
		static const char *const states[] = { "half-open", "closed",
						      "established", "closing" };

		CHECK_EQ(stat("flows", states[i]), 0);
	}
	n_seen = 0;
}

static void start_with_three(void)
{
	start_fresh(16);
	for (wrap.port = 1; wrap.port <= 2; wrap.port++)
		open_passive();
	tx(PEER_ISN, 0, TCP_SYN, 0);		/* half open */
	n_seen = 0;
}

/* A file says that a flow holds segments: whose memory would they be in? */
static void nothing_is_held_by_a_file(void)
{
	for (unsigned n = 0; n < 3; n++) {
		struct rewrite_record rec;
		struct stats s = { 0 };

		start_with_three();
		rec = record_get(n);
		rec.flow.held = 1 + n;
		rec.flow.n_held = 31;
		record_put(n, rec);
		restart(16);
		CHECK_EQ(stat("file", "loaded"), 3);
		wrap.port = (uint16_t)(n + 1);
		tx(PEER_ISN, 0, TCP_SYN, 0);
		tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 10);
		rewrite_stats(rw, &s);
		CHECK_EQ(s.held, n == 2);	/* that one is half open */
		live_and_die();
	}
	finish_table();
}

/* An offset of an epoch to come does not count, then or later. */
static void offsets_of_other_epochs_are_void(void)
{
	for (uint32_t ahead = 1; ahead <= 3; ahead++) {
		struct rewrite_record rec;

		start_with_three();
		rec = record_get(0);
		rec.flow.epoch += ahead;
		record_put(0, rec);
		restart(16);
		CHECK_EQ(rewrite_translated(rw), 1);
		for (uint32_t i = 0; i < ahead; i++)
			rewrite_checkpoint(rw, now);
		live_and_die();
	}
	finish_table();
}

/* Each word of a flow's record with each of some values. */
static void any_word_of_a_record(void)
{
	static const uint32_t values[] = { 0, 1, 3, 31, 0x7fffffff, 0x80000000,
					   0xffff, 0xffff0000, UINT32_MAX };

	for (size_t at = offsetof(struct rewrite_record, key);
	     at < sizeof(struct rewrite_record); at += 4)
		for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
			struct rewrite_record rec;

			start_with_three();
			rec = record_get(1);
			memcpy((uint8_t *)&rec + at, &values[i], 4);
			record_put(1, rec);
			restart(16);
			CHECK_EQ(stat("file", "loaded") + stat("file", "lost"),
				 3);
			live_and_die();
		}
	finish_table();
}

/* Records of random bytes, one of them a duplicate. */
static void random_records(struct random *random)
{
	for (size_t round = 0; round < soak_n(2000); round++) {
		struct rewrite_record rec;

		start_with_three();
		for (unsigned n = 0; n < 3; n++) {
			rec = record_get(n);
			random_fill(random, (uint8_t *)&rec.flow,
				    sizeof(rec.flow));
			rec.flow.state %= REWRITE_STATES + 1;
			if (random_below(random, 2))
				rec.flow.epoch = 0;
			record_put(n, rec);
		}
		record_put((unsigned)random_below(random, 3), rec);
		restart(16);
		live_and_die();
	}
	finish_table();
}

static void any_word_of_the_header(void)
{
	static const uint32_t values[] = { 0, 1, 3, 16, 17, 1u << 28,
					   (1u << 28) + 1, 0x7fffffff,
					   UINT32_MAX };

	for (long at = 8; at < HEADER_EPOCH_AT + 8; at += 4)
		for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
			if (at == HEADER_SUM_AT)
				continue;
			start_with_three();
			header_put(at, values[i]);
			restart(16);
			live_and_die();
		}
	start_with_three();	/* as long as its header says, and a hole */
	header_put(HEADER_MAX_FLOWS_AT, UINT32_MAX);
	header_put(HEADER_EPOCH_AT + 4, UINT32_MAX);
	cut(HEADER_LEN + (off_t)UINT32_MAX * (off_t)sizeof(struct rewrite_record));
	restart(16);
	CHECK_EQ(record_table_found(table), RECORD_FILE_BAD);
	finish_table();
}

/* --- a file that changes while it is in use --- */

static void offsets_outlive_a_restart(void)
{
	restart(16);
	CHECK_EQ(record_table_found(table), RECORD_FILE_GOOD);
	CHECK_EQ(stat("file", "loaded"), 3);
	CHECK_EQ(rewrite_translated(rw), 3);
	for (wrap.port = 1; wrap.port <= 3; wrap.port++)
		data_both_ways();
}

/* Each segment of the end is known to the next process, whichever one that is. */
static void an_end_outlives_restarts(void)
{
	start_fresh(16);
	open_passive();
	restart(16);
	tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_FIN | TCP_ACK, 0);
	restart(16);
	rx(GUEST_ISN + 1, PEER_ISN + 2, TCP_FIN | TCP_ACK, 0);
	restart(16);
	CHECK_EQ(stat("flows", "closing"), 1);
	tx(PEER_ISN + 2, PRIMARY_ISN + 2, TCP_ACK, 0);
	CHECK_EQ(stat("flows", "closed"), 1);
	n_seen = 0;
	finish_table();
}

/* What the guest sent while no process looked may be what it sends now: an echo for
 * it is not older. */
static void what_was_sent_meanwhile_may_be_repeated(void)
{
	start_fresh(16);
	open_passive_ts();
	send_full(REWRITE_RX, GUEST_ISN + 1, PEER_ISN + 1, TCP_ACK,
		  opt_ts(GUEST_TS + 100, 2), 10);
	restart(16);
	send_full(REWRITE_RX, GUEST_ISN + 11, PEER_ISN + 1, TCP_ACK,
		  opt_ts(GUEST_TS + 500, 2), 10);
	send_full(REWRITE_TX, PEER_ISN + 1, PRIMARY_ISN + 21, TCP_ACK,
		  opt_ts(3, PRIMARY_TS + 200), 0);
	CHECK_EQ(stat("clock", "lifted"), 1);
	n_seen = 0;
	finish_table();
}

/* A kill in the middle of a move leaves a connection in two places. */
static void a_connection_is_restored_once(void)
{
	start_with_three();
	start();		/* the file is left alone */
	record_table_close(table);
	table = NULL;
	record_put(1, record_get(0));
	restart(16);
	CHECK_EQ(stat("flows", "established"), 1);
	CHECK_EQ(stat("flows", "half-open"), 1);
	CHECK_EQ(rewrite_translated(rw), 1);
	wrap.port = 1;
	data_both_ways();
	finish_table();
}

/* Once 1 MiB is acknowledged no lower number corrects the offset any more. */
static void that_an_offset_is_certain_outlives_a_restart(void)
{
	const uint32_t mib = 1 << 20;

	start_fresh(16);
	open_passive();
	tx(PEER_ISN + 1, PRIMARY_ISN + 1 + 2 * mib, TCP_ACK, 0);
	restart(16);
	n_seen = 0;
	tx(PEER_ISN + 1, PRIMARY_ISN, TCP_ACK, 0);
	CHECK_EQ(stat("flows", "corrected"), 0);
	n_seen = 0;
	finish_table();
}

/* Somebody cuts the file short: connections go on, and are soon in it again. */
static void cut_while_in_use(void)
{
	static const off_t lens[] = { 0, 1, 4095, 4096, 4097, 4096 + 132,
				      4096 + 15 * 132 };

	for (unsigned i = 0; i < 2 * sizeof(lens) / sizeof(*lens); i++) {
		start_fresh(16);
		for (wrap.port = 1; wrap.port <= 2; wrap.port++)
			open_passive();
		cut(lens[i / 2]);
		open_passive();
		for (wrap.port = 1; wrap.port <= 3; wrap.port++)
			data_both_ways();
		if (i % 2)	/* long again before anybody looks at it */
			cut(HEADER_LEN + 16 * sizeof(struct rewrite_record));
		rewrite_expire(rw, now);
		CHECK_EQ(n_events[REWRITE_UNSAVED], 0);
		if (i % 2 && lens[i / 2] > HEADER_LEN)
			continue;	/* a hole is like a free record */
		CHECK_EQ(n_events[REWRITE_SAVED], 1);
		CHECK_EQ(rewrite_behind(rw), 3);
		rewrite_expire(rw, now);
		CHECK_EQ(n_events[REWRITE_SAVED], 1);
		offsets_outlive_a_restart();
	}
	finish_table();
}

/* A checkpoint comes before the repair: the new file has its epoch. */
static void cut_before_a_checkpoint(void)
{
	start_with_three();
	cut(0);
	rewrite_checkpoint(rw, now);
	rewrite_expire(rw, now);
	CHECK_EQ(n_events[REWRITE_SAVED], 1);
	restart(16);
	CHECK_EQ(stat("file", "loaded"), 3);
	CHECK_EQ(rewrite_epoch(rw), 1);
	CHECK_EQ(rewrite_translated(rw), 0);
	finish_table();
}

/* Nobody would find a file without a name: that is told, once. */
static void removed_while_in_use(void)
{
	char path[64];

	start_with_three();
	flows_path(path, sizeof(path));
	CHECK_EQ(unlink(path), 0);
	for (unsigned i = 0; i < 3; i++) {
		rewrite_expire(rw, now);
		CHECK_EQ(n_events[REWRITE_UNSAVED], 1);
		CHECK_EQ(rewrite_behind(rw), 3);
	}
	CHECK_EQ(n_events[REWRITE_SAVED], 0);
	wrap.port = 1;
	data_both_ways();
	finish_table();
}

/* Only a fault of the file is repaired: any other SIGBUS still ends us. */
static void other_bus_errors_kill(void)
{
	start_with_three();
	fflush(stdout);
	for (unsigned i = 0; i < 2; i++) {
		int status;
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (!pid) {
			int fd = memfd_create("x", 0);
			volatile char *p = mmap(NULL, 4096, PROT_READ,
						MAP_SHARED, fd, 0);

			if (i == 0)
				raise(SIGBUS);
			else
				(void)*p;
			_exit(0);
		}
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	}
	finish_table();
}

static void open_half(unsigned from, unsigned to)
{
	for (unsigned port = from; port < to; port++) {
		wrap.port = (uint16_t)port;
		tx(PEER_ISN, 0, TCP_SYN, 0);
		n_seen = 0;
	}
}

/* No room for the second step: beginning and end are told once each, with the
 * number of connections. */
static void full_disk(void)
{
	start_fresh(4 * STEP);
	disk_len = HEADER_LEN + (off_t)STEP * sizeof(struct rewrite_record);
	open_half(1, STEP + 101);
	CHECK(stat("file", "unsaved") >= 100);
	for (unsigned i = 0; i < 3; i++) {
		rewrite_expire(rw, now);
		CHECK_EQ(n_events[REWRITE_UNSAVED], 1);
		CHECK_EQ(rewrite_behind(rw), 100);
	}
	open_half(STEP + 101, STEP + 201);
	disk_len = LARGE_DISK;
	CHECK_EQ(n_events[REWRITE_SAVED], 0);
	rewrite_expire(rw, now);
	CHECK_EQ(n_events[REWRITE_SAVED], 1);
	CHECK_EQ(rewrite_behind(rw), 200);
	restart(4 * STEP);
	CHECK_EQ(stat("file", "loaded"), STEP + 200);

	/* the next episode is told again, unless it is over within a second */
	disk_len = HEADER_LEN + 2 * (off_t)STEP * sizeof(struct rewrite_record);
	open_half(STEP + 201, 2 * STEP + 2);
	disk_len = LARGE_DISK;
	rewrite_expire(rw, now);
	CHECK_EQ(n_events[REWRITE_UNSAVED] + n_events[REWRITE_SAVED], 2);
	disk_len = HEADER_LEN + 3 * (off_t)STEP * sizeof(struct rewrite_record);
	open_half(2 * STEP + 2, 3 * STEP + 2);
	rewrite_expire(rw, now);
	CHECK_EQ(n_events[REWRITE_UNSAVED], 2);
	disk_len = LARGE_DISK;
	finish_table();
}

/* The file is cut short while there is no room to begin it again. */
static void cut_on_a_full_disk(void)
{
	start_with_three();
	disk_len = HEADER_LEN;
	cut(0);
	for (unsigned i = 0; i < 2; i++) {
		rewrite_checkpoint(rw, now);
		wrap.port = 2;
		tx(PEER_ISN + 1, PRIMARY_ISN + 1, TCP_ACK, 0);
		n_seen = 0;
		rewrite_expire(rw, now);
		CHECK_EQ(n_events[REWRITE_UNSAVED], 1);
	}
	disk_len = LARGE_DISK;
	rewrite_expire(rw, now);
	CHECK_EQ(n_events[REWRITE_SAVED], 1);
	restart(16);
	CHECK_EQ(record_table_found(table), RECORD_FILE_GOOD);
	CHECK_EQ(stat("file", "loaded"), 3);
	CHECK_EQ(rewrite_epoch(rw), 2);
	finish_table();
}

int main(int argc, char **argv)
{
	struct random random;
	char path[64];

	random_init(&random, argc, argv);
	signal(SIGBUS, SIG_DFL);	/* a sanitizer may catch it */
	CHECK(mkdtemp(state_dir));
	TEST(nothing_is_held_by_a_file);
	TEST(offsets_of_other_epochs_are_void);
	TEST(any_word_of_a_record);
	random_records(&random);
	TEST(any_word_of_the_header);
	TEST(an_end_outlives_restarts);
	TEST(a_connection_is_restored_once);
	TEST(that_an_offset_is_certain_outlives_a_restart);
	TEST(what_was_sent_meanwhile_may_be_repeated);
	TEST(cut_while_in_use);
	TEST(cut_before_a_checkpoint);
	TEST(removed_while_in_use);
	TEST(other_bus_errors_kill);
	TEST(full_disk);
	TEST(cut_on_a_full_disk);
	rewrite_free(rw);
	flows_path(path, sizeof(path));
	remove(path);
	rmdir(state_dir);
	return TEST_END();
}
