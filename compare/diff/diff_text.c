/* SPDX-License-Identifier: ISC */
#include "diff_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "../../common/flow_key.h"

static const char *const kind_text[DIFF_KINDS] = {
	"payload", "missing", "extra", "timeout", "flag", "option", "mac",
	"queue", "repeat",
};

static const char *const side_text[2] = { "primary", "secondary" };

/** diff_text_kind() - The word for a kind of difference; static text */
const char *diff_text_kind(enum diff_kind kind)
{
	return kind_text[kind];
}

/** diff_text_side() - The word for a side; static text */
const char *diff_text_side(unsigned side)
{
	return side_text[side];
}

/* A buffer that text is appended to. What has no room is cut off. */
struct text {
	char *buf;
	size_t len, cap;
};

static void add(struct text *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, t->cap - t->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n < t->cap - t->len ? (size_t)n :
						       t->cap - t->len - 1;
}

static void add_bytes(struct text *t, uint32_t n)
{
	add(t, "%" PRIu32 " byte%s", n, n == 1 ? "" : "s");
}

static bool is_tcp(const struct diff_side *s)
{
	return s->is_there && s->packet.level == PACKET_L4 &&
	       s->packet.proto == PACKET_TCP;
}

static void add_flags(struct text *t, const struct diff_side *s)
{
	static const char *const names[] = { "FIN", "SYN", "RST" };
	const char *comma = "";
	bool is_data = !s->packet.flags || s->packet.payload_len;

	for (unsigned i = 0; is_tcp(s) && i < 3; i++) {
		if (!(s->packet.flags & 1u << i))
			continue;
		add(t, "%s%s", comma, names[i]);
		comma = "+";
		is_data = false;
	}
	if (is_tcp(s) && s->packet.payload_len) {
		add(t, "%s", *comma ? " with " : "");
		add_bytes(t, s->packet.payload_len);
	} else if (!is_data && !*comma) {
		add(t, "ACK");
	}
}

/* How much it is that only one side has. */
static void add_lone(struct text *t, const struct diff_found *f)
{
	const struct diff_side *s = diff_found_side(f);

	if (!s->is_there)
		return;
	add(t, ", ");
	if (f->kind == DIFF_TIMEOUT || f->kind == DIFF_REPEAT)
		add(t, "%s only, ", side_text[s - f->side]);
	if (f->kind != DIFF_REPEAT && is_tcp(s) &&
	    s->packet.flags & (TCP_SYN | TCP_FIN | TCP_RST))
		add_flags(t, s);
	else
		add_bytes(t, s->len ? s->len : s->end - s->at);
}

static void add_payload(struct text *t, const struct diff_found *f)
{
	const struct diff_side *p = &f->side[COMPARE_PRIMARY];
	const struct diff_side *s = &f->side[COMPARE_SECONDARY];
	size_t len;
	const char *name = diff_found_header(p, p->at, &len);

	if (p->len || s->len) {		/* live, only where is known */
		add(t, ", ");
		add_bytes(t, p->len);
	}
	if (p->len != s->len)
		add(t, " against %" PRIu32, s->len);
	if (name)
		add(t, ", header %.*s", (int)len, name);
	if (f->is_tls)
		add(t, ", looks like TLS: no more of this flow's bytes are "
		    "told");
}

/**
 * diff_text() - Say in words what differs
 * @buf:	Gets the text
 * @len:	Bytes of room; DIFF_TEXT_MAX is enough
 * @f:		The difference
 */
void diff_text(char *buf, size_t len, const struct diff_found *f)
{
	struct text t = { .buf = buf, .cap = len };

	add(&t, "%s", kind_text[f->kind]);
	switch (f->kind) {
	case DIFF_PAYLOAD:
		add_payload(&t, f);
		break;
	case DIFF_MISSING:
	case DIFF_EXTRA:
	case DIFF_TIMEOUT:
		add_lone(&t, f);
		break;
	case DIFF_REPEAT:
		add_lone(&t, f);
		add(&t, " other than before");
		break;
	case DIFF_FLAG:
		add(&t, ", ");
		add_flags(&t, &f->side[COMPARE_PRIMARY]);
		add(&t, " against ");
		add_flags(&t, &f->side[COMPARE_SECONDARY]);
		break;
	default:
		break;
	}
}

/**
 * diff_text_packet_flow() - Name the flow that a packet belongs to
 * @buf:	Gets the text
 * @len:	Bytes of room; FLOW_TEXT_MAX is enough
 * @p:		The packet; one without IP is named by its EtherType
 */
void diff_text_packet_flow(char *buf, size_t len, const struct packet *p)
{
	struct flow_key key;

	if (flow_key_of(&key, p, false) == 0)
		flow_key_text(&key, buf, len);
	else
		snprintf(buf, len, "type 0x%04x", p->ethertype);
}

/**
 * diff_text_flow() - Name the flow of a difference
 * @buf:	Gets the text
 * @len:	Bytes of room; FLOW_TEXT_MAX is enough
 * @f:		The difference. Its flow has the primary's addresses and ports,
 *		or the secondary's where only that has a packet
 */
void diff_text_flow(char *buf, size_t len, const struct diff_found *f)
{
	const struct diff_side *s = diff_found_side(f);

	if (s->is_there)
		diff_text_packet_flow(buf, len, &s->packet);
	else if (f->key && f->key->ip_version)
		flow_key_text(f->key, buf, len);
	else
		snprintf(buf, len, "not IP");
}
