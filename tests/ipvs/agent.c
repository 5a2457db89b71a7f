/* SPDX-License-Identifier: ISC */
/*
 * In the guest: does to the kernel's IPVS what the oracle says, see wire.h.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "wire.h"

/* A message of netlink that grows. */
struct message {
	union {
		struct nlmsghdr h;
		char room[1024];
	};
};

static uint16_t ipvs;		/* the family's number */
static int rules;		/* a socket of generic netlink */

static void give_up(const char *what)
{
	perror(what);
	exit(1);
}

/* --- netlink --- */

static void append(struct message *m, const void *data, size_t len)
{
	memcpy(m->room + m->h.nlmsg_len, data, len);
	m->h.nlmsg_len += (uint32_t)NLMSG_ALIGN(len);
}

static void begin(struct message *m, uint16_t type, const void *header,
		  size_t len)
{
	memset(m, 0, sizeof(*m));
	m->h.nlmsg_len = NLMSG_HDRLEN;
	m->h.nlmsg_type = type;
	m->h.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	append(m, header, len);
}

static void attribute(struct message *m, uint16_t type, const void *data,
		      size_t len)
{
	const struct nlattr a = { (uint16_t)(sizeof(a) + len), type };

	append(m, &a, sizeof(a));
	append(m, data, len);
}

static void number(struct message *m, uint16_t type, uint32_t n)
{
	attribute(m, type, &n, sizeof(n));
}

static uint32_t nest(struct message *m, uint16_t type)
{
	uint32_t at = m->h.nlmsg_len;

	attribute(m, type | NLA_F_NESTED, "", 0);
	return at;
}

static void nest_end(struct message *m, uint32_t at)
{
	((struct nlattr *)(m->room + at))->nla_len =
					(uint16_t)(m->h.nlmsg_len - at);
}

/* Return: what the kernel says, an errno or 0; @m is its first answer. */
static int ask(int fd, struct message *m)
{
	if (send(fd, m, m->h.nlmsg_len, 0) < 0 || recv(fd, m, sizeof(*m), 0) < 0)
		give_up("netlink");
	return m->h.nlmsg_type == NLMSG_ERROR ?
		-((struct nlmsgerr *)NLMSG_DATA(&m->h))->error : 0;
}

static int open_netlink(int protocol)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, protocol);

	if (fd < 0)
		give_up("netlink");
	return fd;
}

static void begin_generic(struct message *m, uint16_t family, uint8_t command)
{
	const struct genlmsghdr g = { .cmd = command, .version = 1 };

	begin(m, family, &g, sizeof(g));
}

