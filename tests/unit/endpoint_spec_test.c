/* SPDX-License-Identifier: ISC */
#include "../../common/endpoint_spec.h"

#include <arpa/inet.h>
#include <errno.h>

#include "test.h"

#define TEN	"0123456789"
#define HUNDRED	TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define PATH107	HUNDRED "0123456"
#define PATH108	HUNDRED "01234567"

static char err[320];

static struct endpoint_spec parse(const char *text)
{
	struct endpoint_spec spec;
	int rc;

	memset(&spec, 0xa5, sizeof(spec));
	rc = endpoint_spec_parse(&spec, text, err, sizeof(err));
	if (rc) {
		fprintf(stderr, "%s: %d: %s\n", text, rc, err);
		exit(1);
	}
	return spec;
}

static void test_kinds(void)
{
	static const struct {
		const char *text;
		enum endpoint_kind kind;
		const char *target, *port;
	} good[] = {
		{ "unix:/run/a.sock", ENDPOINT_UNIX, "/run/a.sock", "" },
		{ "unix:a:b=c", ENDPOINT_UNIX, "a:b=c", "" },
		{ "unix:" PATH107, ENDPOINT_UNIX, PATH107, "" },
		{ "unix-listen:x", ENDPOINT_UNIX_LISTEN, "x", "" },
		{ "tcp:localhost:9000", ENDPOINT_TCP, "localhost", "9000" },
		{ "tcp:10.0.0.1:1", ENDPOINT_TCP, "10.0.0.1", "1" },
		{ "tcp:[::1]:65535", ENDPOINT_TCP, "::1", "65535" },
		{ "tcp:[fe80::1%eth0]:00080", ENDPOINT_TCP, "fe80::1%eth0",
		  "80" },
		{ "tcp-listen:0.0.0.0:7,allow=0.0.0.0/0", ENDPOINT_TCP_LISTEN,
		  "0.0.0.0", "7" },
		{ "tcp-listen:[::]:7,allow=::/0", ENDPOINT_TCP_LISTEN, "::",
		  "7" },
		{ "tap:tap0", ENDPOINT_TAP, "tap0", "" },
		{ "tap:fifteen-letters", ENDPOINT_TAP, "fifteen-letters", "" },
		{ "packet:veth1.20", ENDPOINT_PACKET, "veth1.20", "" },
		{ "pcap:in.pcapng", ENDPOINT_PCAP, "in.pcapng", "" },
		{ "pcap:" HUNDRED PATH108, ENDPOINT_PCAP, HUNDRED PATH108, "" },
		{ "null:", ENDPOINT_NULL, "", "" },
		{ "-", ENDPOINT_STDIO, "", "" },
		{ "-,vnet-hdr", ENDPOINT_STDIO, "", "" },
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct endpoint_spec spec = parse(good[i].text);

		CHECK(spec.text == good[i].text);
		CHECK_EQ(spec.kind, good[i].kind);
		CHECK(!strcmp(spec.target, good[i].target));
		CHECK(!strcmp(spec.port, good[i].port));
		CHECK_EQ(spec.fd, -1);
	}
	CHECK_EQ(parse("fd:0").fd, 0);
	CHECK_EQ(parse("fd:2147483647").fd, 2147483647);
	CHECK_EQ(parse("fd:3").kind, ENDPOINT_FD);
}

static void test_defaults(void)
{
	struct endpoint_spec spec = parse("tcp-listen:[::1]:1");

	CHECK_EQ(spec.queue, QUEUE_UNSET);
	CHECK(!spec.vnet_set);
	CHECK_EQ(spec.vnet_len, 0);
	CHECK_EQ(spec.reconnect_ms, 1000);
	CHECK_EQ(spec.send_buffer, 4 << 20);
	CHECK_EQ(spec.mode, 0600);
	CHECK_EQ(spec.netns[0], 0);
	CHECK_EQ(spec.n_allow, 0);
	CHECK_EQ(spec.keepalive_s, 5);
	CHECK_EQ(spec.user_timeout_s, 10);
}

