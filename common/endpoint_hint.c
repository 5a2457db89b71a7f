/* SPDX-License-Identifier: ISC */
#include "endpoint_hint.h"

#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "pcap_magic.h"

#define VNET_LEN_OLD 10u	/* of the two virtio-net headers */
#define VNET_LEN_NEW 12u

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && !strcmp(text + len - end_len, end);
}

static bool is_capture(const char *path)
{
	static const char *const ends[] = {
		".pcap", ".pcapng", ".cap", ".pcap.gz", ".pcapng.gz", NULL,
	};

	for (unsigned i = 0; ends[i]; i++)
		if (ends_with(path, ends[i]))
			return true;
	return false;
}

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* Other programs' words, socat's mostly, and ours for them. */
static const char *our_word(const char *word, size_t len)
{
	static const char *const words[][2] = {
		{ "unix-connect", "unix" }, { "unix-client", "unix" },
		{ "unix-server", "unix-listen" }, { "unix-l", "unix-listen" },
		{ "tcp-connect", "tcp" }, { "tcp4", "tcp" }, { "tcp6", "tcp" },
		{ "tcp-l", "tcp-listen" }, { "tcp4-listen", "tcp-listen" },
		{ "tcp6-listen", "tcp-listen" }, { "tun", "tap" },
		{ "interface", "packet" }, { "file", "pcap" },
		{ "open", "pcap" }, { "pcapng", "pcap" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i][0]) == len &&
		    !strncasecmp(words[i][0], word, len))
			return words[i][1];
	return NULL;
}

static bool hint_at_kind(const char *text, const char *colon, char *hint,
			 size_t size)
{
	const char *ours = our_word(text, (size_t)(colon - text));
	const char *port = colon + 1;

	if (ours)
		snprintf(hint, size, "%s%s", ours, colon);
	else if (is_number(port) && colon == text)
		snprintf(hint, size, "tcp-listen:127.0.0.1%s", text);
	else if (is_number(port))
		snprintf(hint, size, "tcp:%s", text);
	return ours || is_number(port);
}

/**
 * endpoint_hint_text() - Which endpoint may this have been meant to be?
 * @text:	What is none: no kind that there is stands before a colon
 * @hint:	Gets the text of an endpoint
 * @size:	Bytes of room; ENDPOINT_HINT_MAX is enough
 *
 * Return: false when there is nothing to say
 */
bool endpoint_hint_text(const char *text, char *hint, size_t size)
{
	const char *slash = strchr(text, '/'), *colon = strchr(text, ':');

	if (colon && !(slash && slash < colon))
		return hint_at_kind(text, colon, hint, size);
	if (is_capture(text))
		snprintf(hint, size, "pcap:%s", text);
	else if (slash || ends_with(text, ".sock"))
		snprintf(hint, size, "unix:%s", text);
	else if (is_number(text))
		snprintf(hint, size, "fd:%s", text);
	else
		return false;
	return true;
}

/**
 * endpoint_hint_mark() - Remember a frame for endpoint_hint_bytes()
 * @f:		The frame before those that are not yet decoded
 *
 * Return: what of it counts
 */
uint32_t endpoint_hint_mark(const struct frame *f)
{
	return f->len >= 4 ? bytes_get32(f->data) : 0;
}

/**
 * endpoint_hint_bytes() - What may a stream be that is not the endpoint's form?
 * @d:		A decoder that has said -EPROTO
 * @mark:	endpoint_hint_mark() of the frame before; 0 without one
 *
 * In the plain form, what has the vnet form is a frame that begins with the
 * length of a virtio-net header, and then nonsense. In the vnet form, what is
 * plain has the first bytes of a MAC address for that length.
 *
 * Return: text for behind the message, or "" when there is nothing to say
 */
const char *endpoint_hint_bytes(const struct frame_decoder *d, uint32_t mark)
{
	const uint8_t *p = d->chunk->bytes + d->begin;
	uint32_t first = bytes_get32(p);

	if (pcap_magic_of(first) != PCAP_MAGIC_NONE)
		return " (a capture? This endpoint takes frames with their "
		       "length in front: say pcap:-, or pcap:FILE)";
	if (!d->vnet && (mark == VNET_LEN_OLD || mark == VNET_LEN_NEW))
		return " (the peer's frames have virtio-net headers? Say "
		       ",vnet-hdr here)";
	if (d->vnet && first && first <= FRAME_LEN_MAX &&
	    d->end - d->begin >= FRAME_PREFIX_MAX && first > VNET_LEN_NEW)
		return " (the peer's frames have no virtio-net headers? Say "
		       ",vnet-hdr=off here)";
	return "";
}
