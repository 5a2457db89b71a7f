/* SPDX-License-Identifier: ISC */
/*
 * The kinds tap: and packet:, where one read or write is one frame. What is
 * read gets its wire prefix in place and goes through the decoder like a
 * stream, so that it can leave on a stream without being touched again.
 *
 * packet: always talks to the kernel with a virtio-net header: only that
 * tells of checksums left to the (missing) hardware and of segments glued
 * together. On an endpoint without vnet-hdr they are completed and cut here.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bytes.h"
#include "endpoint_impl.h"
#include "netns.h"
#include "vnet.h"

#define FRAMES_A_TURN 64	/* read before others get their turn */
#define PACKET_VNET_LEN 10	/* what AF_PACKET speaks */
#define ROOM_NEEDED (FRAME_PREFIX_MAX + FRAME_LEN_MAX)

/* --- both --- */

/* Errors that concern one frame, or a link that is down for now. */
static bool is_link_trouble(int err)
{
	return err == -EIO || err == -ENETDOWN || err == -EMSGSIZE ||
	       err == -EINVAL || err == -ENOBUFS;
}

static void dev_write(struct endpoint *ep)
{
	struct iovec iov[2];

	while (ep->outq.count) {
		int n_iov = (int)outq_iov(&ep->outq, iov, 2);
		ssize_t n = writev(ep->fd, iov, n_iov);

		if (n >= 0) {
			ep->count.out_bytes += ep->outq.bytes;
			ep->count.out += outq_sent(&ep->outq,
				iov[0].iov_len + (n_iov > 1 ?
						  iov[1].iov_len : 0));
			ep->count.out_bytes -= ep->outq.bytes;
		} else if (errno == EAGAIN) {
			ep->want_write = true;
			return;
		} else if (is_link_trouble(-errno)) {
			log_warn(ep->name, "a frame was refused: %s",
				 uv_strerror(-errno));
			ep->count.drop_link += outq_drop_first(&ep->outq);
		} else if (errno != EINTR) {
			endpoint_lost(ep, -errno, "write");
			return;
		}
	}
}

static void on_read_error(struct endpoint *ep)
{
	if (errno == EINVAL) {	/* glued in a way that has no virtio header */
		ep->count.in++;
		ep->count.drop_link++;
	} else if (errno != EAGAIN && errno != EINTR && errno != ENETDOWN &&
		   errno != EIO)
		endpoint_lost(ep, -errno, "read");
}

static void dev_retry(struct endpoint *ep)
{
	int err = ep->up ? 0 : ep->ops->open(ep);

	if (err < 0)
		endpoint_retry_later(ep, err, ep->spec.text);
}

/* Open something in the namespace that the endpoint names. */
static int open_in_netns(struct endpoint *ep, int (*open_here)(struct endpoint *))
{
	int back, fd;

	if (!ep->spec.netns[0])
		return open_here(ep);
	back = netns_enter(ep->spec.netns);
	if (back < 0)
		return back;
	fd = open_here(ep);
	if (netns_leave(back) < 0)	/* anything else would be elsewhere */
		abort();
	return fd;
}

static int dev_open(struct endpoint *ep, int (*open_here)(struct endpoint *))
{
	int fd = open_in_netns(ep, open_here);

	if (fd < 0) {
		if (!ep->count.n_up)
			log_error(ep->name, "%s: %s", ep->spec.text,
				  uv_strerror(fd));
		return fd;
	}
	/* what a link brings belongs to whoever reads it, not to an output */
	ep->half_closed = ep->mode == ENDPOINT_WRITE;
	return endpoint_attached(ep, fd, true);
}

/* --- tap --- */

static int tap_setup(int fd, const struct endpoint_spec *spec)
{
	int vnet_len = spec->vnet_len;
	unsigned offload = 0;
	struct ifreq ifr = { 0 };

	/* endpoint_spec_parse() refused names that do not fit */
	memcpy(ifr.ifr_name, spec->target, strnlen(spec->target, IFNAMSIZ - 1));
	ifr.ifr_flags = (short)(IFF_TAP | IFF_NO_PI |
				(vnet_len ? IFF_VNET_HDR : 0));
	if (ioctl(fd, TUNSETIFF, &ifr))
		return -errno;
	if (vnet_len) {
		if (ioctl(fd, TUNSETVNETHDRSZ, &vnet_len))
			return -errno;
		offload = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	}
	if (ioctl(fd, TUNSETOFFLOAD, offload))
		return -errno;
	return 0;
}

static int tap_open_here(struct endpoint *ep)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = tap_setup(fd, &ep->spec);
	if (err < 0) {
		close(fd);
		return err;
	}
	return fd;
}

static int tap_open(struct endpoint *ep)
{
	return dev_open(ep, tap_open_here);
}

/* One read: one frame. Return: bytes of the room used; 0 = no more for now. */
static size_t tap_read_one(struct endpoint *ep, uint8_t *room)
{
	bool vnet = ep->spec.vnet_len != 0;
	size_t prefix = vnet ? 8 : 4;
	ssize_t n;

	do {
		n = read(ep->fd, room + prefix, FRAME_LEN_MAX);
	} while (n >= 0 && n <= ep->spec.vnet_len);
	if (n < 0) {
		on_read_error(ep);
		return 0;
	}
	frame_prefix_put(room, (uint32_t)n, ep->spec.vnet_len, vnet);
	return prefix + (size_t)n;
}

/* Fill what room there is, a frame after the other, then hand them over. */
static void dev_read(struct endpoint *ep,
		     size_t (*read_one)(struct endpoint *ep, uint8_t *room))
{
	size_t len, used;
	uint8_t *room = frame_decoder_room(&ep->decoder, &len);

	for (int i = 0; i < FRAMES_A_TURN && len >= ROOM_NEEDED; i++) {
		used = read_one(ep, room);
		if (!used)
			break;
		frame_decoder_filled(&ep->decoder, used);
		room += used;
		len -= used;
	}
	if (ep->fd >= 0)
		endpoint_deliver(ep);
}

static void tap_read(struct endpoint *ep)
{
	dev_read(ep, tap_read_one);
}

const struct endpoint_ops endpoint_tap_ops = {
	.form = OUTQ_RAW,
	.open = tap_open,
	.read = tap_read,
	.write = dev_write,
	.retry = dev_retry,
};

/* --- packet --- */

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
	return dev_open(ep, packet_open_here);
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
	endpoint_deliver(ep);
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
	endpoint_deliver(ep);		/* those before it stay before it */
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
		on_read_error(ep);
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
	dev_read(ep, packet_read_one);
}

const struct endpoint_ops endpoint_packet_ops = {
	.form = OUTQ_RAW,
	.open = packet_open,
	.read = packet_read,
	.write = dev_write,
	.retry = dev_retry,
};
