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
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "endpoint_hint.h"
#include "endpoint_option.h"
#include "quantity.h"

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
#define SEND_BUFFER	(UINT64_C(4) << 20)
#define RECONNECT_MS	1000
#define KEEPALIVE_S	5
#define USER_TIMEOUT_S 10

static int parse_unix(struct parser *p, char *arg)
{
	return parser_copy(p, "path", p->spec.target,
			   sizeof(((struct sockaddr_un *)NULL)->sun_path), arg);
}

static int parse_file(struct parser *p, char *arg)
{
	return parser_copy(p, "path", p->spec.target, sizeof(p->spec.target),
			   arg);
}

static int parse_device(struct parser *p, char *arg)
{
	if (parser_is_dots(arg) || strpbrk(arg, "/: \t\n"))
		return parser_refuse(p, "%s: bad interface name \"%s\"",
				     p->kind, arg);
	return parser_copy(p, "interface name", p->spec.target, IFNAMSIZ, arg);
}

static int parse_fd(struct parser *p, char *arg)
{
	uint64_t fd;

	if (quantity_number(&fd, arg, INT_MAX))
		return parser_refuse(p, "fd: bad file descriptor \"%s\"", arg);
	p->spec.fd = (int)fd;
	return 0;
}

static int parse_nothing(struct parser *p, char *arg)
{
	if (*arg)
		return parser_refuse(p, "%s: takes no argument, not \"%s\"",
				     p->kind, arg);
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
	char whole[PARSER_TEXT_MAX], *host, *port = NULL;
	uint64_t n;
	int rc;

	snprintf(whole, sizeof(whole), "%s", arg);
	host = host_split(arg, &port);
	if (!host)
		return parser_refuse(
			p, "%s: \"%s\" is not HOST:PORT or [IPV6]:PORT",
			p->kind, whole);
	if (!*host)
		return parser_refuse(p, "%s: empty host: 127.0.0.1:%s?",
				     p->kind, port);
	rc = parser_copy(p, "host", p->spec.target, sizeof(p->spec.target),
			 host);
	if (rc)
		return rc;
	if (quantity_number(&n, port, UINT16_MAX) || !n)
		return parser_refuse(p, "%s: port \"%s\" is not in 1..65535",
				     p->kind, port);
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

/* TEXT is no endpoint: say what may have been meant. */
static int refuse_kind(struct parser *p, const char *text)
{
	char what[PARSER_TEXT_MAX + 64], hint[ENDPOINT_HINT_MAX];
	const char *colon = strchr(text, ':');

	if (colon)
		snprintf(what, sizeof(what),
			 "unknown kind of endpoint \"%.*s\"",
			 (int)(colon + 1 - text), text);
	else
		snprintf(what, sizeof(what), "\"%s\" is not KIND:ARGUMENT or -",
			 text);
	if (endpoint_hint_text(text, hint, sizeof(hint)))
		return parser_refuse(p, "%s: %s?", what, hint);
	return parser_refuse(p, "%s (colo-endpoint(7) has them)", what);
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
		return parser_refuse(
			p,
			"tcp-listen:%s can be reached from other "
			"hosts: add ,allow=ADDRESS[/BITS] of who may "
			"connect",
			p->spec.target);
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
int endpoint_spec_parse(struct endpoint_spec *spec, const char *text, char *err,
			size_t err_len)
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
		return parser_refuse(&p,
				     "endpoint of %zu bytes, the limit is %zu",
				     len, sizeof(p.buf) - 1);
	memcpy(p.buf, text, len + 1);

	rc = parse_kind(&p, strsep(&rest, ","));
	while (!rc && rest)
		rc = endpoint_option_parse(&p, strsep(&rest, ","));
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
		if (cidr_has(&spec->allow[i], addr))
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