static void find_ipvs(void)
{
	struct message m, ack;
	const struct nlattr *a;

	rules = open_netlink(NETLINK_GENERIC);
	begin_generic(&m, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	attribute(&m, CTRL_ATTR_FAMILY_NAME, IPVS_GENL_NAME,
		  sizeof(IPVS_GENL_NAME));
	if (ask(rules, &m) || recv(rules, &ack, sizeof(ack), 0) < 0)
		give_up("no IPVS");
	for (uint32_t at = NLMSG_HDRLEN + (uint32_t)GENL_HDRLEN; at < m.h.nlmsg_len;
	     at += (uint32_t)NLA_ALIGN(a->nla_len)) {
		a = (const struct nlattr *)(m.room + at);
		if (a->nla_type == CTRL_ATTR_FAMILY_ID)
			memcpy(&ipvs, a + 1, sizeof(ipvs));
	}
}

/* --- addresses --- */

/* Return: bytes of the address that is written to @to. */
static size_t address(uint8_t to[16], uint32_t ip_version, const char *prefix,
		      uint32_t n)
{
	n = htonl(n);
	memcpy(to, prefix, 12);
	memcpy(ip_version == 4 ? to : to + 12, &n, sizeof(n));
	return ip_version == 4 ? 4 : 16;
}

/* The addresses of real servers are known: nobody is there to be asked. */
static void add_neighbours(uint32_t ip_version)
{
	struct ndmsg nd = {
		.ndm_family = ip_version == 4 ? AF_INET : AF_INET6,
		.ndm_ifindex = (int)if_nametoindex("eth0"),
		.ndm_state = NUD_PERMANENT };
	int fd = open_netlink(NETLINK_ROUTE);

	for (uint8_t i = 0; i < ORACLE_DESTS; i++) {
		struct message m;
		uint8_t addr[16], mac[6];
		size_t len = address(addr, ip_version, ORACLE_DEST_PREFIX,
				     ORACLE_DEST_ADDR + i);

		memcpy(mac, ORACLE_DEST_MAC, sizeof(mac));
		mac[5] = i;
		begin(&m, RTM_NEWNEIGH, &nd, sizeof(nd));
		m.h.nlmsg_flags |= NLM_F_CREATE;
		attribute(&m, NDA_DST, addr, len);
		attribute(&m, NDA_LLADDR, mac, sizeof(mac));
		errno = ask(fd, &m);
		if (errno)
			give_up("neighbour");
	}
}

/* --- orders --- */

static void put_service(struct message *m, const struct oracle_order *o)
{
	const struct ip_vs_flags flags = { o->flags, ~0u };
	uint16_t family = o->ip_version == 4 ? AF_INET : AF_INET6;
	uint16_t protocol = IPPROTO_TCP, port = htons((uint16_t)o->port);
	uint32_t at = nest(m, IPVS_CMD_ATTR_SERVICE);
	uint8_t addr[16] = { 0 };

	address(addr, o->ip_version, ORACLE_SERVICE_PREFIX,
		ORACLE_SERVICE_ADDR + o->service);
	attribute(m, IPVS_SVC_ATTR_AF, &family, sizeof(family));
	attribute(m, IPVS_SVC_ATTR_PROTOCOL, &protocol, sizeof(protocol));
	attribute(m, IPVS_SVC_ATTR_ADDR, addr, sizeof(addr));
	attribute(m, IPVS_SVC_ATTR_PORT, &port, sizeof(port));
	attribute(m, IPVS_SVC_ATTR_SCHED_NAME, o->scheduler,
		  strlen(o->scheduler) + 1);
	attribute(m, IPVS_SVC_ATTR_FLAGS, &flags, sizeof(flags));
	number(m, IPVS_SVC_ATTR_TIMEOUT, 0);
	number(m, IPVS_SVC_ATTR_NETMASK, o->ip_version == 4 ? ~0u : 128);
	nest_end(m, at);
}

static void put_dest(struct message *m, const struct oracle_order *o)
{
	uint16_t port = htons((uint16_t)o->port);
	uint32_t at = nest(m, IPVS_CMD_ATTR_DEST);
	uint8_t addr[16] = { 0 };

	address(addr, o->ip_version, ORACLE_DEST_PREFIX,
		ORACLE_DEST_ADDR + o->dest);
	attribute(m, IPVS_DEST_ATTR_ADDR, addr, sizeof(addr));
	attribute(m, IPVS_DEST_ATTR_PORT, &port, sizeof(port));
	number(m, IPVS_DEST_ATTR_FWD_METHOD, IP_VS_CONN_F_DROUTE);
	number(m, IPVS_DEST_ATTR_WEIGHT, o->weight);
	number(m, IPVS_DEST_ATTR_U_THRESH, o->max_conn);
	number(m, IPVS_DEST_ATTR_L_THRESH, o->min_conn);
	nest_end(m, at);
}

static int rule(const struct oracle_order *o, uint8_t command)
{
	struct message m;

	begin_generic(&m, ipvs, command);
	put_service(&m, o);
	if (command != IPVS_CMD_NEW_SERVICE)
		put_dest(&m, o);
	return ask(rules, &m);
}

static int set_fin(uint32_t seconds)
{
	struct message m;

	begin_generic(&m, ipvs, IPVS_CMD_SET_CONFIG);
	number(&m, IPVS_CMD_ATTR_TIMEOUT_TCP, 0);
	number(&m, IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, seconds);
	number(&m, IPVS_CMD_ATTR_TIMEOUT_UDP, 0);
	return ask(rules, &m);
}

/* The lines of real servers are "-> ADDR:PORT METHOD WEIGHT ACTIVE INACTIVE". */
static uint32_t count(uint32_t port)
{
	FILE *f = fopen("/proc/net/ip_vs", "r");
	uint32_t n = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		char addr[64];
		unsigned active, inactive;

		if (sscanf(line, " -> %63s %*s %*d %u %u", addr, &active,
			   &inactive) == 3 &&
		    strtoul(strrchr(addr, ':') + 1, NULL, 16) == port)
			n += active + inactive;
	}
	if (!f)
		give_up("/proc/net/ip_vs");
	fclose(f);
	return n;
}

static int obey(struct oracle_order *o)
{
	switch (o->op) {
	case ORACLE_ADD_SERVICE:
		return rule(o, IPVS_CMD_NEW_SERVICE);
	case ORACLE_ADD_DEST:
		return rule(o, IPVS_CMD_NEW_DEST);
	case ORACLE_EDIT_DEST:
		return rule(o, IPVS_CMD_SET_DEST);
	case ORACLE_DEL_DEST:
		return rule(o, IPVS_CMD_DEL_DEST);
	case ORACLE_SET_FIN:
		return set_fin(o->seconds);
	case ORACLE_COUNT:
		o->n_conns = count(o->port);
		return 0;
	default:
		return 0;
	}
}

int main(void)
{
	int wire = socket(AF_PACKET, SOCK_RAW, htons(ORACLE_TYPE));
	struct sockaddr_ll eth = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ORACLE_TYPE),
		.sll_ifindex = (int)if_nametoindex("eth0") };
	struct oracle_order o;

	if (wire < 0 || bind(wire, (const struct sockaddr *)&eth, sizeof(eth)))
		give_up("socket");
	find_ipvs();
	add_neighbours(4);
	add_neighbours(6);
	puts("agent: ready");
	fflush(stdout);
	while (recv(wire, &o, sizeof(o), 0) == (ssize_t)sizeof(o)) {
		o.error = obey(&o);
		memcpy(o.ether, ORACLE_MAC, 6);
		memcpy(o.ether + 6, ORACLE_GUEST_MAC, 6);
		if (send(wire, &o, sizeof(o), 0) < 0)
			give_up("send");
	}
	give_up("recv");
}
