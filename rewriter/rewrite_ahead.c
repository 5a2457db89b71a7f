/* SPDX-License-Identifier: ISC */
/*
 * A peer that is ahead of the guest: it acknowledges bytes that it got from the
 * primary and that the secondary guest has not sent yet. That happens whenever
 * something let the primary's output go before the secondary had said the same.
 * A TCP stack drops a segment with such an acknowledgement, and the data in it
 * (RFC 9293 section 3.10.7.4): the guest would hear nothing of this peer again.
 *
 * So the rewriter remembers behind which byte the guest has sent (guest_nxt)
 * and what the peer has acknowledged (peer_ack):
 *
 *	towards the guest	an acknowledgement beyond guest_nxt is lowered
 *				to it, SACK blocks beyond it are taken out
 *	from the guest		bytes that the peer has acknowledged before the
 *				guest sent them are acknowledged here. The peer
 *				does not see them and would say nothing more.
 *				Not after a failover: then it sees them.
 *
 * An acknowledgement is lowered only where guest_nxt is certain, which the flag
 * REWRITE_EXACT says. It becomes certain
 *
 *	with the guest's SYN;
 *	with an empty segment of the guest, whose sequence number is SND.NXT. It
 *	does not count when it is lower than what the peer has acknowledged:
 *	then it may be a keepalive or a probe of a closed window, which are one
 *	below SND.UNA;
 *	when the guest sends the same bytes twice after the peer acknowledged
 *	them: it does not take the acknowledgement. guest_nxt may be too low
 *	then, which costs repetitions and no connection.
 *
 * After a checkpoint the guest is a copy of the primary and has sent what was
 * not seen here, so REWRITE_EXACT is off until one of the last two happens.
 *
 * Somebody who can forge segments could make us acknowledge what the peer never
 * got. Therefore a segment of the peer counts only when its own sequence number
 * is one that the guest may be waiting for.
 *
 * The state is in each flow: guest_nxt, peer_ack with peer_window and peer_ts,
 * deaf_seq, and their flags. rewrite_track.c begins it, rewrite_translate.c
 * keeps it up. Only rewrite_ahead_answer() emits a frame.
 */
#include "rewrite_ahead.h"

#include <string.h>

#include "../common/bytes.h"
#include "../common/checksum.h"
#include "../common/seq.h"

#define AHEAD_MAX (1u << 30)	/* the largest window: RFC 7323 section 2.3 */
#define ANSWER_MAX (1u << 26)	/* of lead within which the guest is answered */
#define EXPECTED_MAX (1u << 26)	/* where the peer's next bytes may be */

#define IPV4_LEN 20u
#define IPV6_LEN 40u
#define TCP_LEN 20u
#define TIMESTAMP_LEN 12u	/* with the two NOPs before it */
#define L2_LEN_MAX 22u		/* Ethernet with two tags */
#define ANSWER_LEN_MAX (L2_LEN_MAX + IPV6_LEN + TCP_LEN + TIMESTAMP_LEN)
#define TTL 64u

/* The sequence number behind a segment. */
static uint32_t end_of(const struct packet *p)
{
	return p->seq + p->payload_len + !!(p->flags & TCP_SYN) +
	       !!(p->flags & TCP_FIN);
}

/* What the peer has acknowledged, in guest space. */
static uint32_t peer_ack(const struct rewrite_flow *fl)
{
	return fl->peer_ack + fl->offset;
}

/**
 * rewrite_ahead_begin() - Note how far the guest has sent with its SYN
 * @fl:	flow; its guest_isn is still that of an earlier SYN, if there was one
 * @p:	SYN or SYN+ACK from the guest
 */
void rewrite_ahead_begin(struct rewrite_flow *fl, const struct packet *p)
{
	const unsigned known = REWRITE_HAS_NXT | REWRITE_HAS_GUEST_ISN;

	if ((fl->flags & known) == known && fl->guest_isn == p->seq)
		fl->guest_nxt = seq_max(fl->guest_nxt, end_of(p));
	else
		fl->guest_nxt = end_of(p);
	fl->flags |= REWRITE_HAS_NXT | REWRITE_EXACT;
}