static void test_options(void)
{
	struct endpoint_spec spec;

	CHECK_EQ(parse("null:,queue=tx").queue, QUEUE_TX);
	CHECK_EQ(parse("-,queue=rx").queue, QUEUE_RX);
	CHECK_EQ(parse("unix:x,queue=rx,queue=all").queue, QUEUE_ALL);

	CHECK_EQ(parse("unix:x,vnet-hdr").vnet_len, 12);
	CHECK_EQ(parse("unix:x,vnet-hdr=on").vnet_len, 12);
	CHECK_EQ(parse("tap:x,vnet-hdr=12").vnet_len, 12);
	CHECK_EQ(parse("tap:x,vnet-hdr=10").vnet_len, 10);
	spec = parse("pcap:x,vnet-hdr=off");
	CHECK(spec.vnet_set && spec.vnet_len == 0);

	CHECK_EQ(parse("unix:x,reconnect=0").reconnect_ms, 0);
	CHECK_EQ(parse("unix:x,reconnect=0.05").reconnect_ms, 50);
	CHECK_EQ(parse("tcp:h:1,reconnect=2.5").reconnect_ms, 2500);
	CHECK_EQ(parse("tcp:h:1,reconnect=0.001").reconnect_ms, 1);
	CHECK_EQ(parse("tcp:h:1,reconnect=86400").reconnect_ms, 86400000);

	CHECK_EQ(parse("unix:x,send-buffer=64k").send_buffer, 64 << 10);
	CHECK_EQ(parse("unix:x,send-buffer=65536").send_buffer, 64 << 10);
	CHECK_EQ(parse("unix:x,send-buffer=16M").send_buffer, 16 << 20);
	CHECK_EQ(parse("unix:x,send-buffer=1G").send_buffer, 1 << 30);

	CHECK_EQ(parse("unix-listen:x,mode=666").mode, 0666);
	CHECK_EQ(parse("unix-listen:x,mode=0").mode, 0);
	CHECK(!strcmp(parse("tap:x,netns=host1").netns, "host1"));
	CHECK(!strcmp(parse("packet:x,netns=/proc/1/ns/net").netns,
		      "/proc/1/ns/net"));
	CHECK_EQ(parse("tcp:h:1,keepalive=0").keepalive_s, 0);
	CHECK_EQ(parse("tcp:h:1,keepalive=32767").keepalive_s, 32767);
	CHECK_EQ(parse("tcp:h:1,keepalive=2min").keepalive_s, 120);
	CHECK_EQ(parse("tcp-listen:localhost:1,user-timeout=30").user_timeout_s, 30);

	spec = parse("tcp:h:1,vnet-hdr,queue=rx,reconnect=3,user-timeout=4");
	CHECK_EQ(spec.vnet_len, 12);
	CHECK_EQ(spec.queue, QUEUE_RX);
	CHECK_EQ(spec.reconnect_ms, 3000);
	CHECK_EQ(spec.user_timeout_s, 4);
}

