/* SPDX-License-Identifier: ISC */
/*
 * The comparison, in steps that two replicas, a checkpoint and a clock could
 * take, and some that only an enemy would. After each step the account is exact,
 * and what flows are marked with is what their queues say.
 */
#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#include "../../common/stats.h"
#include "../../compare/core/core.h"
#include "../../compare/core/flows.h"
#include "../../compare/diff/diff.h"
#include "compare_traffic.h"

#define RECENT 16u		/* frames that may be said again; a power of 2 */
#define MS UINT64_C(1000000)
#define RING_BYTES 4096u

struct run {
	struct compare *c;
	struct compare_config config;
	struct diff diff;
	enum diff_cause cause;
	struct learn learnt;
	struct frame recent[RECENT];	/* kept for the other side */
	unsigned n_recent;
	struct frame batch[RECENT];	/* said together */
	unsigned n_batch;
	enum compare_side batch_side;
	uint64_t now_ns, n_in, n_out;
};

static void on_release(void *arg, const struct frame *f)
{
	struct run *r = arg;

	assert(f->len > f->vnet_len);
	r->n_out++;
}

static void on_differ(void *arg, const struct compare_difference *d)
{
	struct run *r = arg;

	if (r->config.report_only)
		diff_differ(&r->diff, d, r->cause);
}

static void on_midstream(void *arg, const struct compare_midstream *m)
{
	struct run *r = arg;

	diff_midstream(&r->diff, m);
}

static void on_over_share(void *arg, const struct compare_over_share *s)
{
	(void)arg;
	assert(s->flow);
}

static void on_waits(void *arg, const struct compare_wait *w)
{
	(void)arg;
	assert(w->flow && *compare_wait_text(w->what));
}

/* --- what must always be so --- */

static bool is_syn_there(const struct compare *c, const struct hold_queue *q)
{
	const struct hold *h = hold_at(&c->pool, q->head);

	while (h && !(h->flags & TCP_SYN))
		h = hold_at(&c->pool, h->next);
	return h;
}

/* Return: packets in it */
static uint64_t check_queue(const struct compare *c, const struct cmp_flow *fl,
			    unsigned side)
{
	const struct hold_queue *q = &fl->q[side];
	uint32_t i = q->head, prev = HOLD_NONE, n = 0;

	for (; i != HOLD_NONE; i = hold_at(&c->pool, i)->next) {
		const struct hold *h = hold_at(&c->pool, i);

		assert(h->prev == prev && h->side == side);
		assert(flow_at(c->flows, h->flow) == fl);
		assert(h->kind == HOLD_PACKET || h->kind == HOLD_WHOLE);
		assert(!fl->is_tcp || (h->kind == HOLD_PACKET && h->header_len));
		prev = i;
		n++;
	}
	assert(n == q->n && prev == q->tail);
	return n;
}

static void check_flow(const struct compare *c, const struct cmp_flow *fl,
		       unsigned list)
{
	const struct flow_key *key = flow_get_key(c->flows, fl);
	uint64_t n[2] = { check_queue(c, fl, 0), check_queue(c, fl, 1) };

	assert(fl->is_tcp == (key->proto == PACKET_TCP &&
			      !(key->tag[1] & KEY_DATAGRAM)));
	assert(!(fl->flags & FLOW_SUSPECT) == (list != LIST_SUSPECT));
	assert(!(fl->flags & FLOW_DIFFERENT) == (list != LIST_DIFFERENT));
	assert(list != LIST_SUSPECT || (n[0] && n[1] && !fl->is_tcp));
	if (!fl->is_tcp)
		return;
	assert(!(fl->flags & FLOW_PRIMARY_SYN) == !is_syn_there(c, &fl->q[0]));
	assert(!(fl->flags & FLOW_SECONDARY_SYN) ==
	       !is_syn_there(c, &fl->q[1]));
}

static void check_flows(const struct compare *c)
{
	uint32_t n_holding = 0, n = 0;

	for (unsigned list = 0; list < FLOW_LISTS; list++) {
		const struct cmp_flow *fl = flow_oldest(c->flows, list);

		for (; fl; fl = flow_next(c->flows, fl)) {
			check_flow(c, fl, list);
			n_holding += flows_holds(fl);
			n++;
		}
	}
	assert(n == flow_count(c->flows) && n_holding == c->account.n_holding);
}

