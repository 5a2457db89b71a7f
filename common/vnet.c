/* SPDX-License-Identifier: ISC */
/*
 * Frames of a virtual machine, made fit for the plain form.
 *
 *	nothing asked	the view itself, without its header
 *	NEEDS_CSUM	a copy, with the checksum finished
 *	GSO		plain frames of at most gso_size payload bytes each; every
 *			checksum and length anew, whatever the large one said
 *
 * A frame whose header and bytes contradict each other yields -EINVAL and
 * nothing else. The cut frames lie side by side in chunks of at most
 * CHUNK_BYTES. Whoever gets them may keep them all, so a frame is not cut into
 * more than any stack would have: a gso_size of 1 would make 8 MiB of 64 KiB.
 * UFO, which virtio has but no stack still makes, is -EINVAL; so are IPv6
 * jumbograms.
 */
#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "checksum.h"
#include "packet.h"
#include "vnet.h"

enum {				/* virtio_net_hdr.flags */
	VNET_NEEDS_CSUM = 1,
};

enum {				/* virtio_net_hdr.gso_type */
	VNET_GSO_NONE = 0,
	VNET_GSO_TCPV4 = 1,
	VNET_GSO_TCPV6 = 4,
	VNET_GSO_UDP_L4 = 5,
	VNET_GSO_ECN = 0x80,
};

enum {				/* bytes of a transport header */
	TCP_SEQ_AT = 4,
	TCP_FLAGS_AT = 13,
	TCP_CSUM_AT = 16,
	UDP_LEN_AT = 4,
	UDP_CSUM_AT = 6,
	SCTP_CSUM_AT = 8,
};

#define PREFIX_LEN 4u		/* room for the plain wire's prefix */
#define HEADERS_MAX 512u	/* all headers of a frame that is cut */

/* The members that matter; hdr_len is a hint, num_buffers the device's. */
struct vnet_header {
	uint8_t flags;
	uint8_t gso_type;
	uint16_t gso_size;
	uint16_t csum_start;
	uint16_t csum_offset;
};

static uint16_t get_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static struct vnet_header header_get(const uint8_t *p)
{
	return (struct vnet_header){
		.flags = p[0],
		.gso_type = p[1],
		.gso_size = get_le16(p + 4),
		.csum_start = get_le16(p + 6),
		.csum_offset = get_le16(p + 8),
	};
}

/**
 * vnet_is_trivial() - Can the virtio-net header just be left off?
 * @f:	frame
 *
 * Return: true when it asks for nothing, and for a frame without one.
 */
bool vnet_is_trivial(const struct frame *f)
{
	return !f->vnet_len || (!(f->data[0] & VNET_NEEDS_CSUM) &&
				f->data[1] == VNET_GSO_NONE);
}

/**
 * vnet_is_partial() - Does a checksum hold the pseudo header's part only?
 * @f:		frame
 * @l4_off:	where the header with the checksum is, from the Ethernet header on
 *
 * Then whoever receives the frame finishes the sum (VIRTIO 1.2, 5.1.6.2), and no
 * number in the segment is part of it yet. In a tunnel the inner sum may be so
 * while the outer is whole: where the sum begins tells which is meant.
 *
 * Return: true when the virtio-net header asks for the sum that begins there
 */
bool vnet_is_partial(const struct frame *f, uint32_t l4_off)
{
	return f->vnet_len && (f->data[0] & VNET_NEEDS_CSUM) &&
	       header_get(f->data).csum_start == l4_off;
}

/**
 * vnet_gso_size() - Bytes of payload in each segment to be cut from a frame
 * @f:		frame
 *
 * Return: what the virtio-net header says; 0 for a frame that is not to be cut
 */
uint16_t vnet_gso_size(const struct frame *f)
{
	struct vnet_header h;

	if (!f->vnet_len)
		return 0;
	h = header_get(f->data);
	return h.gso_type == VNET_GSO_NONE ? 0 : h.gso_size;
}

