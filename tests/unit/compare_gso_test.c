/* SPDX-License-Identifier: ISC */
/*
 * GSO frames of the primary that the secondary cuts elsewhere, or repeats in other
 * pieces: which bytes leave when, and whether two senders and a client, of whom one
 * has a small window and one frame is lost, get to the end.
 */
#include "../../common/vnet.h"
#include "../../compare/core/ack.h"
#include "compare_kit.h"

#define FIRST 101u		/* the stream's first byte */
#define UNIT 3u			/* bytes in each segment of a GSO frame */
#define N_BYTES 14u

static const char stream[] = "abcdefghijklmnopqrstuvwxyz";

/* --- what leaves, step by step --- */

struct step {
	char side;		/* P, S; 0 behind the last one */
	unsigned from, to;	/* bytes of the stream */
	unsigned fin;		/* TCP_FIN behind them */
	const char *leaves;	/* "FROM-TO " of each segment; g behind a GSO frame */
};

struct row {
	const char *name;
	struct step steps[7];
};

static const struct row rows[] = {
	{ "whole", {
		{ 'P', 0, 12, 0, "" },
		{ 'S', 0, 12, 0, "0-12g " } } },
	{ "the secondary's window ends in the frame", {
		{ 'P', 0, 12, 0, "" },
		{ 'S', 0, 3, 0, "0-3 " },
		{ 'S', 3, 9, 0, "3-9g " },
		{ 'S', 9, 12, 0, "9-12 " } } },
	{ "and was there first", {
		{ 'S', 0, 6, 0, "" },
		{ 'P', 0, 12, 0, "0-6g " },
		{ 'S', 6, 12, 0, "6-12g " } } },
	{ "it ends in a segment", {
		{ 'P', 0, 12, 0, "" },
		{ 'S', 0, 5, 0, "0-3 " },
		{ 'S', 3, 5, 0, "3-5 " },	/* what it repeats */
		{ 'S', 5, 8, 0, "3-6 " },
		{ 'S', 8, 12, 0, "6-12g " } } },
	{ "it ends in the last segment", {
		{ 'P', 0, 11, 0, "" },
		{ 'S', 0, 10, 0, "0-9g " },
		{ 'S', 10, 11, 0, "9-11 " } } },
	{ "the last segment stays with its FIN", {
		{ 'P', 0, 9, F, "" },
		{ 'S', 0, 9, 0, "0-6g " },
		{ 'S', 6, 9, 0, "6-9 " },
		{ 'S', 9, 9, F, "6-9F " } } },
	{ "a repetition over the edge: the secondary's ends there", {
		{ 'P', 0, 6, 0, "" },
		{ 'S', 0, 6, 0, "0-6g " },
		{ 'P', 6, 12, 0, "" },
		{ 'P', 3, 12, 0, "3-6 " },
		{ 'S', 3, 6, 0, "" },
		{ 'S', 6, 12, 0, "6-12g 6-12g " } } },
	{ "a repetition of a segment over the edge", {
		{ 'P', 0, 2, 0, "" },
		{ 'S', 0, 2, 0, "0-2 " },
		{ 'P', 2, 8, 0, "" },
		{ 'P', 0, 3, 0, "" },
		{ 'S', 0, 2, 0, "0-2 " },
		{ 'S', 2, 8, 0, "0-3 2-8g " } } },
	{ "a repetition before what is left of a frame", {
		{ 'P', 0, 12, 0, "" },
		{ 'S', 0, 7, 0, "0-6g " },
		{ 'P', 3, 6, 0, "3-6 " },
		{ 'P', 4, 10, 0, "4-7 " },
		{ 'S', 7, 12, 0, "6-12g 7-10 " } } },
	{ "a difference in the frame", {
		{ 'P', 0, 12, 0, "" },
		{ 'S', 0, 3, 0, "0-3 " },
		{ 's', 3, 12, 0, "" } } },
};

struct seen {
	struct kit k;		/* the first: the handler gets it */
	char leaves[80];
	size_t len;
};

static void note_release(void *arg, const struct frame *f)
{
	struct seen *seen = arg;
	struct kit *k = &seen->k;
	unsigned from;

	kit_look(k, f);
	if (k->flags & S)
		return;
	from = k->seq - FIRST;
	CHECK(!memcmp(frame_eth(f) + frame_eth_len(f) - k->payload_len,
		      stream + from, k->payload_len));
	CHECK_EQ(!!vnet_gso_size(f), k->payload_len > UNIT);
	seen->len += (size_t)snprintf(
		seen->leaves + seen->len, sizeof(seen->leaves) - seen->len,
		"%u-%u%s%s ", from, from + k->payload_len,
		k->flags & F ? "F" : "", vnet_gso_size(f) ? "g" : "");
}

