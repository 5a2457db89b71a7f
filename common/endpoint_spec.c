/* SPDX-License-Identifier: ISC */
/*
 * The text of an endpoint, read into struct endpoint_spec, which the caller owns:
 * pure. option.c calls it.
 */
#include "endpoint_spec.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "endpoint_hint.h"
#include "quantity.h"
#include "time.h"

/*
 * The grammar:
 *
 *	endpoint = "-" *("," option) / kind ":" argument *("," option)
 *	option   = name ["=" value]
 *
 * The first ':' ends the kind and the first ',' the argument: a path may hold
 * colons, but no comma. Two tables say the rest: which parser reads a kind's
 * argument, and which kinds an option belongs to. An option given twice counts
 * as given last, except for allow, which adds up.
 */
#define KIND(k)		(1u << (k))
#define KINDS_ALL	(~0u)
#define KINDS_DIAL	(KIND(ENDPOINT_UNIX) | KIND(ENDPOINT_TCP))
#define KINDS_TCP	(KIND(ENDPOINT_TCP) | KIND(ENDPOINT_TCP_LISTEN))
#define KINDS_DEVICE	(KIND(ENDPOINT_TAP) | KIND(ENDPOINT_PACKET))

#define TEXT_MAX	1024		/* of an endpoint, with its NUL */
#define VNET_LEN	12		/* of vnet-hdr=on: virtio-net's, 1.0 on */

#define SEND_BUFFER	(UINT64_C(4) << 20)
#define SEND_BUFFER_MIN	(UINT64_C(64) << 10)
#define SEND_BUFFER_MAX	(UINT64_C(1) << 30)
#define RECONNECT_MS	1000
#define RECONNECT_S_MAX	86400
#define KEEPALIVE_S	5
#define KEEPALIVE_S_MAX	32767		/* the kernel's MAX_TCP_KEEPIDLE */
#define USER_TIMEOUT_S	10
#define USER_TIMEOUT_S_MAX 86400

struct parser {
	struct endpoint_spec spec;
	char buf[TEXT_MAX];		/* the text, cut at its separators */
	const char *kind;		/* as given, for messages */
	char *err;			/* the caller's */
	size_t err_len;
};

/*
 * Says what is wrong, on one line whatever bytes the text had in it.
 * Return: -EINVAL
 */
static int __attribute__((format(printf, 2, 3)))
refuse(struct parser *p, const char *fmt, ...)
{
	va_list ap;

	if (!p->err_len)
		return -EINVAL;
	va_start(ap, fmt);
	vsnprintf(p->err, p->err_len, fmt, ap);
	va_end(ap);
	for (char *c = p->err; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	}
	return -EINVAL;
}

/* Copies a value that has to fit. Return: 0 or -EINVAL */
static int copy(struct parser *p, const char *what, char *to, size_t size,
		const char *from)
{
	size_t len = strlen(from);

	if (!len)
		return refuse(p, "%s: empty %s", p->kind, what);
	if (len >= size)
		return refuse(p, "%s: %s of %zu bytes, the limit is %zu",
			      p->kind, what, len, size - 1);
	memcpy(to, from, len + 1);
	return 0;
}

static int parse_unix(struct parser *p, char *arg)
{
	return copy(p, "path", p->spec.target,
		    sizeof(((struct sockaddr_un *)NULL)->sun_path), arg);
}

static int parse_file(struct parser *p, char *arg)
{
	return copy(p, "path", p->spec.target, sizeof(p->spec.target), arg);
}

/* These two are directories wherever names become files. */
static bool is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

static int parse_device(struct parser *p, char *arg)
{
	if (is_dots(arg) || strpbrk(arg, "/: \t\n"))
		return refuse(p, "%s: bad interface name \"%s\"", p->kind, arg);
	return copy(p, "interface name", p->spec.target, IFNAMSIZ, arg);
}

static int parse_fd(struct parser *p, char *arg)
{
	uint64_t fd;

	if (quantity_number(&fd, arg, INT_MAX))
		return refuse(p, "fd: bad file descriptor \"%s\"", arg);
	p->spec.fd = (int)fd;
	return 0;
}

static int parse_nothing(struct parser *p, char *arg)
{
	if (*arg)
		return refuse(p, "%s: takes no argument, not \"%s\"", p->kind,
			      arg);
	return 0;
}

/*
 * Cuts the port off the argument. Return: the host without its brackets, and
 * the port in *PORT; or NULL when the text does not have that form
 */
