/* SPDX-License-Identifier: ISC */
/*
 * A life of the rewriter in steps: several connections, opened from either
 * side, whose segments overtake each other; checkpoints, failovers, restarts,
 * damage to the table's file, and time between them.
 */
#include "rewrite_traffic.h"

struct life {
	struct traffic t;
	struct rewrite_config config;
	bool has_table, has_failed_over;
};

static void open_rewriter(struct life *l)
{
	if (l->has_table &&
	    rewrite_record_open(&l->config.table, traffic_dir,
			       l->config.max_flows))
		abort();
	traffic_open(&l->t, &l->config);
	if (l->has_failed_over)
		rewrite_failover(l->t.r);
}

static void file_poke(long at, uint8_t value)
{
	FILE *f = fopen(traffic_flows_path(), "r+");

	if (!f || fseek(f, at, SEEK_SET) || fputc(value, f) == EOF ||
	    fclose(f) == EOF)
		abort();
}

/* The rewriter dies, somebody changes its file, the next one reads that. */
static void restart(struct life *l, struct fuzz *z)
{
	uint8_t how = fuzz_byte(z), at = fuzz_byte(z);

	if (!l->has_table)
		return;
	if (how & 4 && truncate(traffic_flows_path(), at * 16))
		abort();
	if (how & 8)		/* it does not die, but its file is cut */
		return;
	rewrite_free(l->t.r);
	record_table_close(l->config.table);
	if (how & 1)
		file_poke((how & 2 ? 4096 : 0) + at, fuzz_byte(z));
	open_rewriter(l);
}

/* A number that a side has reached, or one a little beside it. */
static uint32_t near(struct fuzz *z, uint32_t at, uint8_t how)
{
	if (how & 1)
		return at;
	return at + (uint32_t)(int8_t)fuzz_byte(z) * (how & 2 ? 1u : 997u);
}

static void segment_set(struct life *l, struct fuzz *z, struct segment *s)
{
	struct conn *c = &l->t.conns[s->conn];
	uint8_t about = fuzz_byte(z);
	bool is_tx = s->side == REWRITE_TX;

	s->seq = near(z, is_tx ? c->peer : c->guest, about);
	s->ack = near(z, is_tx ? c->primary : c->peer, about >> 2);
	if (about & 16)		/* the stream goes on */
		*(is_tx ? &c->peer : &c->guest) += 100;
	if (about & 32)
		c->primary += 100;
	if (about & 64)
		c->clock += 10;
}

/* Send a SYN, a SYN+ACK, or the reset that refuses, with fitting numbers. */
static void begin(struct life *l, struct fuzz *z, struct segment *s)
{
	struct conn *c = &l->t.conns[s->conn];
	bool is_tx = s->side == REWRITE_TX;
	uint8_t kind = fuzz_byte(z);

	s->flags = kind & 1 ? TCP_SYN | TCP_ACK : TCP_SYN;
	s->seq = is_tx ? c->peer_isn : c->guest_isn;
	s->ack = is_tx ? c->primary_isn + 1 : c->peer_isn + 1;
	if (kind & 2) {		/* another connection */
		s->seq += 100000;
		*(is_tx ? &c->peer_isn : &c->guest_isn) = s->seq;
	}
	if (!(kind & 1))
		s->ack = 0;
	if (kind % 8 == 7) {
		s->flags = TCP_RST | TCP_ACK;
		s->seq = 0;
	}
	*(is_tx ? &c->peer : &c->guest) =
		(is_tx ? c->peer_isn : c->guest_isn) + 1;
	c->primary = c->primary_isn + 1;
	traffic_segment(&l->t, z, s);
}

static void step(struct life *l, struct fuzz *z)
{
	static const uint8_t flags[] = { TCP_ACK, TCP_ACK | TCP_PSH,
					 TCP_ACK | TCP_FIN, TCP_RST,
					 TCP_RST | TCP_ACK, TCP_ACK, 0, 0xff };
	uint8_t op = fuzz_byte(z), which = fuzz_byte(z);
	struct segment s = { .side = op & 1 ? REWRITE_RX : REWRITE_TX,
			     .conn = which % CONNS,
			     .flags = flags[which >> 5] };
	uint8_t raw[256];
	size_t len;

	switch (op >> 1 & 15) {
	case 0:
	case 1:
	case 2:
		s.how = fuzz_byte(z);
		begin(l, z, &s);
		break;
	case 3:
		s.how = fuzz_byte(z);
		segment_set(l, z, &s);
		traffic_icmp(&l->t, z, &s);
		break;
	case 4:
		l->t.now += (uint64_t)which * which * 1000000000;
		rewrite_expire(l->t.r, l->t.now);
		break;
	case 5:
		rewrite_checkpoint(l->t.r, l->t.now);
		break;
	case 6:
		if (which < 8) {
			uint32_t n_flows;

			rewrite_uncompared(l->t.r, &n_flows);
			assert(n_flows <= l->config.max_flows);
			l->has_failed_over = true;
			rewrite_failover(l->t.r);
		} else {
			restart(l, z);
		}
		break;
	case 7:
		for (len = 0; len < which && z->left; len++)
			raw[len] = fuzz_byte(z);
		if (len)
			traffic_input(&l->t, s.side, raw, len, NULL, 0);
		break;
	default:
		l->t.now += 1000000;
		s.how = fuzz_byte(z);
		segment_set(l, z, &s);
		traffic_segment(&l->t, z, &s);
	}
	traffic_account(&l->t);
}

/* The first byte is the configuration, the rest are steps. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz z = { data, size };
	uint8_t how = fuzz_byte(&z);
	struct life l = {
		.has_table = how & 8,
		.config = { .max_flows = how & 1 ? 4 : 16, .max_held = 4096,
			    .seed = 1, .drop_unknown = how & 2,
			    .translate = how & 4 ? (how >> 4) % 10 :
						   REWRITE_ALL },
	};

	traffic_init(&l.t);
	if (l.has_table)
		traffic_dir_make();
	open_rewriter(&l);
	while (z.left && l.t.n_sent < SENT_MAX)
		step(&l, &z);
	rewrite_free(l.t.r);
	record_table_close(l.config.table);
	return 0;
}
