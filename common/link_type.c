/* SPDX-License-Identifier: ISC */
/*
 * The link headers of captures that are not Ethernet: how long one is, and the
 * EtherType of what follows it. Pure. The bytes are whatever a file says.
 */
#include "link_type.h"

#include <errno.h>
#include <pcap/dlt.h>
#include <pcap/sll.h>

#include "bytes.h"
#include "link_wifi.h"

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_PPP = 0x880b,
	ETHERTYPE_MPLS = 0x8847,
};

#define AF_LEN 4u		/* of NULL and LOOP: an address family */
#define HDLC_LEN 4u
#define PPPOE_LEN 6u

/**
 * link_type_is_known() - Can frames of a link type be read?
 * @linktype:	libpcap's DLT_
 */
bool link_type_is_known(int linktype)
{
	switch (linktype) {
	case DLT_EN10MB:
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
	case DLT_LINUX_SLL:
	case DLT_LINUX_SLL2:
	case DLT_NULL:
	case DLT_LOOP:
	case DLT_PPP:
	case DLT_PPP_SERIAL:
	case DLT_PPP_ETHER:
	case DLT_C_HDLC:
	case DLT_IEEE802_11:
	case DLT_IEEE802_11_RADIO:
		return true;
	default:
		return false;
	}
}

static uint16_t ip_ethertype(const uint8_t *p, size_t len)
{
	return len && *p >> 4 == 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4;
}

/* AF_INET is 2 everywhere. AF_INET6 is what the system that captured calls so:
 * 10 in Linux, 24, 28, 30 in the BSDs and macOS. NULL has it in the byte order
 * of that system. */
static int skip_family(const uint8_t *p, size_t len, uint16_t *ethertype)
{
	uint32_t family;

	if (len < AF_LEN)
		return -EINVAL;
	family = bytes_get32(p);
	if (family > UINT16_MAX)
		family = (uint32_t)p[1] << 8 | p[0];
	switch (family) {
	case 2:
		*ethertype = ETHERTYPE_IPV4;
		break;
	case 10:
	case 24:
	case 28:
	case 30:
		*ethertype = ETHERTYPE_IPV6;
		break;
	default:
		*ethertype = LINK_TYPE_RESERVED;
	}
	return AF_LEN;
}

/* The number of a PPP protocol has one byte when that is odd. What is not IP is
 * handed on with its number, which may be one byte then. */
static int skip_ppp(const uint8_t *p, size_t len, size_t off,
		    uint16_t *ethertype)
{
	size_t number_len;
	unsigned number;

	if (len < off + 2)
		return -EINVAL;
	number_len = p[off] & 1 ? 1 : 2;
	number = number_len == 1 ? p[off] : bytes_get16(p + off);
	switch (number) {
	case 0x21:
		*ethertype = ETHERTYPE_IPV4;
		break;
	case 0x57:
		*ethertype = ETHERTYPE_IPV6;
		break;
	case 0x281:
		*ethertype = ETHERTYPE_MPLS;
		break;
	default:
		*ethertype = ETHERTYPE_PPP;
		number_len = 0;
	}
	return (int)(off + number_len);
}

/* PPP may go without its address and control bytes. On a serial line there may
 * be Cisco's HDLC in place of it, whose first byte is 0x0f or 0x8f. */
static int skip_serial(int linktype, const uint8_t *p, size_t len,
		       uint16_t *ethertype)
{
	bool is_cisco = len && (*p == 0x0f || *p == 0x8f);

	if (linktype == DLT_C_HDLC || (linktype == DLT_PPP_SERIAL && is_cisco)) {
		if (len < HDLC_LEN)
			return -EINVAL;
		*ethertype = bytes_get16(p + 2);
		return HDLC_LEN;
	}
	return skip_ppp(p, len, len >= 2 && p[0] == 0xff && p[1] == 3 ? 2 : 0,
			ethertype);
}

static int skip_cooked(size_t header_len, size_t at, const uint8_t *p,
		       size_t len, uint16_t *ethertype)
{
	if (len < header_len)
		return -EINVAL;
	*ethertype = bytes_get16(p + at);
	return (int)header_len;
}

/**
 * link_type_skip() - Find the end of a link header
 * @linktype:	libpcap's DLT_, for which link_type_is_known(); not Ethernet
 * @p:		The packet as it was captured
 * @len:	Bytes there
 * @ethertype:	Set: of what follows the header
 *
 * Return: bytes of the header, at most @len; -EINVAL when not all of it is there
 */
int link_type_skip(int linktype, const uint8_t *p, size_t len,
		   uint16_t *ethertype)
{
	switch (linktype) {
	case DLT_LINUX_SLL:
		return skip_cooked(SLL_HDR_LEN, 14, p, len, ethertype);
	case DLT_LINUX_SLL2:
		return skip_cooked(SLL2_HDR_LEN, 0, p, len, ethertype);
	case DLT_NULL:
	case DLT_LOOP:
		return skip_family(p, len, ethertype);
	case DLT_PPP:
	case DLT_PPP_SERIAL:
	case DLT_C_HDLC:
		return skip_serial(linktype, p, len, ethertype);
	case DLT_PPP_ETHER:
		return len < PPPOE_LEN ? -EINVAL :
			skip_ppp(p, len, PPPOE_LEN, ethertype);
	case DLT_IEEE802_11:
	case DLT_IEEE802_11_RADIO:
		return link_wifi_skip(linktype == DLT_IEEE802_11_RADIO, p, len,
				      ethertype);
	default:			/* raw IP */
		*ethertype = ip_ethertype(p, len);
		return len ? 0 : -EINVAL;
	}
}