static char *host_split(char *arg, char **port)
{
	char *end = *arg == '[' ? strchr(arg, ']') : strrchr(arg, ':');
	struct in6_addr addr;
	char *scope;

	if (!end)
		return NULL;
	if (*arg != '[') {
		*end = '\0';
		*port = end + 1;
		return strpbrk(arg, ":]") ? NULL : arg;
	}
	if (end[1] != ':')
		return NULL;
	*end = '\0';
	*port = end + 2;

	scope = strchr(++arg, '%');
	if (scope)
		*scope = '\0';
	if (inet_pton(AF_INET6, arg, &addr) != 1)
		return NULL;
	if (scope)
		*scope = '%';
	return arg;
}

static int parse_tcp(struct parser *p, char *arg)
{
	char whole[TEXT_MAX], *host, *port = NULL;
	uint64_t n;
	int rc;

	snprintf(whole, sizeof(whole), "%s", arg);
	host = host_split(arg, &port);
	if (!host)
		return refuse(p, "%s: \"%s\" is not HOST:PORT or [IPV6]:PORT",
			      p->kind, whole);
	if (!*host)
		return refuse(p, "%s: empty host: 127.0.0.1:%s?", p->kind,
			      port);
	rc = copy(p, "host", p->spec.target, sizeof(p->spec.target), host);
	if (rc)
		return rc;
	if (quantity_number(&n, port, UINT16_MAX) || !n)
		return refuse(p, "%s: port \"%s\" is not in 1..65535", p->kind,
			      port);
	snprintf(p->spec.port, sizeof(p->spec.port), "%u", (unsigned)n);
	return 0;
}

static const struct kind_row {
	const char *name;
	enum endpoint_kind kind;
	int (*parse)(struct parser *p, char *arg);
} kinds[] = {
	{ "unix", ENDPOINT_UNIX, parse_unix },
	{ "unix-listen", ENDPOINT_UNIX_LISTEN, parse_unix },
	{ "tcp", ENDPOINT_TCP, parse_tcp },
	{ "tcp-listen", ENDPOINT_TCP_LISTEN, parse_tcp },
	{ "fd", ENDPOINT_FD, parse_fd },
	{ "tap", ENDPOINT_TAP, parse_device },
	{ "packet", ENDPOINT_PACKET, parse_device },
	{ "pcap", ENDPOINT_PCAP, parse_file },
	{ "null", ENDPOINT_NULL, parse_nothing },
};

/* An option's VALUE is NULL when there was no '='. */
static int option_vnet_hdr(struct parser *p, const char *value)
{
	uint8_t len;

	if (!value || !strcmp(value, "on") || !strcmp(value, "12"))
		len = VNET_LEN;
	else if (!strcmp(value, "10"))
		len = 10;
	else if (!strcmp(value, "off"))
		len = 0;
	else
		return refuse(p, "vnet-hdr=%s is not on, off, 10 or 12", value);
	if (len && p->spec.kind == ENDPOINT_PCAP)
		return refuse(p, "vnet-hdr for pcap: captures are written "
			      "plain");
	p->spec.vnet_len = len;
	p->spec.vnet_set = true;
	return 0;
}

static int option_queue(struct parser *p, const char *value)
{
	static const struct {
		const char *name;
		enum endpoint_queue queue;
	} queues[] = {
		{ "tx", QUEUE_TX }, { "rx", QUEUE_RX }, { "all", QUEUE_ALL },
	};

	for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++) {
		if (!strcmp(value, queues[i].name)) {
			p->spec.queue = queues[i].queue;
			return 0;
		}
	}
	return refuse(p, "queue=%s is not tx, rx or all", value);
}

/* A bare number counts seconds. */
static int option_reconnect(struct parser *p, const char *value)
{
	uint64_t ns;

	if (quantity_time(&ns, value, NS_PER_S) < 0 || ns % NS_PER_MS ||
	    ns / NS_PER_S > RECONNECT_S_MAX)
		return refuse(p, "reconnect=%s is not seconds in 0..%d, with at "
			      "most three decimals", value, RECONNECT_S_MAX);
	p->spec.reconnect_ms = (uint32_t)(ns / NS_PER_MS);
	return 0;
}

static int option_send_buffer(struct parser *p, const char *value)
{
	uint64_t n;

	if (quantity_bytes(&n, value) < 0 || n < SEND_BUFFER_MIN ||
	    n > SEND_BUFFER_MAX)
		return refuse(p, "send-buffer=%s is not bytes in 64k..1G",
			      value);
	p->spec.send_buffer = (size_t)n;
	return 0;
}

static int option_mode(struct parser *p, const char *value)
{
	size_t len = strlen(value);
	unsigned long mode;

	if (!len || len > 4 || strspn(value, "01234567") != len)
		goto invalid;
	mode = strtoul(value, NULL, 8);
	if (mode > 0777)
		goto invalid;
	p->spec.mode = (mode_t)mode;
	return 0;

invalid:
	return refuse(p, "mode=%s is not octal in 0..0777", value);
}