static void segment(struct kit *k, enum compare_side side, const char *data,
		    unsigned from, unsigned to, unsigned fin)
{
	kit_input(k, side, (struct seg){
		.tag = 2, .proto = PACKET_TCP, .flags = A | fin, .ack = 500,
		.seq = FIRST + from, .data = data + from, .len = to - from,
		.gso = to - from > UNIT ? UNIT : 0,
	});
}

static void open_with(struct kit *k,
		      void (*release)(void *arg, const struct frame *f))
{
	const struct compare_handler handler = {
		.release = release, .differ = kit_on_differ, .arg = k,
	};
	struct compare_config config = kit_config();

	config.max_flows = 16;
	k->now_ns = SEC;
	k->c = compare_new(&config, &handler);
	PRIMARY(k, .tag = 1, .proto = PACKET_TCP, .seq = FIRST - 1, .ack = 500,
		.flags = S | A);
	SECONDARY(k, .tag = 1, .proto = PACKET_TCP, .seq = 7777, .ack = 500,
		  .flags = S | A);
	CHECK(!compare_is_holding(k->c));
}

static void play(const struct row *row)
{
	static const char other[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct seen seen = { .len = 0 };

	open_with(&seen.k, note_release);
	for (const struct step *s = row->steps; s->side; s++) {
		seen.len = 0;
		*seen.leaves = '\0';
		segment(&seen.k, s->side == 'P' ? COMPARE_PRIMARY :
			COMPARE_SECONDARY, s->side == 's' ? other : stream,
			s->from, s->to, s->fin);
		kit_stats(&seen.k);
		if (!strcmp(seen.leaves, s->leaves))
			continue;
		fprintf(stderr, "%s: %c %u-%u: there left '%s', not '%s'\n",
			row->name, s->side, s->from, s->to, seen.leaves,
			s->leaves);
		exit(1);
	}
	CHECK_EQ(seen.k.n_asked, row->steps[2].side == 's');
	kit_fini(&seen.k);
}

static void which_bytes_leave(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		play(&rows[i]);
}

/* --- the pieces --- */

/* A GSO frame of 11 bytes, whose checksum the hardware is to finish, or not. */
static struct frame gso_frame(bool v6, bool is_partial)
{
	struct seg g = { .tag = 2, .proto = PACKET_TCP, .v6 = v6, .seq = FIRST,
			 .flags = A | F | TCP_PSH | TCP_CWR, .data = stream,
			 .len = 11, .gso = UNIT };
	struct frame f = kit_frame(&g);
	struct packet p;

	packet_parse(&p, frame_eth(&f), frame_eth_len(&f));
	if (is_partial) {
		f.data[0] = 1;		/* NEEDS_CSUM: from there, to be put there */
		f.data[6] = (uint8_t)p.l4_off;
		f.data[8] = 16;
		bytes_put16(packet_l4(&p) + 16, (uint16_t)~checksum_fold(
			checksum_pseudo(p.ip_version, p.src, p.dst, PACKET_TCP,
					p.l4_len)));
	}
	return f;
}

static void check_piece(const struct frame *f, bool is_partial, unsigned from,
			unsigned to, unsigned flags)
{
	struct packet p;

	packet_parse(&p, frame_eth(f), frame_eth_len(f));
	CHECK_EQ(p.level, PACKET_L4);
	CHECK_EQ(vnet_is_partial(f, p.l4_off), is_partial);
	CHECK_EQ(vnet_gso_size(f), to - from > UNIT ? UNIT : 0);
	CHECK_EQ(vnet_complete(f), 0);
	CHECK(!kit_tcp_sum(&p));
	CHECK(p.ip_version == 6 ||
	      !checksum_fold(checksum_add(0, p.eth + p.l3_off, 20)));
	CHECK_EQ(p.seq, FIRST + from);
	CHECK_EQ(p.flags, flags);
	CHECK_EQ(p.payload_len, to - from);
	CHECK(!memcmp(packet_payload(&p), stream + from, to - from));
}

static void check_cut(unsigned len, bool v6, bool is_partial)
{
	struct frame rest = gso_frame(v6, is_partial), f;
	struct packet p = ack_cut(&f, &rest, len);

	CHECK_EQ(p.seq, FIRST);
	CHECK_EQ(p.payload_len, len);
	check_piece(&f, is_partial, 0, len, A | TCP_CWR);
	check_piece(&rest, is_partial, len, 11, A | F | TCP_PSH);
	chunk_unref(f.chunk);
	chunk_unref(rest.chunk);
}

/* Either piece is what the hardware would have cut, and FIN and PSH stand at the end,
 * CWR at the beginning. */
static void pieces_are_sound(void)
{
	for (unsigned len = UNIT; len < 11; len += UNIT)
		for (unsigned i = 0; i < 4; i++)
			check_cut(len, i & 1, i & 2);
}

/* --- senders and a client --- */

/* What is different from play to play. */
struct scene {
	unsigned frame;		/* bytes in the frames of the primary */
	unsigned window;	/* bytes the secondary has under way at most */
	unsigned odd;		/* bytes in its first segment */
	unsigned again;		/* bytes that the primary repeats at a time */
	unsigned lost;		/* this one of the released frames gets lost, from 1
				   on; 0 for none */
};

struct net {
	struct kit k;		/* the first: the handler gets it */
	const struct scene *scene;
	unsigned n_released;
	bool has[N_BYTES];	/* at the client */
	unsigned acked;		/* what it has acknowledged; both have heard that */
	unsigned next;		/* the secondary's */
	unsigned recover;	/* up to here both repeat what is acknowledged late */
};

static void to_client(void *arg, const struct frame *f)
{
	struct net *net = arg;

	kit_look(&net->k, f);
	if (net->k.flags & S || ++net->n_released == net->scene->lost)
		return;
	for (unsigned i = 0; i < net->k.payload_len; i++)
		net->has[net->k.seq - FIRST + i] = true;
}

static unsigned lower(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static void send_primary(struct net *net, unsigned from, unsigned to)
{
	segment(&net->k, COMPARE_PRIMARY, stream, from, lower(to, N_BYTES), 0);
}

/* The secondary sends what its window has room for. */
static void send_secondary(struct net *net)
{
	unsigned end = lower(net->acked + net->scene->window, N_BYTES);

	while (net->next < end) {
		unsigned len = net->next ? UNIT : net->scene->odd;
		unsigned to = lower(net->next + len, end);

		segment(&net->k, COMPARE_SECONDARY, stream, net->next, to, 0);
		net->next = to;
	}
}

static void repeat(struct net *net)
{
	send_primary(net, net->acked, net->acked + net->scene->again);
	segment(&net->k, COMPARE_SECONDARY, stream, net->acked,
		lower(net->acked + UNIT, net->next), 0);
}

/* The client acknowledges what it has. Return: whether that is more. */
static bool acknowledge(struct net *net)
{
	unsigned before = net->acked;

	while (net->acked < N_BYTES && net->has[net->acked])
		net->acked++;
	return net->acked > before;
}

/* Return: how often a timer had to run out. */
static unsigned download(const struct scene *scene)
{
	struct net net = { .scene = scene };
	unsigned n_timeouts = 0;

	open_with(&net.k, to_client);
	for (unsigned at = 0; at < N_BYTES; at += scene->frame)
		send_primary(&net, at, at + scene->frame);
	while (net.acked < N_BYTES && n_timeouts < N_BYTES) {
		send_secondary(&net);
		if (!acknowledge(&net)) {
			n_timeouts++;
			net.recover = net.next;
			repeat(&net);
		} else if (net.acked < net.recover) {
			repeat(&net);
		}
	}
	CHECK_EQ(net.acked, N_BYTES);
	kit_fini(&net.k);
	return n_timeouts;
}

static void check_timeouts(const struct scene *s, unsigned max)
{
	unsigned n = download(s);

	if (n <= max)
		return;
	fprintf(stderr, "frames of %u, window %u, first segment %u, %u again, "
		"frame %u lost: %u timeouts\n", s->frame, s->window, s->odd,
		s->again, s->lost, n);
	exit(1);
}

/* A window of a segment is enough to get on without a timer, and one timer for one
 * frame that was lost. */
static void no_timer_has_to_run_out(void)
{
	struct scene s;

	for (s.frame = UNIT; s.frame <= N_BYTES; s.frame++)
		for (s.window = UNIT; s.window <= N_BYTES; s.window++)
			for (s.odd = 1; s.odd <= UNIT; s.odd++)
				for (s.again = UNIT; s.again <= 9; s.again++)
					for (s.lost = 0; s.lost < 5; s.lost++)
						check_timeouts(&s, !!s.lost);
}

int main(void)
{
	TEST(which_bytes_leave);
	TEST(pieces_are_sound);
	TEST(no_timer_has_to_run_out);
	return TEST_END();
}
