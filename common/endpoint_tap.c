/* SPDX-License-Identifier: ISC */
/*
 * The kind tap: a tap device, with virtio-net headers and offloads where the
 * endpoint has vnet-hdr.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "endpoint_impl.h"

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
	return endpoint_dev_open(ep, tap_open_here);
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
		endpoint_dev_read_error(ep);
		return 0;
	}
	frame_prefix_put(room, (uint32_t)n, ep->spec.vnet_len, vnet);
	return prefix + (size_t)n;
}

static void tap_read(struct endpoint *ep)
{
	endpoint_dev_read(ep, tap_read_one);
}

const struct endpoint_ops endpoint_tap_ops = {
	.form = OUTQ_RAW,
	.open = tap_open,
	.read = tap_read,
	.write = endpoint_dev_write,
	.retry = endpoint_dev_retry,
	.close = endpoint_carrier_close,
};