/* A name of `ip netns`, or with a slash the path of a namespace's file */
static int option_netns(struct parser *p, const char *value)
{
	if (is_dots(value))
		return refuse(p, "netns=%s is not the name of a network "
			      "namespace", value);
	return copy(p, "netns", p->spec.netns, sizeof(p->spec.netns), value);
}

/* The first BITS bits of an address stay, the rest becomes 0. */
static void mask(uint8_t addr[16], unsigned bits)
{
	for (unsigned i = 0; i < 16; i++, bits -= bits < 8 ? bits : 8) {
		if (bits < 8)
			addr[i] &= (uint8_t)(0xff00u >> bits);
	}
}

static int option_allow(struct parser *p, const char *value)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct endpoint_cidr cidr;
	char text[INET6_ADDRSTRLEN];
	const char *slash = strchrnul(value, '/');
	uint64_t bits, max;

	if (p->spec.n_allow == ENDPOINT_ALLOW_MAX)
		return refuse(p, "more than %d times allow=",
			      ENDPOINT_ALLOW_MAX);
	if ((size_t)(slash - value) >= sizeof(text))
		goto invalid;
	memcpy(text, value, (size_t)(slash - value));
	text[slash - value] = '\0';

	if (inet_pton(AF_INET, text, cidr.addr + sizeof(mapped)) == 1) {
		memcpy(cidr.addr, mapped, sizeof(mapped));
		max = 32;
	} else if (inet_pton(AF_INET6, text, cidr.addr) == 1) {
		max = 128;
	} else {
		goto invalid;
	}
	bits = max;
	if (*slash && quantity_number(&bits, slash + 1, max))
		goto invalid;

	cidr.bits = (uint8_t)(bits + 128 - max);
	mask(cidr.addr, cidr.bits);
	p->spec.allow[p->spec.n_allow++] = cidr;
	return 0;

invalid:
	return refuse(p, "allow=%s is not ADDRESS[/BITS]", value);
}

/* 0 leaves the matter to the kernel. */
static int seconds(struct parser *p, const char *name, unsigned *out,
		   const char *value, unsigned max)
{
	uint64_t n;

	if (quantity_seconds(&n, value, max))
		return refuse(p, "%s=%s is not seconds in 0..%u", name, value,
			      max);
	*out = (unsigned)n;
	return 0;
}

static int option_keepalive(struct parser *p, const char *value)
{
	return seconds(p, "keepalive", &p->spec.keepalive_s, value,
		       KEEPALIVE_S_MAX);
}

static int option_user_timeout(struct parser *p, const char *value)
{
	return seconds(p, "user-timeout", &p->spec.user_timeout_s, value,
		       USER_TIMEOUT_S_MAX);
}

static const struct option_row {
	const char *name;
	unsigned kinds;
	bool bare;			/* may stand without a value */
	int (*parse)(struct parser *p, const char *value);
} options[] = {
	{ "vnet-hdr", KINDS_ALL, true, option_vnet_hdr },
	{ "queue", KINDS_ALL, false, option_queue },
	{ "send-buffer", KINDS_ALL, false, option_send_buffer },
	{ "reconnect", KINDS_DIAL, false, option_reconnect },
	{ "mode", KIND(ENDPOINT_UNIX_LISTEN), false, option_mode },
	{ "netns", KINDS_DEVICE, false, option_netns },
	{ "allow", KIND(ENDPOINT_TCP_LISTEN), false, option_allow },
	{ "keepalive", KINDS_TCP, false, option_keepalive },
	{ "user-timeout", KINDS_TCP, false, option_user_timeout },
};

static int parse_option(struct parser *p, char *text)
{
	const char *colon = p->spec.kind == ENDPOINT_STDIO ? "" : ":";
	char *value = strchr(text, '=');

	if (value)
		*value++ = '\0';
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (strcmp(text, options[i].name))
			continue;
		if (!(options[i].kinds & KIND(p->spec.kind)))
			return refuse(p, "option \"%s\" is not for %s%s", text,
				      p->kind, colon);
		if (!value && !options[i].bare)
			return refuse(p, "option \"%s\" needs a value", text);
		return options[i].parse(p, value);
	}
	return refuse(p, "unknown option \"%s\" for %s%s", text, p->kind,
		      colon);
}

/* TEXT is no endpoint: say what may have been meant. */
static int refuse_kind(struct parser *p, const char *text)
{
	char what[TEXT_MAX + 64], hint[ENDPOINT_HINT_MAX];
	const char *colon = strchr(text, ':');

	if (colon)
		snprintf(what, sizeof(what), "unknown kind of endpoint \"%.*s\"",
			 (int)(colon + 1 - text), text);
	else
		snprintf(what, sizeof(what), "\"%s\" is not KIND:ARGUMENT or -",
			 text);
	if (endpoint_hint_text(text, hint, sizeof(hint)))
		return refuse(p, "%s: %s?", what, hint);
	return refuse(p, "%s (colo-endpoint(7) has them)", what);
}