static const struct {
	const char *text, *err;
} bad[] = {
	{ "", "\"\" is not KIND:ARGUMENT or -"
	  " (colo-endpoint(7) has them)" },
	{ "file", "\"file\" is not KIND:ARGUMENT or -"
	  " (colo-endpoint(7) has them)" },
	{ "--", "\"--\" is not KIND:ARGUMENT or -"
	  " (colo-endpoint(7) has them)" },
	{ "udp:h:1", "unknown kind of endpoint \"udp:\""
	  " (colo-endpoint(7) has them)" },
	{ ":", "unknown kind of endpoint \":\""
	  " (colo-endpoint(7) has them)" },
	{ "/a/b:1", "unknown kind of endpoint \"/a/b:\": unix:/a/b:1?" },
	{ "a.sock,mode=0600",
	  "\"a.sock\" is not KIND:ARGUMENT or -: unix:a.sock?" },
	{ "a.cap", "\"a.cap\" is not KIND:ARGUMENT or -: pcap:a.cap?" },
	{ "0", "\"0\" is not KIND:ARGUMENT or -: fd:0?" },
	{ "h:1", "unknown kind of endpoint \"h:\": tcp:h:1?" },
	{ ":1", "unknown kind of endpoint \":\": tcp-listen:127.0.0.1:1?" },
	{ "TCP4:h:1", "unknown kind of endpoint \"TCP4:\": tcp:h:1?" },
	{ "unix:", "unix: empty path" },
	{ "unix:,queue=tx", "unix: empty path" },
	{ "unix:" PATH108, "unix: path of 108 bytes, the limit is 107" },
	{ "unix-listen:" HUNDRED HUNDRED,
	  "unix-listen: path of 200 bytes, the limit is 107" },
	{ "pcap:", "pcap: empty path" },
	{ "pcap:" HUNDRED HUNDRED HUNDRED,
	  "pcap: path of 300 bytes, the limit is 255" },
	{ "null:x", "null: takes no argument, not \"x\"" },
	{ "fd:", "fd: bad file descriptor \"\"" },
	{ "fd:-1", "fd: bad file descriptor \"-1\"" },
	{ "fd:3x", "fd: bad file descriptor \"3x\"" },
	{ "fd:2147483648", "fd: bad file descriptor \"2147483648\"" },
	{ "fd:99999999999999999999",
	  "fd: bad file descriptor \"99999999999999999999\"" },
	{ "tap:", "tap: empty interface name" },
	{ "tap:sixteen-letters-",
	  "tap: interface name of 16 bytes, the limit is 15" },
	{ "tap:a/b", "tap: bad interface name \"a/b\"" },
	{ "packet:..", "packet: bad interface name \"..\"" },
	{ "packet:a b", "packet: bad interface name \"a b\"" },

	{ "tcp:", "tcp: \"\" is not HOST:PORT or [IPV6]:PORT" },
	{ "tcp:host", "tcp: \"host\" is not HOST:PORT or [IPV6]:PORT" },
	{ "tcp::80", "tcp: empty host: 127.0.0.1:80?" },
	{ "tcp::1:80", "tcp: \":1:80\" is not HOST:PORT or [IPV6]:PORT" },
	{ "tcp:fe80::1:80",
	  "tcp: \"fe80::1:80\" is not HOST:PORT or [IPV6]:PORT" },
	{ "tcp:[::1]", "tcp: \"[::1]\" is not HOST:PORT or [IPV6]:PORT" },
	{ "tcp:[::1:80", "tcp: \"[::1:80\" is not HOST:PORT or [IPV6]:PORT" },
	{ "tcp:[::1]80", "tcp: \"[::1]80\" is not HOST:PORT or [IPV6]:PORT" },
	{ "tcp:[host]:80",
	  "tcp: \"[host]:80\" is not HOST:PORT or [IPV6]:PORT" },
	{ "tcp-listen:h:", "tcp-listen: port \"\" is not in 1..65535" },
	{ "tcp:h:0", "tcp: port \"0\" is not in 1..65535" },
	{ "tcp:h:65536", "tcp: port \"65536\" is not in 1..65535" },
	{ "tcp:h:http", "tcp: port \"http\" is not in 1..65535" },
	{ "tcp:h:+1", "tcp: port \"+1\" is not in 1..65535" },
	{ "tcp:" HUNDRED HUNDRED HUNDRED ":1",
	  "tcp: host of 300 bytes, the limit is 255" },

	{ "unix:x,foo", "unknown option \"foo\" for unix:" },
	{ "unix:x,foo=1", "unknown option \"foo\" for unix:" },
	{ "unix:x,", "unknown option \"\" for unix:" },
	{ "-,foo", "unknown option \"foo\" for -" },
	{ "-,reconnect=1", "option \"reconnect\" is not for -" },
	{ "unix:x,netns=a", "option \"netns\" is not for unix:" },
	{ "unix:x,allow=::1", "option \"allow\" is not for unix:" },
	{ "tcp:h:1,allow=::1", "option \"allow\" is not for tcp:" },
	{ "tcp:h:1,mode=600", "option \"mode\" is not for tcp:" },
	{ "unix:x,mode=600", "option \"mode\" is not for unix:" },
	{ "unix-listen:x,reconnect=1",
	  "option \"reconnect\" is not for unix-listen:" },
	{ "unix:x,keepalive=1", "option \"keepalive\" is not for unix:" },
	{ "tap:x,user-timeout=1", "option \"user-timeout\" is not for tap:" },
	{ "unix:x,queue", "option \"queue\" needs a value" },
	{ "unix:x,queue=", "queue= is not tx, rx or all" },
	{ "unix:x,queue=tx,queue=both", "queue=both is not tx, rx or all" },
	{ "unix:x,vnet-hdr=", "vnet-hdr= is not on, off, 10 or 12" },
	{ "unix:x,vnet-hdr=11", "vnet-hdr=11 is not on, off, 10 or 12" },
	{ "pcap:x,vnet-hdr", "vnet-hdr for pcap: captures are written plain" },
	{ "unix:x,reconnect=", "reconnect= is not seconds in 0..86400, "
	  "with at most three decimals" },
	{ "unix:x,reconnect=.5", "reconnect=.5 is not seconds in 0..86400, "
	  "with at most three decimals" },
	{ "unix:x,reconnect=1.", "reconnect=1. is not seconds in 0..86400, "
	  "with at most three decimals" },
	{ "unix:x,reconnect=0.0001", "reconnect=0.0001 is not seconds in "
	  "0..86400, with at most three decimals" },
	{ "unix:x,reconnect=86401", "reconnect=86401 is not seconds in "
	  "0..86400, with at most three decimals" },
	{ "unix:x,send-buffer=65535",
	  "send-buffer=65535 is not bytes in 64k..1G" },
	{ "unix:x,send-buffer=M", "send-buffer=M is not bytes in 64k..1G" },
	{ "unix:x,send-buffer=2G", "send-buffer=2G is not bytes in 64k..1G" },
	{ "unix:x,send-buffer=9G", "send-buffer=9G is not bytes in 64k..1G" },
	{ "unix:x,send-buffer=1025M",
	  "send-buffer=1025M is not bytes in 64k..1G" },
	{ "unix:x,send-buffer=18446744073709551617M",
	  "send-buffer=18446744073709551617M is not bytes in 64k..1G" },
	{ "unix:x,send-buffer=1kk", "send-buffer=1kk is not bytes in 64k..1G" },
	{ "unix-listen:x,mode=8", "mode=8 is not octal in 0..0777" },
	{ "unix-listen:x,mode=1000", "mode=1000 is not octal in 0..0777" },
	{ "unix-listen:x,mode=", "mode= is not octal in 0..0777" },
	{ "tap:x,netns=", "tap: empty netns" },
	{ "tap:x,netns=..",
	  "netns=.. is not the name of a network namespace" },
	{ "tap:x,netns=" HUNDRED,
	  "tap: netns of 100 bytes, the limit is 63" },
	{ "tcp:h:1,keepalive=32768",
	  "keepalive=32768 is not seconds in 0..32767" },
	{ "tcp:h:1,user-timeout=1.5",
	  "user-timeout=1.5 is not seconds in 0..86400" },
	{ "tcp:h:1,user-timeout=100ms",
	  "user-timeout=100ms is not seconds in 0..86400" },
	{ "tcp-listen:0.0.0.0:1", "tcp-listen:0.0.0.0 can be reached from other "
	  "hosts: add ,allow=ADDRESS[/BITS] of who may connect" },
	{ "tcp-listen:[::]:1,keepalive=1", "tcp-listen::: can be reached from "
	  "other hosts: add ,allow=ADDRESS[/BITS] of who may connect" },
	{ "tcp-listen:localhost.example:1", "tcp-listen:localhost.example can "
	  "be reached from other hosts: add ,allow=ADDRESS[/BITS] of who may "
	  "connect" },
	{ "tcp-listen:h:1,allow=", "allow= is not ADDRESS[/BITS]" },
	{ "tcp-listen:h:1,allow=host", "allow=host is not ADDRESS[/BITS]" },
	{ "tcp-listen:h:1,allow=10.0.0.0/33",
	  "allow=10.0.0.0/33 is not ADDRESS[/BITS]" },
	{ "tcp-listen:h:1,allow=10.0.0.0/",
	  "allow=10.0.0.0/ is not ADDRESS[/BITS]" },
	{ "tcp-listen:h:1,allow=::/129",
	  "allow=::/129 is not ADDRESS[/BITS]" },
	{ "unix:x,a\nb", "unknown option \"a?b\" for unix:" },
};