/**
 * vnet_clear_gso() - A frame has become short enough that it need not be cut
 * @f:		frame with a virtio-net header, which changes
 */
void vnet_clear_gso(const struct frame *f)
{
	f->data[1] = VNET_GSO_NONE;
	memset(f->data + 4, 0, 2);
}

/* SCTP's is no sum of 16 bits but a CRC of 32. */
static bool is_sctp(const struct frame *f, const struct vnet_header *h)
{
	struct packet p;

	if (h->csum_offset != SCTP_CSUM_AT)
		return false;
	packet_parse(&p, frame_eth(f), frame_eth_len(f));
	return p.level == PACKET_IP && p.proto == PACKET_SCTP &&
	       p.l4_off == h->csum_start;
}

/* Where the checksum that is to be finished stands, or NULL. */
static uint8_t *csum_field(const struct frame *f, const struct vnet_header *h)
{
	uint32_t at = (uint32_t)h->csum_start + h->csum_offset;
	uint32_t len = is_sctp(f, h) ? 4 : 2;

	return at + len <= frame_eth_len(f) ? frame_eth(f) + at : NULL;
}

/* Of what IP says exists: behind it there may be padding. */
static void crc_finish(const struct frame *f, uint8_t *field)
{
	struct packet p;
	uint32_t crc;

	packet_parse(&p, frame_eth(f), frame_eth_len(f));
	memset(field, 0, 4);
	crc = checksum_crc32c(packet_l4(&p), p.l4_len);
	for (unsigned i = 0; i < 4; i++)
		field[i] = (uint8_t)(crc >> 8 * i);
}

/*
 * The sum runs to the end of the frame (VIRTIO 1.2, 5.1.6.2) and includes the
 * field, where the sender left the sum of the pseudo header. A result of 0 is
 * written as 0xffff: the same number, and UDP's 0 means none.
 */
static void csum_finish(const struct frame *f, const struct vnet_header *h,
			uint8_t *field)
{
	uint32_t len = frame_eth_len(f) - h->csum_start;
	uint16_t csum;

	if (is_sctp(f, h)) {
		crc_finish(f, field);
		return;
	}
	csum = checksum_fold(checksum_add(0, frame_eth(f) + h->csum_start,
					  len));
	bytes_put16(field, csum ? csum : 0xffff);
}

/**
 * vnet_complete() - Finish a partial checksum in place
 * @f:	frame; its bytes and the flag in its virtio-net header change
 *
 * Return: 0, also where nothing was to be done; -EINVAL when the field lies
 *	   beyond the frame, which is untouched then.
 */
int vnet_complete(const struct frame *f)
{
	struct vnet_header h;
	uint8_t *field;

	if (!f->vnet_len)
		return 0;
	h = header_get(f->data);
	if (!(h.flags & VNET_NEEDS_CSUM))
		return 0;
	field = csum_field(f, &h);
	if (!field)
		return -EINVAL;
	csum_finish(f, &h, field);
	f->data[0] &= (uint8_t)~VNET_NEEDS_CSUM;
	return 0;
}

/* The same frame without its virtio-net header; a view of the same bytes. */
static struct frame header_off(const struct frame *f)
{
	struct frame plain = *f;

	if (f->vnet_len) {
		plain.data = frame_eth(f);
		plain.len = frame_eth_len(f);
		plain.vnet_len = 0;
		plain.prefix_len = 0;
	}
	return plain;
}

/* A plain frame in a chunk that has room for it and its prefix at off. */
static struct frame frame_put(struct chunk *c, uint32_t off, uint32_t len,
			      uint64_t time_ns)
{
	frame_prefix_put(c->bytes + off, len, 0, false);
	return (struct frame){
		.chunk = c,
		.data = c->bytes + off + PREFIX_LEN,
		.len = len,
		.prefix_len = PREFIX_LEN,
		.time_ns = time_ns,
	};
}