/* An empty segment of the guest shows its SND.NXT, or a number below that. */
static void empty_note(struct rewrite_flow *fl, const struct packet *p)
{
	bool is_exact = fl->flags & REWRITE_HAS_PEER_ACK &&
			seq_ge(p->seq, peer_ack(fl));

	if (!(fl->flags & REWRITE_EXACT) && !is_exact)
		return;
	if (fl->flags & (REWRITE_EXACT | REWRITE_HAS_NXT) &&
	    seq_lt(p->seq, fl->guest_nxt))
		return;
	fl->guest_nxt = p->seq;
	fl->flags |= REWRITE_HAS_NXT | REWRITE_EXACT;
}

/* Has the peer acknowledged bytes of a guest's segment already? */
static bool is_acknowledged(const struct rewrite_flow *fl,
			    const struct packet *p)
{
	return fl->flags & REWRITE_HAS_PEER_ACK && seq_lt(p->seq, peer_ack(fl));
}

/* Does the guest repeat bytes, a second time after the peer acknowledged them?
 * Then it is deaf to the acknowledgement. */
static bool is_deaf(const struct rewrite_flow *fl, const struct packet *p)
{
	return fl->flags & REWRITE_HAS_DEAF_SEQ && fl->deaf_seq == p->seq &&
	       is_acknowledged(fl, p);
}

/* Remember what the guest repeats in vain: the first of the segments that it
 * repeats between two acknowledgements of the peer. */
static void repetition_note(struct rewrite_flow *fl, const struct packet *p)
{
	if (is_deaf(fl, p)) {
		fl->flags |= REWRITE_EXACT;
	} else if (is_acknowledged(fl, p) && !(fl->flags & REWRITE_REPEATING)) {
		fl->deaf_seq = p->seq;
		fl->flags |= REWRITE_HAS_DEAF_SEQ | REWRITE_REPEATING;
	}
}

/**
 * rewrite_ahead_sent() - Note how far the guest has sent
 * @fl:	flow, REWRITE_KNOWN
 * @p:	segment from the guest
 *
 * Return: true if the segment repeats bytes, or may do so because not all that
 *	   the guest sent before was seen.
 */
bool rewrite_ahead_sent(struct rewrite_flow *fl, const struct packet *p)
{
	uint32_t end = end_of(p);
	bool has_nxt = fl->flags & REWRITE_HAS_NXT;

	if (p->flags & TCP_RST)
		return false;
	if (end == p->seq) {
		empty_note(fl, p);
		return false;
	}
	if (has_nxt && seq_ge(p->seq, fl->guest_nxt)) {
		fl->guest_nxt = end;
		return false;
	}
	if (has_nxt || fl->flags & REWRITE_EXACT)
		fl->guest_nxt = seq_max(fl->guest_nxt, end);
	else
		fl->guest_nxt = end;
	fl->flags |= REWRITE_HAS_NXT;
	repetition_note(fl, p);
	return !(p->flags & TCP_SYN);
}

/* May the guest be waiting for this segment of the peer? */
static bool is_expected(const struct rewrite_flow *fl, const struct packet *p)
{
	return !(p->flags & TCP_RST) && seq_ge(end_of(p), fl->peer_nxt) &&
	       seq_lt(p->seq, fl->peer_nxt + EXPECTED_MAX);
}

/**
 * rewrite_ahead_heard() - Note what the peer has acknowledged
 * @fl:	flow, REWRITE_KNOWN
 * @s:	segment from the peer, with an ACK
 */