static void check(const struct run *r)
{
	struct stats s = { 0 };

	compare_stats(r->c, &s);
	assert(s.in == r->n_in && s.out == r->n_out);
	assert(s.held <= r->n_in);
	assert(s.in + s.originated + s.copied ==
	       s.out + s.merged + s.held + stats_dropped(&s));
	check_flows(r->c);
}

/* --- steps --- */

static void say_batch(struct run *r)
{
	if (!r->n_batch)
		return;
	r->n_in += r->n_batch;
	compare_input(r->c, r->batch_side, r->batch, r->n_batch, r->now_ns);
	for (unsigned i = 0; i < r->n_batch; i++)
		chunk_unref(r->batch[i].chunk);
	r->n_batch = 0;
}

/* Captures are looked at before they are compared. */
static bool is_comparable(struct run *r, enum compare_side side,
			  const struct frame *f)
{
	struct packet p;

	packet_parse(&p, frame_eth(f), frame_eth_len(f));
	if (!r->config.report_only)
		return true;
	if (!diff_from_selects(&r->diff.from, &p))
		return false;
	r->diff.sums.n_packets[side]++;
	r->diff.sums.n_cut[side] += p.truncated;
	return !p.truncated || (!p.fragment && p.level != PACKET_IP);
}

static void say(struct run *r, enum compare_side side, const struct frame *f,
		bool at_once)
{
	if (f->len <= f->vnet_len || !is_comparable(r, side, f))
		return;
	if (r->batch_side != side || r->n_batch == RECENT)
		say_batch(r);
	r->batch_side = side;
	/* what is released is changed in place */
	r->batch[r->n_batch++] = frame_of(f->data, f->len, f->vnet_len);
	if (at_once)
		say_batch(r);
}

static void say_new(struct run *r, uint8_t op, struct fuzz *z)
{
	struct frame *f = &r->recent[r->n_recent++ % RECENT];
	enum compare_side side = op & 16 ? COMPARE_SECONDARY : COMPARE_PRIMARY;

	chunk_unref(f->chunk);
	*f = traffic_frame(z);
	say(r, side, f, !(op & 128));
	if (op & 32)
		say(r, (enum compare_side)!side, f, !(op & 128));
}

static void say_again(struct run *r, uint8_t op, struct fuzz *z)
{
	const struct frame *f = &r->recent[fuzz_byte(z) % RECENT];

	if (f->chunk)
		say(r, op & 16 ? COMPARE_SECONDARY : COMPARE_PRIMARY, f,
		    !(op & 128));
}

static void checkpoint(struct run *r, uint8_t op)
{
	if (op & 16)
		compare_copied(r->c);
	compare_flush(r->c, r->now_ns);
	if (op & 32)
		compare_grace(r->c, r->now_ns + 2000 * MS);
}

static void wait(struct run *r, uint8_t op, struct fuzz *z)
{
	uint64_t ns = fuzz_byte(z) * (op & 16 ? 20 * MS : MS / 10);

	if (op & 32)
		r->now_ns = r->now_ns > ns ? r->now_ns - ns : 0;
	else
		r->now_ns += ns;
	if (op & 64)
		r->now_ns += 3600 * 1000 * MS;
	if (op & 128 && !r->config.report_only)
		compare_expire(r->c, r->now_ns);
	assert(compare_due_ns(r->c) > 0);
}

static void step(struct run *r, struct fuzz *z)
{
	uint8_t op = fuzz_byte(z);

	if (op % 16 > 9)
		say_batch(r);
	switch (op % 16) {
	default:
		say_new(r, op, z);
		break;
	case 6:
	case 7:
	case 8:
	case 9:
		say_again(r, op, z);
		break;
	case 10:
	case 11:
		wait(r, op, z);
		break;
	case 12:
		compare_expire(r->c, r->now_ns);
		break;
	case 13:
		checkpoint(r, op);
		break;
	case 14:
		r->diff.known.is_learning = op & 16;
		r->cause = op & 64 ? DIFF_CAUSE_ROOM :
			   op & 32 ? DIFF_CAUSE_END : DIFF_CAUSE_TIME;
		break;
	case 15:
		if (op == 0xff)
			compare_failover(r->c, r->now_ns);
	}
}