static void test_errors(void)
{
	struct endpoint_spec spec, before;

	memset(&before, 0xa5, sizeof(before));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		spec = before;
		err[0] = '\0';
		if (endpoint_spec_parse(&spec, bad[i].text, err,
					sizeof(err)) != -EINVAL ||
		    strcmp(err, bad[i].err)) {
			fprintf(stderr, "%s:\n  %s\nnot\n  %s\n", bad[i].text,
				err, bad[i].err);
			exit(1);
		}
		/* NOLINTNEXTLINE: no byte of it was written, padding too */
		CHECK(!memcmp(&spec, &before, sizeof(spec)));
	}
}

static void test_error_room(void)
{
	struct endpoint_spec spec;
	char text[1100], small[8] = "#######";

	CHECK_EQ(endpoint_spec_parse(&spec, "unix:", small, 5), -EINVAL);
	CHECK(!memcmp(small, "unix\0##", 8));
	CHECK_EQ(endpoint_spec_parse(&spec, "unix:", NULL, 0), -EINVAL);

	memset(text, 'x', sizeof(text));
	memcpy(text, "pcap:", 5);
	text[1024] = '\0';
	CHECK_EQ(endpoint_spec_parse(&spec, text, err, sizeof(err)), -EINVAL);
	CHECK(!strcmp(err, "endpoint of 1024 bytes, the limit is 1023"));
	text[1023] = '\0';
	CHECK_EQ(endpoint_spec_parse(&spec, text, err, sizeof(err)), -EINVAL);
	CHECK(!strcmp(err, "pcap: path of 1018 bytes, the limit is 255"));
}

