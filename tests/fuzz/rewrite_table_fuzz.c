/* SPDX-License-Identifier: ISC */
/* A table's file with any bytes and right checksums; then traffic. */
#include <fcntl.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "../../rewriter/rewrite_record.h"
#include "rewrite_traffic.h"

#define HEADER_LEN 4096u
#define HEADER_SUM_AT 60u
#define MAX_FLOWS 8u

static int flows_open(void)
{
	int fd = open(traffic_flows_path(), O_RDWR);

	if (fd < 0)
		abort();
	return fd;
}

static void put(int fd, const void *bytes, size_t len, off_t at)
{
	if (pwrite(fd, bytes, len, at) != (ssize_t)len)
		abort();
}

/* Some bytes of a record change; in most cases the checksum follows. */
static void record_change(int fd, struct fuzz *z)
{
	uint8_t n = fuzz_byte(z), len = fuzz_byte(z) % 16;
	size_t at = fuzz_byte(z) % sizeof(struct rewrite_record);
	struct rewrite_record rec;
	off_t place = HEADER_LEN + (n % MAX_FLOWS) * (off_t)sizeof(rec);

	if (pread(fd, &rec, sizeof(rec), place) != (ssize_t)sizeof(rec))
		return;
	for (; len && at < sizeof(rec); len--)
		((uint8_t *)&rec)[at++] = fuzz_byte(z);
	if (n < 240)
		rec.sum = rewrite_record_sum(&rec);
	put(fd, &rec, sizeof(rec), place);
}

static void header_change(int fd, struct fuzz *z)
{
	uint8_t header[HEADER_SUM_AT], at = fuzz_byte(z) % 72;
	uint8_t value = fuzz_byte(z);
	uint32_t sum;

	put(fd, &value, 1, at);
	if (pread(fd, header, sizeof(header), 0) != (ssize_t)sizeof(header))
		return;
	sum = (uint32_t)XXH3_64bits(header, sizeof(header));
	put(fd, &sum, sizeof(sum), HEADER_SUM_AT);
}

static void file_change(struct fuzz *z)
{
	uint8_t n = fuzz_byte(z) % 8;
	int fd = flows_open();

	while (n--) {
		uint8_t how = fuzz_byte(z);

		if (how < 16)
			header_change(fd, z);
		else if (how < 20) {
			if (ftruncate(fd, fuzz_byte(z) * 20))
				abort();
		} else
			record_change(fd, z);
	}
	close(fd);
}

static void reopen(struct traffic *t, struct rewrite_config *config)
{
	rewrite_free(t->r);
	record_table_close(config->table);
	config->table = NULL;
	if (rewrite_record_open(&config->table, traffic_dir, config->max_flows))
		abort();
	traffic_open(t, config);
}

static void traffic_step(struct traffic *t, struct fuzz *z)
{
	uint8_t what = fuzz_byte(z);
	struct segment s = { .side = what & 1 ? REWRITE_RX : REWRITE_TX,
			     .conn = what >> 5, .flags = fuzz_byte(z),
			     .how = WITH_TIMESTAMP | WITH_PAYLOAD };
	const struct conn *c = &t->conns[s.conn];

	switch (what >> 1 & 7) {
	case 0:
		rewrite_checkpoint(t->r, t->now);
		break;
	case 1:
		t->now += (uint64_t)s.flags * 4000000000000;
		rewrite_expire(t->r, t->now);
		break;
	case 2:
		if (s.flags < 16)
			rewrite_failover(t->r);
		break;
	default:
		s.seq = s.side == REWRITE_TX ? c->peer : c->guest;
		s.ack = s.side == REWRITE_TX ? c->primary : c->peer;
		if (s.flags & TCP_SYN)
			s.seq--;
		traffic_segment(t, z, &s);
	}
	traffic_account(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz z = { data, size };
	struct rewrite_config config = { .max_flows = MAX_FLOWS,
					 .max_held = 4096, .seed = 1 };
	struct traffic t;

	traffic_init(&t);
	t.r = NULL;
	traffic_dir_make();
	reopen(&t, &config);
	for (unsigned i = 0; i < CONNS / 2; i++)
		traffic_handshake(&t, i, WITH_TIMESTAMP);
	file_change(&z);
	reopen(&t, &config);
	while (z.left && t.n_sent < SENT_MAX)
		traffic_step(&t, &z);
	t.now += UINT64_C(1000000) * 1000000000;
	rewrite_expire(t.r, t.now);
	rewrite_expire(t.r, t.now);
	assert(!rewrite_translated(t.r));
	rewrite_free(t.r);
	record_table_close(config.table);
	return 0;
}