void rewrite_ahead_heard(struct rewrite_flow *fl,
			 const struct rewrite_segment *s)
{
	const struct packet *p = &s->p;

	if (!is_expected(fl, p))
		return;
	if (fl->flags & REWRITE_HAS_PEER_ACK && seq_lt(p->ack, fl->peer_ack))
		return;
	fl->peer_ack = p->ack;
	fl->peer_window = p->window;
	if (s->options.timestamp)
		fl->peer_ts = bytes_get32(packet_l4(p) + s->options.timestamp);
	fl->flags |= REWRITE_HAS_PEER_ACK;
	fl->flags &= ~(unsigned)REWRITE_REPEATING;
}

/**
 * rewrite_ahead_is_beyond() - Does the peer name bytes the guest has not sent?
 * @r:	rewriter
 * @fl:	flow
 * @at:	acknowledgement or SACK edge of the peer, in guest space
 *
 * Return: true where it is certain that the guest has not sent all before @at.
 */
bool rewrite_ahead_is_beyond(const struct rewrite *r,
			     const struct rewrite_flow *fl, uint32_t at)
{
	return fl->flags & REWRITE_EXACT && seq_gt(at, fl->guest_nxt) &&
	       at - fl->guest_nxt <= AHEAD_MAX &&
	       r->config.translate != REWRITE_NO_LOWER;
}

/* --- the peer's acknowledgement, when the guest gets there --- */

static uint8_t *put_ipv4(uint8_t *ip, const struct packet *p, uint32_t tcp_len)
{
	memset(ip, 0, IPV4_LEN);
	ip[0] = 0x45;
	bytes_put16(ip + 2, (uint16_t)(IPV4_LEN + tcp_len));
	bytes_put16(ip + 6, 0x4000);		/* do not fragment */
	ip[8] = TTL;
	ip[9] = PACKET_TCP;
	memcpy(ip + 12, p->dst, 4);
	memcpy(ip + 16, p->src, 4);
	bytes_put16(ip + 10, checksum_fold(checksum_add(0, ip, IPV4_LEN)));
	return ip + IPV4_LEN;
}

static uint8_t *put_ipv6(uint8_t *ip, const struct packet *p, uint32_t tcp_len)
{
	memset(ip, 0, IPV6_LEN);
	ip[0] = 0x60;
	bytes_put16(ip + 4, (uint16_t)tcp_len);
	ip[6] = PACKET_TCP;
	ip[7] = TTL;
	memcpy(ip + 8, p->dst, 16);
	memcpy(ip + 24, p->src, 16);
	return ip + IPV6_LEN;
}

/* An empty segment from the peer that acknowledges one of the guest's. */
static void put_tcp(uint8_t *tcp, const struct rewrite_flow *fl,
		    const struct rewrite_segment *s, uint32_t ack,
		    uint32_t tcp_len)
{
	const struct packet *p = &s->p;
	uint32_t sum;

	memset(tcp, 0, tcp_len);
	bytes_put16(tcp, p->dport);
	bytes_put16(tcp + 2, p->sport);
	bytes_put32(tcp + 4, seq_max(fl->peer_nxt, p->ack));
	bytes_put32(tcp + 8, ack);
	tcp[12] = (uint8_t)(tcp_len / 4 << 4);
	tcp[13] = TCP_ACK;
	bytes_put16(tcp + 14, fl->peer_window);
	if (s->options.timestamp) {
		memcpy(tcp + TCP_LEN, "\1\1\10\12", 4);
		bytes_put32(tcp + TCP_LEN + 4, fl->peer_ts);
		memcpy(tcp + TCP_LEN + 8, packet_l4(p) + s->options.timestamp,
		       4);
	}
	sum = checksum_pseudo(p->ip_version, p->dst, p->src, PACKET_TCP,
			      tcp_len);
	bytes_put16(tcp + 16, checksum_fold(checksum_add(sum, tcp, tcp_len)));
}