static int complete_to_plain(const struct frame *f, const struct vnet_header *h,
			     void (*emit)(void *arg, const struct frame *plain),
			     void *arg)
{
	uint32_t len = frame_eth_len(f);
	struct frame plain;

	if (!csum_field(f, h))
		return -EINVAL;
	plain = frame_put(chunk_new(PREFIX_LEN + len), 0, len, f->time_ns);
	memcpy(plain.data, frame_eth(f), len);
	csum_finish(&plain, h, csum_field(&plain, h));
	emit(arg, &plain);
	chunk_unref(plain.chunk);
	return 0;
}

/* A large segment that is being cut. */
struct cut {
	struct packet p;
	uint32_t gso_size;	/* payload bytes of every frame but the last */
	uint32_t n;		/* frames it makes */
};

static bool gso_type_fits(uint8_t type, const struct packet *p)
{
	switch (type & ~VNET_GSO_ECN) {
	case VNET_GSO_TCPV4:
		return p->proto == PACKET_TCP && p->ip_version == 4;
	case VNET_GSO_TCPV6:
		return p->proto == PACKET_TCP && p->ip_version == 6;
	case VNET_GSO_UDP_L4:
		return p->proto == PACKET_UDP && !(type & VNET_GSO_ECN);
	default:
		return false;
	}
}

/* 64 KiB at the smallest segment that Linux sends (tcp_min_snd_mss). */
#define CUTS_MAX (65536u / 48u)

/* Is it what its header says, and can it be cut? */
static int cut_init(struct cut *c, const struct frame *f,
		    const struct vnet_header *h)
{
	struct packet *p = &c->p;

	packet_parse(p, frame_eth(f), frame_eth_len(f));
	if (p->level != PACKET_L4 || p->fragment || p->truncated ||
	    !gso_type_fits(h->gso_type, p))
		return -EINVAL;
	if (p->proto == PACKET_TCP && (p->flags & (TCP_SYN | TCP_RST)))
		return -EINVAL;
	if (!h->gso_size || p->payload_off > HEADERS_MAX ||
	    p->len - p->l3_off > UINT16_MAX)
		return -EINVAL;
	if ((h->flags & VNET_NEEDS_CSUM) &&
	    (h->csum_start != p->l4_off ||
	     h->csum_offset != (p->proto == PACKET_TCP ? TCP_CSUM_AT :
							 UDP_CSUM_AT)))
		return -EINVAL;
	c->gso_size = h->gso_size;
	c->n = p->payload_len ? (p->payload_len - 1) / c->gso_size + 1 : 1;
	return c->n <= CUTS_MAX ? 0 : -EINVAL;
}

static void ip_put(const struct packet *p, uint8_t *eth, uint32_t index,
		   uint32_t len)
{
	uint8_t *ip = eth + p->l3_off;
	uint32_t header_len = (uint32_t)p->l4_off - p->l3_off;

	if (p->ip_version == 6) {
		bytes_put16(ip + 4, (uint16_t)(len - p->l3_off - 40));
		return;
	}
	bytes_put16(ip + 2, (uint16_t)(len - p->l3_off));
	bytes_put16(ip + 4, (uint16_t)(bytes_get16(ip + 4) + index));
	bytes_put16(ip + 10, 0);
	bytes_put16(ip + 10, checksum_fold(checksum_add(0, ip, header_len)));
}

/* FIN and PSH belong to the last byte, CWR to the first (RFC 3168, 6.1.2). */
static void tcp_put(uint8_t *tcp, uint32_t seq, bool is_first, bool is_last)
{
	bytes_put32(tcp + TCP_SEQ_AT, seq);
	if (!is_first)
		tcp[TCP_FLAGS_AT] &= (uint8_t)~TCP_CWR;
	if (!is_last)
		tcp[TCP_FLAGS_AT] &= (uint8_t)~(TCP_FIN | TCP_PSH);
}

/*
 * The pseudo header has the address of the IP header, which an IPv6 routing
 * header with segments left would have to overrule: nobody offloads those.
 */