/* TEXT is the part before the first comma: the kind and its argument. */
static int parse_kind(struct parser *p, char *text)
{
	char *colon = strchr(text, ':');

	p->kind = text;
	if (!strcmp(text, "-")) {
		p->spec.kind = ENDPOINT_STDIO;
		return 0;
	}
	if (!colon)
		return refuse_kind(p, text);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t len = strlen(kinds[i].name);

		if (colon == text + len && !memcmp(text, kinds[i].name, len)) {
			*colon = '\0';
			p->spec.kind = kinds[i].kind;
			return kinds[i].parse(p, colon + 1);
		}
	}
	return refuse_kind(p, text);
}

/* Is this an address of loopback? Of names only localhost is known to be one. */
static bool is_loopback(const char *host)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6);
	return !strcmp(host, "localhost");
}

/* Each option is right by itself: do they go together? */
static int check_all(struct parser *p)
{
	if (p->spec.kind == ENDPOINT_TCP_LISTEN && !p->spec.n_allow &&
	    !is_loopback(p->spec.target))
		return refuse(p, "tcp-listen:%s can be reached from other "
			      "hosts: add ,allow=ADDRESS[/BITS] of who may "
			      "connect", p->spec.target);
	return 0;
}

static struct endpoint_spec defaults(const char *text)
{
	return (struct endpoint_spec){
		.text = text,
		.fd = -1,
		.reconnect_ms = RECONNECT_MS,
		.send_buffer = SEND_BUFFER,
		.mode = 0600,
		.keepalive_s = KEEPALIVE_S,
		.user_timeout_s = USER_TIMEOUT_S,
	};
}

/**
 * endpoint_spec_parse() - Read the text of an endpoint
 * @spec:	set on success, with the defaults of all that was not said
 * @text:	KIND:ARGUMENT[,OPTION[=VALUE]...]; borrowed for as long as
 *		@spec is used
 * @err:	set on failure: what is wrong, one line without its newline
 * @err_len:	room at @err; the text is cut there
 *
 * Names are not looked up here, nothing is opened.
 *
 * Return: 0 or -EINVAL
 */
int endpoint_spec_parse(struct endpoint_spec *spec, const char *text,
			char *err, size_t err_len)
{
	struct parser p = {
		.spec = defaults(text),
		.err = err,
		.err_len = err_len,
	};
	size_t len = strlen(text);
	char *rest = p.buf;
	int rc;

	if (len >= sizeof(p.buf))
		return refuse(&p, "endpoint of %zu bytes, the limit is %zu",
			      len, sizeof(p.buf) - 1);
	memcpy(p.buf, text, len + 1);

	rc = parse_kind(&p, strsep(&rest, ","));
	while (!rc && rest)
		rc = parse_option(&p, strsep(&rest, ","));
	if (!rc)
		rc = check_all(&p);
	if (!rc)
		*spec = p.spec;
	return rc;
}

/**
 * endpoint_spec_capture() - The endpoint that a capture file is
 * @spec:	set on success
 * @path:	the file; any character may be in it. Borrowed
 *
 * Return: 0, or -ENAMETOOLONG
 */
int endpoint_spec_capture(struct endpoint_spec *spec, const char *path)
{
	size_t len = strlen(path);

	if (len >= sizeof(spec->target))
		return -ENAMETOOLONG;
	*spec = defaults(path);
	spec->kind = ENDPOINT_PCAP;
	memcpy(spec->target, path, len + 1);
	return 0;
}

/**
 * endpoint_spec_allows() - May this peer connect?
 * @spec:	the listening endpoint
 * @addr:	the peer's address, IPv4 in its v4-mapped form
 *
 * Return: true when the list of allow= is empty, which it is on loopback only, or
 * one of it matches
 */
bool endpoint_spec_allows(const struct endpoint_spec *spec,
			  const uint8_t addr[16])
{
	for (unsigned i = 0; i < spec->n_allow; i++) {
		uint8_t net[16];

		memcpy(net, addr, sizeof(net));
		mask(net, spec->allow[i].bits);
		if (!memcmp(net, spec->allow[i].addr, sizeof(net)))
			return true;
	}
	return spec->n_allow == 0;
}

/**
 * endpoint_spec_is_lasting() - Can it be opened again when it has been closed?
 * @spec:	The endpoint
 *
 * Return: false for descriptors, which may be another file's by then, and captures,
 * which would begin anew
 */
bool endpoint_spec_is_lasting(const struct endpoint_spec *spec)
{
	return spec->kind != ENDPOINT_FD && spec->kind != ENDPOINT_STDIO &&
	       spec->kind != ENDPOINT_PCAP;
}
