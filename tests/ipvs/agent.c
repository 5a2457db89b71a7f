/* SPDX-License-Identifier: ISC */
/*
 * In the guest: does to the kernel's IPVS what the oracle says, see wire.h.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ip_vs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "wire.h"

struct rule {
	struct ip_vs_service_user service;
	struct ip_vs_dest_user dest;
};

static void give_up(const char *what)
{
	perror(what);
	exit(1);
}

/* The addresses of real servers are known: nobody is there to be asked. */
static void add_neighbours(int fd)
{
	for (unsigned i = 0; i < ORACLE_DESTS; i++) {
		struct arpreq arp = { .arp_flags = ATF_COM | ATF_PERM };
		struct sockaddr_in sin = {
			.sin_family = AF_INET,
			.sin_addr.s_addr = htonl(ORACLE_DEST_ADDR + i) };

		memcpy(&arp.arp_pa, &sin, sizeof(sin));
		memcpy(arp.arp_ha.sa_data, ORACLE_DEST_MAC, 6);
		arp.arp_ha.sa_data[5] = (char)i;
		strcpy(arp.arp_dev, "eth0");
		if (ioctl(fd, SIOCSARP, &arp))
			give_up("SIOCSARP");
	}
}

static int obey(int fd, const struct oracle_order *o)
{
	static const int options[] = {
		[ORACLE_ADD_SERVICE] = IP_VS_SO_SET_ADD,
		[ORACLE_ADD_DEST] = IP_VS_SO_SET_ADDDEST,
		[ORACLE_EDIT_DEST] = IP_VS_SO_SET_EDITDEST,
		[ORACLE_DEL_DEST] = IP_VS_SO_SET_DELDEST,
	};
	struct rule rule = {
		.service = {
			.protocol = IPPROTO_TCP,
			.addr = htonl(ORACLE_SERVICE_ADDR + o->service),
			.port = htons((uint16_t)o->port),
			.flags = o->flags, .netmask = 0xffffffff,
		},
		.dest = {
			.addr = htonl(ORACLE_DEST_ADDR + o->dest),
			.port = htons((uint16_t)o->port),
			.conn_flags = IP_VS_CONN_F_DROUTE,
			.weight = o->weight,
		},
	};
	socklen_t len = o->op == ORACLE_ADD_SERVICE ? sizeof(rule.service) :
						      sizeof(rule);

	if (o->op == ORACLE_PING)
		return 0;
	memcpy(rule.service.sched_name, o->scheduler,
	       sizeof(rule.service.sched_name));
	return setsockopt(fd, IPPROTO_IP, options[o->op], &rule, len) ?
								errno : 0;
}

int main(void)
{
	int rules = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	int wire = socket(AF_PACKET, SOCK_RAW, htons(ORACLE_TYPE));
	struct sockaddr_ll eth = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ORACLE_TYPE),
		.sll_ifindex = (int)if_nametoindex("eth0") };
	struct oracle_order o;

	if (rules < 0 || wire < 0 ||
	    bind(wire, (const struct sockaddr *)&eth, sizeof(eth)))
		give_up("socket");
	add_neighbours(rules);
	puts("agent: ready");
	fflush(stdout);
	while (recv(wire, &o, sizeof(o), 0) == (ssize_t)sizeof(o)) {
		o.error = obey(rules, &o);
		memcpy(o.ether, ORACLE_MAC, 6);
		memcpy(o.ether + 6, ORACLE_GUEST_MAC, 6);
		if (send(wire, &o, sizeof(o), 0) < 0)
			give_up("send");
	}
	give_up("recv");
}