/* The same in a frame, from where the guest's goes to. Return: the bytes. */
static uint32_t answer_put(uint8_t *at, const struct rewrite_flow *fl,
			   const struct rewrite_segment *s, uint32_t ack)
{
	const struct packet *p = &s->p;
	uint32_t tcp_len = TCP_LEN + (s->options.timestamp ? TIMESTAMP_LEN : 0);
	uint8_t *tcp;

	memcpy(at, p->eth + 6, 6);
	memcpy(at + 6, p->eth, 6);
	memcpy(at + 12, p->eth + 12, p->l3_off - 12u);
	tcp = p->ip_version == 4 ? put_ipv4(at + p->l3_off, p, tcp_len) :
				   put_ipv6(at + p->l3_off, p, tcp_len);
	put_tcp(tcp, fl, s, ack, tcp_len);
	return (uint32_t)(tcp - at) + tcp_len;
}

/* Can a segment of the guest be acknowledged in the peer's name? The peer has
 * acknowledged it already. */
static bool is_answerable(const struct rewrite *r,
			  const struct rewrite_flow *fl, const struct packet *p)
{
	return is_acknowledged(fl, p) &&
	       peer_ack(fl) - p->seq <= ANSWER_MAX && end_of(p) != p->seq &&
	       !(p->flags & (TCP_SYN | TCP_RST)) && !p->fragment &&
	       p->l3_off <= L2_LEN_MAX &&
	       !r->failed_over && r->config.translate != REWRITE_NO_LOWER;
}

/**
 * rewrite_ahead_answer() - Acknowledge to the guest what the peer has already
 * @r:	rewriter
 * @fl:	flow, REWRITE_KNOWN
 * @s:	segment from the guest, still with the guest's numbers
 *
 * To be called before rewrite_ahead_sent() looks at the segment. Acknowledges,
 * through emit(), bytes that the guest had not sent before, and bytes that it
 * repeats again and again, deaf to the acknowledgements that it got.
 */
void rewrite_ahead_answer(struct rewrite *r, const struct rewrite_flow *fl,
			  const struct rewrite_segment *s)
{
	uint32_t nxt = seq_max(fl->guest_nxt, end_of(&s->p));
	bool is_new = fl->flags & REWRITE_EXACT && nxt != fl->guest_nxt;
	struct chunk *chunk;
	struct frame f;

	if (!is_answerable(r, fl, &s->p) || !(is_new || is_deaf(fl, &s->p)))
		return;
	chunk = chunk_new(ANSWER_LEN_MAX);
	f = (struct frame){ .chunk = chunk, .data = chunk->bytes };
	f.len = answer_put(f.data, fl, s, seq_min(peer_ack(fl), nxt));
	r->ahead.n_originated++;
	r->handler.emit(r->handler.arg, REWRITE_TX, &f, 1);
	chunk_unref(chunk);
}

/* The lead of peers in the flows of one state; those flows are counted. */
static uint64_t bytes_in(const struct rewrite *r, enum rewrite_state state,
			 uint32_t *n_flows)
{
	const unsigned facts = REWRITE_EXACT | REWRITE_HAS_PEER_ACK;
	const struct rewrite_flow *fl;
	uint64_t bytes = 0;

	for (fl = flow_oldest(r->flows.table, state); fl;
	     fl = flow_next(r->flows.table, fl)) {
		if (fl->epoch != r->flows.epoch ||
		    (fl->flags & facts) != facts ||
		    !rewrite_ahead_is_beyond(r, fl, peer_ack(fl)))
			continue;
		bytes += peer_ack(fl) - fl->guest_nxt;
		++*n_flows;
	}
	return bytes;
}

/**
 * rewrite_ahead_bytes() - How far are peers ahead of the guest?
 * @r:		rewriter
 * @n_flows:	set: connections whose peer is ahead
 *
 * Walks all connections. Not counted are bytes that peers have got and not
 * acknowledged, and connections whose guest_nxt is not certain.
 *
 * Return: bytes that peers have acknowledged and the guest has not sent.
 */
uint64_t rewrite_ahead_bytes(const struct rewrite *r, uint32_t *n_flows)
{
	*n_flows = 0;
	return bytes_in(r, REWRITE_ESTABLISHED, n_flows) +
	       bytes_in(r, REWRITE_CLOSING, n_flows);
}
