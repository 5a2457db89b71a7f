/* SPDX-License-Identifier: ISC */
/*
 * The headers of wireless captures, IEEE 802.11 with or without radiotap
 * (https://www.radiotap.org) before it: how long they are, and the EtherType of
 * what follows. Pure. The bytes are whatever a file says.
 */
#include "link_wifi.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"

#define RADIOTAP_LEN 8u		/* at least */
#define RADIOTAP_TSFT 1u	/* what is present, by bit */
#define RADIOTAP_FLAGS 2u
#define RADIOTAP_MORE 0x80000000u
#define RADIOTAP_DATAPAD 0x20u	/* among the flags */

#define DATA_LEN 24u		/* of the header of a data frame */
#define ADDRESS_LEN 6u		/* the fourth one */
#define SNAP_LEN 8u

enum {				/* of the frame control field */
	TYPE_MASK = 0x000c,
	TYPE_DATA = 0x0008,
	NO_DATA = 0x0040,
	QOS = 0x0080,
	BOTH_DS = 0x0300,	/* from one access point to another */
	PROTECTED = 0x4000,
	ORDER = 0x8000,		/* with QOS: four bytes more */
	QOS_AMSDU = 0x80,	/* of the QoS field: several frames in one */
};

enum {
	ETHERTYPE_WIFI = 0x890d,	/* kind.c counts it as housekeeping */
	ETHERTYPE_RESERVED = 0xffff,	/* nobody's */
};

static uint16_t little16(const uint8_t *p)
{
	return (uint16_t)(p[1] << 8 | p[0]);
}

static uint32_t little32(const uint8_t *p)
{
	return (uint32_t)little16(p + 2) << 16 | little16(p);
}

/* Return: bytes of radiotap's header; -EINVAL when it is not all there. @is_padded
 * is set when 802.11's header is filled up to a multiple of 4. */
static int skip_radiotap(const uint8_t *p, size_t len, bool *is_padded)
{
	size_t all, at = 4;
	uint32_t present;

	if (len < RADIOTAP_LEN)
		return -EINVAL;
	all = little16(p + 2);
	if (all < RADIOTAP_LEN || all > len)
		return -EINVAL;
	present = little32(p + 4);
	while (at + 4 <= all && little32(p + at) & RADIOTAP_MORE)
		at += 4;
	at += 4;
	if (present & RADIOTAP_TSFT)
		at = (at + 7) / 8 * 8 + 8;
	*is_padded = present & RADIOTAP_FLAGS && at < all &&
		     p[at] & RADIOTAP_DATAPAD;
	return (int)all;
}

static size_t header_len(unsigned control, bool is_padded)
{
	size_t len = DATA_LEN;

	if ((control & BOTH_DS) == BOTH_DS)
		len += ADDRESS_LEN;
	if (control & QOS)
		len += control & ORDER ? 6 : 2;
	return is_padded ? (len + 3) / 4 * 4 : len;
}

static bool is_snap(const uint8_t *p)
{
	return !memcmp(p, "\xaa\xaa\x03\0\0\0", 6) ||
	       !memcmp(p, "\xaa\xaa\x03\0\0\xf8", 6);
}

static bool is_amsdu(unsigned control, const uint8_t *p)
{
	size_t at = DATA_LEN;

	if ((control & BOTH_DS) == BOTH_DS)
		at += ADDRESS_LEN;
	return control & QOS && p[at] & QOS_AMSDU;
}

/**
 * link_wifi_skip() - Find the end of a wireless link's headers
 * @has_radiotap: A radiotap header comes first
 * @p:		The packet as it was captured
 * @len:	Bytes there
 * @ethertype:	Set: of what follows the headers. Frames without data keep the
 *		network together; what is encrypted or has several frames in one
 *		is nobody's
 *
 * Return: bytes of the headers, less than @len; -EINVAL when not all of them are
 * there
 */
int link_wifi_skip(bool has_radiotap, const uint8_t *p, size_t len,
		   uint16_t *ethertype)
{
	bool is_padded = false;
	int radio = has_radiotap ? skip_radiotap(p, len, &is_padded) : 0;
	unsigned control;
	size_t n;

	if (radio < 0 || len < (size_t)radio + 2)
		return -EINVAL;
	p += radio;
	len -= (size_t)radio;
	control = little16(p);
	*ethertype = ETHERTYPE_WIFI;
	if ((control & TYPE_MASK) != TYPE_DATA || control & NO_DATA)
		return radio;
	n = header_len(control, is_padded);
	if (len <= n)
		return -EINVAL;
	*ethertype = ETHERTYPE_RESERVED;
	if (control & PROTECTED || is_amsdu(control, p) ||
	    len <= n + SNAP_LEN || !is_snap(p + n))
		return radio + (int)n;
	*ethertype = bytes_get16(p + n + SNAP_LEN - 2);
	return radio + (int)(n + SNAP_LEN);
}