static bool allows(const char *text, const char *peer)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct endpoint_spec spec = parse(text);
	uint8_t addr[16];

	memcpy(addr, mapped, sizeof(mapped));
	CHECK(inet_pton(AF_INET, peer, addr + 12) == 1 ||
	      inet_pton(AF_INET6, peer, addr) == 1);
	return endpoint_spec_allows(&spec, addr);
}

static void test_allow(void)
{
	const char *one = "tcp-listen:h:1,allow=10.1.2.3";
	const char *net = "tcp-listen:h:1,allow=10.1.2.3/12,allow=fd00::/7";
	const char *v4 = "tcp-listen:h:1,allow=0.0.0.0/0";
	const char *all = "tcp-listen:h:1,allow=::/0";

	CHECK(allows("tcp-listen:localhost:1", "192.0.2.1"));
	CHECK(allows("tcp-listen:localhost:1", "2001:db8::1"));

	CHECK(allows(one, "10.1.2.3"));
	CHECK(!allows(one, "10.1.2.2"));
	CHECK(!allows(one, "::1"));

	CHECK(allows(net, "10.0.0.0"));
	CHECK(allows(net, "10.15.255.255"));
	CHECK(!allows(net, "10.16.0.0"));
	CHECK(!allows(net, "9.255.255.255"));
	CHECK(allows(net, "fc00::1"));
	CHECK(allows(net, "fdff::1"));
	CHECK(!allows(net, "fe00::1"));

	CHECK(allows(v4, "255.255.255.255"));
	CHECK(!allows(v4, "::1"));
	CHECK(allows(all, "192.0.2.1"));
	CHECK(allows(all, "2001:db8::1"));
	CHECK(allows("tcp-listen:h:1,allow=::ffff:10.0.0.0/104", "10.9.9.9"));
	CHECK(!allows("tcp-listen:h:1,allow=::ffff:10.0.0.0/104", "11.0.0.0"));
}

static void test_allow_max(void)
{
	struct endpoint_spec spec;
	char text[1024];
	int len = snprintf(text, sizeof(text), "tcp-listen:h:1");

	for (int i = 0; i < ENDPOINT_ALLOW_MAX; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len,
				",allow=::1");
	spec = parse(text);
	CHECK_EQ(spec.n_allow, ENDPOINT_ALLOW_MAX);

	snprintf(text + len, sizeof(text) - (size_t)len, ",allow=::1");
	CHECK_EQ(endpoint_spec_parse(&spec, text, err, sizeof(err)), -EINVAL);
	CHECK(!strcmp(err, "more than 16 times allow="));
}

int main(void)
{
	TEST(test_kinds);
	TEST(test_defaults);
	TEST(test_options);
	TEST(test_errors);
	TEST(test_error_room);
	TEST(test_allow);
	TEST(test_allow_max);
	return TEST_END();
}