/* --- begin and end --- */

static void config_report(struct compare_config *config, uint8_t how)
{
	config->report_only = true;
	config->own_isn = how & 1;
	config->pair_order = how & 2;
	config->repeats = (how & 48) == 48;
	config->ignore_addr = config->ignore_mac = how & 4;
	if (how & 8)
		config->timeout_ns = config->reorder_ns = COMPARE_AT_END_NS;
}

static struct compare_config config_of(struct fuzz *z)
{
	uint8_t how = fuzz_byte(z), more = fuzz_byte(z);
	struct compare_config config = {
		.timeout_ns = 3000 * MS, .reorder_ns = 100 * MS,
		.gap_ns = how & 1 ? 300 * MS : 0, .max_queue = 8,
		.max_bytes = how & 2 ? 65536 : 4096, .max_flows = 6, .seed = 1,
		.ack_policy = (enum compare_ack_policy)(more % 3),
		.compare_non_ip = how & 4, .holds = how & 8,
		.full_waits = how & 16,
	};

	if (how & 32) {
		config.max_flow_bytes = config.max_bytes / 4;
		config.max_client_bytes = config.max_bytes / 3;
	}
	if (how & 128) {
		config.holds = config.full_waits = false;
		config_report(&config, more);
	}
	return config;
}

static char ring[] = "/tmp/colo-fuzz-XXXXXX", ring_before[sizeof(ring) + 2];

static void remove_ring(void)
{
	unlink(ring);
	unlink(ring_before);
}

/* A ring turns only where there are files. */
static const char *ring_path(void)
{
	if (*ring_before)
		return ring;
	close(mkstemp(ring));
	snprintf(ring_before, sizeof(ring_before), "%s.1", ring);
	atexit(remove_ring);
	return ring;
}

static void begin_diff(struct run *r, uint8_t how)
{
	static FILE *null;

	if (!null)
		null = fopen("/dev/null", "w");
	assert(null);
	r->diff = (struct diff){ .print.text = null, .known.learn = &r->learnt };
	if (how & 1)
		r->diff.print.json = null;
	if (how & 2)
		assert(!diff_pcap_open(&r->diff.pcap,
				       how & 32 ? ring_path() : "/dev/null",
				       how & 32 ? RING_BYTES : 0));
	if (how & 4)
		assert(!diff_from_parse(&r->diff.from, ":80"));
	if (how & 8)
		r->diff.known.ignore = (struct ignore){
			.spans = { { 4, 8 } }, .n_spans = 1,
			.headers = { "Date" }, .n_headers = 1,
		};
	if (how & 16)
		r->diff.clock.now_ns = 1;
}

static void end(struct run *r)
{
	say_batch(r);
	check(r);
	if (r->config.report_only)
		compare_end(r->c);
	else
		compare_flush(r->c, r->now_ns);
	check(r);
	assert(!compare_is_holding(r->c));
	diff_sums_print(&r->diff.sums, r->diff.print.text);
	if (r->diff.pcap)
		diff_pcap_close(r->diff.pcap);
	diff_flows_print(&r->diff.flows, r->diff.print.text);
	diff_flows_fini(&r->diff.flows);
	learn_fini(&r->learnt);
	compare_free(r->c);
	for (unsigned i = 0; i < RECENT; i++)
		chunk_unref(r->recent[i].chunk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz z = { data, size };
	struct run r = { .now_ns = 1000 * MS, .config = config_of(&z) };
	const struct compare_handler handler = {
		.release = on_release, .differ = on_differ, .arg = &r,
		.midstream = on_midstream, .waits = on_waits,
		.over_share = on_over_share,
	};

	begin_diff(&r, fuzz_byte(&z));
	r.c = compare_new(&r.config, &handler);
	assert(r.c);
	while (z.left) {
		step(&r, &z);
		check(&r);
	}
	end(&r);
	return 0;
}
