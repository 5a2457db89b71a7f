/* SPDX-License-Identifier: ISC */
#include "../../common/frame_filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pcap/pcap.h>

#include "test.h"

/* Instead of the C library's: nobody may ask for a host. libpcap reads IPv6 addresses
 * with it, too, and there is one port. */
static unsigned n_lookups;

int getaddrinfo(const char *restrict name, const char *restrict service,
		const struct addrinfo *restrict hints,
		struct addrinfo **restrict found)
{
	static struct sockaddr_in port = { .sin_family = AF_INET };
	static struct sockaddr_in6 address = { .sin6_family = AF_INET6 };
	static struct addrinfo http = {
		.ai_family = AF_INET, .ai_socktype = SOCK_STREAM,
		.ai_protocol = IPPROTO_TCP, .ai_addrlen = sizeof(port),
		.ai_addr = (void *)&port,
	};
	static struct addrinfo numeric = {
		.ai_family = AF_INET6, .ai_addrlen = sizeof(address),
		.ai_addr = (void *)&address,
	};
	bool is_numeric = name && inet_pton(AF_INET6, name, &address.sin6_addr);

	(void)hints;
	n_lookups += name && !is_numeric;
	if (!is_numeric && (name || strcmp(service, "http") != 0))
		return EAI_NONAME;
	port.sin_port = htons(80);
	*found = is_numeric ? &numeric : &http;
	return 0;
}

void freeaddrinfo(struct addrinfo *found)
{
	(void)found;
}

static char why[256];

static int compile(const char *text, int linktype)
{
	struct bpf_program program;
	int err;

	*why = '\0';
	err = frame_filter_compile(&program, text, linktype, why, sizeof(why));
	if (err == 0)
		pcap_freecode(&program);
	return err;
}

static void good_ones(void)
{
	static const char *const good[] = {
		"", "tcp", "tcp port 80", "port http", "tcp src port http",
		"host 10.0.0.1 and not (port http or 53)", "net 10.0.0.0/8",
		"net 10", "host 2001:db8::1", "ether host 52:54:00:00:00:01",
		"ether host 5254.0000.0001", "ether host 52-54-00-00-00-01",
		"ip proto \\tcp", "ether proto \\arp", "ip proto 6 or 17",
		"tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "tcp[13:1] = 0x02",
		"icmp[icmptype] = icmp-echo", "portrange 80-90",
		"vlan 7 and ip6", "mpls and ip", "greater 100", "broadcast",
		"ether[0] & 1 = 0 and ip[16] >= 224", "(arp)or(icmp6)",
		/* can never match */
		"ip and arp",
	};

	for (unsigned i = 0; i < sizeof(good) / sizeof(*good); i++) {
		CHECK_EQ(compile(good[i], DLT_EN10MB), 0);
		CHECK(!*why);
	}
	CHECK_EQ(compile("wlan type mgt subtype beacon", DLT_IEEE802_11), 0);
	CHECK_EQ(compile("outbound", DLT_LINUX_SLL2), 0);
	CHECK_EQ(n_lookups, 0);
}

static void names_are_refused_and_not_looked_up(void)
{
	static const struct {
		const char *text, *name;
	} rows[] = {
		{ "host far.example", "far.example" },
		{ "host far", "far" },
		{ "far", "far" },
		{ "src far", "far" },
		{ "tcp and(dst host(far))", "far" },
		{ "host 10.0.0.1 or far", "far" },
		{ "port 80 and not net far-away", "far-away" },
		{ "net far_away", "far_away" },
		{ "gateway far", "far" },
		{ "ether host far", "far" },
		{ "ether src far", "far" },
		{ "host http", "http" },
		{ "host \\far", "far" },
		{ "host 3com", "3com" },
		{ "src or dst far", "far" },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char said[64];

		snprintf(said, sizeof(said), "\"%s\" is no keyword, and names",
			 rows[i].name);
		CHECK_EQ(compile(rows[i].text, DLT_EN10MB), -EINVAL);
		CHECK(strstr(why, said));
	}
	CHECK_EQ(n_lookups, 0);
}

static void what_is_wrong_is_said(void)
{
	static const char *const bad[] = {
		"port nonsense", "port 99999", "tcp port", "(", "udp and",
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CHECK_EQ(compile(bad[i], DLT_EN10MB), -EINVAL);
		CHECK(strstr(why, bad[i]));
		CHECK(!strstr(why, "names"));
	}
}

static void a_word_of_any_length(void)
{
	char text[FRAME_FILTER_MAX];

	for (size_t len = 250; len < 260; len++) {
		memset(text, 'a', len);
		text[len] = '\0';
		CHECK_EQ(compile(text, DLT_EN10MB), -EINVAL);
	}
	CHECK_EQ(n_lookups, 0);
}

int main(void)
{
	TEST(good_ones);
	TEST(names_are_refused_and_not_looked_up);
	TEST(what_is_wrong_is_said);
	TEST(a_word_of_any_length);
	return TEST_END();
}