static void l4_csum_put(const struct packet *p, uint8_t *l4, uint32_t l4_len)
{
	uint8_t *field = l4 + (p->proto == PACKET_TCP ? TCP_CSUM_AT :
							UDP_CSUM_AT);
	uint32_t sum = checksum_pseudo(p->ip_version, p->src, p->dst, p->proto,
				       l4_len);
	uint16_t csum;

	bytes_put16(field, 0);
	csum = checksum_fold(checksum_add(sum, l4, l4_len));
	bytes_put16(field, csum || p->proto == PACKET_TCP ? csum : 0xffff);
}

static uint32_t cut_len(const struct cut *c, uint32_t index)
{
	uint32_t done = index * c->gso_size;
	uint32_t left = c->p.payload_len - done;

	return c->p.payload_off + (left < c->gso_size ? left : c->gso_size);
}

/* Write the frame with an index; eth has room for cut_len() bytes. */
static void cut_put(const struct cut *c, uint32_t index, uint8_t *eth)
{
	const struct packet *p = &c->p;
	uint32_t done = index * c->gso_size;
	uint32_t len = cut_len(c, index);
	uint8_t *l4 = eth + p->l4_off;

	memcpy(eth, p->eth, p->payload_off);
	memcpy(eth + p->payload_off, packet_payload(p) + done,
	       len - p->payload_off);
	ip_put(p, eth, index, len);
	if (p->proto == PACKET_TCP)
		tcp_put(l4, p->seq + done, index == 0, index == c->n - 1);
	else
		bytes_put16(l4 + UDP_LEN_AT, (uint16_t)(len - p->l4_off));
	l4_csum_put(p, l4, len - p->l4_off);
}

/* A chunk for the frames from index on, as many as CHUNK_BYTES hold. */
static struct chunk *cut_chunk(const struct cut *c, uint32_t index)
{
	uint32_t each = PREFIX_LEN + c->p.payload_off;
	uint32_t need = (c->n - index) * each +
			c->p.payload_len - index * c->gso_size;

	return chunk_new(need < CHUNK_BYTES ? need : CHUNK_BYTES);
}

static int cut_to_plain(const struct frame *f, const struct vnet_header *h,
			void (*emit)(void *arg, const struct frame *plain),
			void *arg)
{
	struct chunk *chunk;
	uint32_t off = 0;
	struct cut c;
	int rc = cut_init(&c, f, h);

	if (rc < 0)
		return rc;
	chunk = cut_chunk(&c, 0);
	for (uint32_t i = 0; i < c.n; i++) {
		uint32_t len = cut_len(&c, i);
		struct frame plain;

		if (chunk->cap - off < PREFIX_LEN + len) {
			chunk_unref(chunk);
			chunk = cut_chunk(&c, i);
			off = 0;
		}
		plain = frame_put(chunk, off, len, f->time_ns);
		cut_put(&c, i, plain.data);
		off += PREFIX_LEN + len;
		emit(arg, &plain);
	}
	chunk_unref(chunk);
	return 0;
}

/**
 * vnet_to_plain() - Do what the virtio-net header asks for
 * @f:		frame; its bytes stay as they are
 * @emit:	called for each plain frame in order; it is borrowed for the
 *		call, a reference to its chunk keeps it
 * @arg:	for @emit
 *
 * Return: 0, after one frame or more; -EINVAL, before any, for a header that
 *	   the bytes contradict or that asks for what is not done here.
 */
int vnet_to_plain(const struct frame *f,
		  void (*emit)(void *arg, const struct frame *plain),
		  void *arg)
{
	struct vnet_header h;
	struct frame plain;

	if (vnet_is_trivial(f)) {
		plain = header_off(f);
		emit(arg, &plain);
		return 0;
	}
	h = header_get(f->data);
	if (h.gso_type != VNET_GSO_NONE)
		return cut_to_plain(f, &h, emit, arg);
	return complete_to_plain(f, &h, emit, arg);
}
