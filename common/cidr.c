/* SPDX-License-Identifier: ISC */
/*
 * Which addresses begin with given bits. Pure.
 */
#include "cidr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "quantity.h"

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

/* The first BITS bits of an address stay, the rest becomes 0. */
static void mask(uint8_t addr[16], unsigned bits)
{
	for (unsigned i = 0; i < 16; i++, bits -= bits < 8 ? bits : 8) {
		if (bits < 8)
			addr[i] &= (uint8_t)(0xff00u >> bits);
	}
}

/* Return: how many bits such an address has, 0 when TEXT is none */
static unsigned parse_addr(uint8_t addr[16], const char *text)
{
	if (inet_pton(AF_INET6, text, addr) == 1)
		return 128;
	if (inet_pton(AF_INET, text, addr + sizeof(mapped)) != 1)
		return 0;
	memcpy(addr, mapped, sizeof(mapped));
	return 32;
}

/**
 * cidr_parse() - Read ADDRESS[/BITS]
 * @c:		Set on success
 * @text:	An address of IPv4 or IPv6; without BITS it stands for itself
 *
 * Return: 0 or -EINVAL
 */
int cidr_parse(struct cidr *c, const char *text)
{
	char addr[INET6_ADDRSTRLEN];
	const char *slash = strchrnul(text, '/');
	size_t len = (size_t)(slash - text);
	uint64_t bits, max;

	if (len >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, len);
	addr[len] = '\0';
	max = bits = parse_addr(c->addr, addr);
	if (!max || (*slash && quantity_number(&bits, slash + 1, max) < 0))
		return -EINVAL;
	c->bits = (uint8_t)(bits + 128 - max);
	mask(c->addr, c->bits);
	return 0;
}

/**
 * cidr_has() - Is an address one of them?
 * @c:		The addresses
 * @addr:	The address, IPv4 in its v4-mapped form
 */
bool cidr_has(const struct cidr *c, const uint8_t addr[16])
{
	uint8_t net[16];

	memcpy(net, addr, sizeof(net));
	mask(net, c->bits);
	return !memcmp(net, c->addr, sizeof(net));
}
