/* SPDX-License-Identifier: ISC */
/*
 * The kind packet: an AF_PACKET socket. It always talks to the kernel with a
 * virtio-net header: only that tells of checksums left to the (missing)
 * hardware and of segments glued together. On an endpoint without vnet-hdr they
 * are completed and cut here.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bytes.h"
#include "endpoint_impl.h"
#include "vnet.h"

#define PACKET_VNET_LEN 10	/* what AF_PACKET speaks */

/* An output only is bound to protocol 0, which receives nothing. */
static int packet_setup(int fd, const struct endpoint_spec *spec,
			enum endpoint_mode mode)
{
	unsigned ifindex = if_nametoindex(spec->target);
	struct sockaddr_ll sll = {
		.sll_family = AF_PACKET,
		.sll_protocol = mode & ENDPOINT_READ ? htons(ETH_P_ALL) : 0,
		.sll_ifindex = (int)ifindex,
	};
	struct packet_mreq promisc = {
		.mr_ifindex = (int)ifindex,
		.mr_type = PACKET_MR_PROMISC,
	};
	int on = 1, bytes = 4 << 20;

	if (!ifindex)
		return -errno;
	/* the socket still has protocol 0: nothing arrives before the bind */
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on,
		       sizeof(on)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc,
		       sizeof(promisc)) ||
	    bind(fd, (struct sockaddr *)&sll, sizeof(sll)))
		return -errno;
	/* a burst must not be lost while others have their turn */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	return 0;
}

static int packet_open_here(struct endpoint *ep)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	err = packet_setup(fd, &ep->spec, ep->mode);
	if (err < 0) {
		close(fd);
		return err;
	}
	return fd;
}

static int packet_open(struct endpoint *ep)
{
	/* what goes out carries AF_PACKET's header, whatever came in */
	ep->outq.vnet_len = PACKET_VNET_LEN;
	return endpoint_dev_open(ep, packet_open_here);
}

/* The kernel takes the outer VLAN tag out of the frame: put it back. */
static size_t vlan_restore(struct msghdr *msg, uint8_t *eth, size_t len,
			   struct virtio_net_hdr *vh)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
	     c = CMSG_NXTHDR(msg, c)) {
		struct tpacket_auxdata aux;

		if (c->cmsg_level != SOL_PACKET ||
		    c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (!(aux.tp_status & TP_STATUS_VLAN_VALID) ||
		    len < 2 * ETH_ALEN)
			return len;
		memmove(eth + 2 * ETH_ALEN + 4, eth + 2 * ETH_ALEN,
			len - 2 * ETH_ALEN);
		bytes_put16(eth + 12, aux.tp_status & TP_STATUS_VLAN_TPID_VALID ?
				      aux.tp_vlan_tpid : ETH_P_8021Q);
		bytes_put16(eth + 14, aux.tp_vlan_tci);
		if (vh->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
			vh->csum_start = (uint16_t)(vh->csum_start + 4);
		vh->hdr_len = (uint16_t)(vh->hdr_len + 4);
		return len + 4;
	}
	return len;
}

/* A piece of a frame that had to be cut: into the decoder like the others. */
static void put_plain(void *arg, const struct frame *f)
{
	struct endpoint *ep = arg;
	uint32_t len = frame_eth_len(f);
	size_t room_len;
	uint8_t *room = frame_decoder_room(&ep->decoder, &room_len);

	frame_prefix_put(room, len, 0, false);
	memcpy(room + 4, frame_eth(f), len);
	frame_decoder_filled(&ep->decoder, 4 + len);
	endpoint_link_deliver(ep);
}

/* A frame that the kernel left unfinished, for an endpoint without headers. */
static void packet_complete(struct endpoint *ep, const uint8_t *eth, size_t len,
			    const struct virtio_net_hdr *vh)
{
	struct chunk *c = chunk_new(PACKET_VNET_LEN + len);
	struct frame f = {
		.chunk = c,
		.data = c->bytes,
		.len = (uint32_t)(PACKET_VNET_LEN + len),
		.vnet_len = PACKET_VNET_LEN,
	};

	memcpy(c->bytes, vh, PACKET_VNET_LEN);
	memcpy(c->bytes + PACKET_VNET_LEN, eth, len);
	endpoint_link_deliver(ep);		/* those before it stay before it */
	if (vnet_to_plain(&f, put_plain, ep) < 0) {
		ep->count.in++;
		ep->count.drop_link++;
	}
	chunk_unref(c);
}

/* Receive into @room behind @head bytes. Return: bytes of Ethernet, or -1. */
static ssize_t packet_receive(struct endpoint *ep, uint8_t *eth,
			      struct virtio_net_hdr *vh)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} aux;
	struct iovec iov[2] = {
		{ .iov_base = vh, .iov_len = PACKET_VNET_LEN },
		{ .iov_base = eth,
		  .iov_len = FRAME_LEN_MAX - FRAME_VNET_LEN_MAX - 4 },
	};
	struct msghdr msg = {
		.msg_iov = iov, .msg_iovlen = 2,
		.msg_control = &aux, .msg_controllen = sizeof(aux),
	};
	ssize_t n;

	for (;;) {
		msg.msg_controllen = sizeof(aux);
		n = recvmsg(ep->fd, &msg, 0);
		if (n < 0)
			return -1;
		if (n <= PACKET_VNET_LEN)
			continue;
		if (!(msg.msg_flags & MSG_TRUNC))
			break;
		ep->count.in++;		/* larger than any wire takes */
		ep->count.drop_link++;
	}
	return (ssize_t)vlan_restore(&msg, eth, (size_t)n - PACKET_VNET_LEN,
				     vh);
}

static size_t packet_read_one(struct endpoint *ep, uint8_t *room)
{
	uint8_t vnet_len = ep->spec.vnet_len;
	size_t prefix = vnet_len ? 8 : 4;
	uint8_t *eth = room + prefix + vnet_len;
	struct virtio_net_hdr vh = { 0 };
	ssize_t n = packet_receive(ep, eth, &vh);

	if (n < 0) {
		endpoint_dev_read_error(ep);
		return 0;
	}
	if (!vnet_len && (vh.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM ||
			  vh.gso_type != VIRTIO_NET_HDR_GSO_NONE)) {
		packet_complete(ep, eth, (size_t)n, &vh);
		return 0;		/* the room has been used: next turn */
	}
	frame_prefix_put(room, (uint32_t)(vnet_len + n), vnet_len,
			 vnet_len != 0);
	if (vnet_len) {
		memset(room + prefix, 0, vnet_len);
		memcpy(room + prefix, &vh, PACKET_VNET_LEN);
	}
	return prefix + vnet_len + (size_t)n;
}

static void packet_read(struct endpoint *ep)
{
	endpoint_dev_read(ep, packet_read_one);
}

const struct endpoint_ops endpoint_packet_ops = {
	.form = OUTQ_RAW,
	.open = packet_open,
	.read = packet_read,
	.write = endpoint_dev_write,
	.retry = endpoint_dev_retry,
	.close = endpoint_carrier_close,
};
