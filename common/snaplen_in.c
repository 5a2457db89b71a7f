/* SPDX-License-Identifier: ISC */
/*
 * A pcap file that is read without its snapshot length. libpcap throws away what
 * packets have more than that, but it is in the file, and other programs show it.
 * Of the length 0 libpcap makes the longest that there is.
 */
#include "snaplen_in.h"

#include <stdint.h>
#include <stdlib.h>

#define READ_BYTES (64u << 10)

struct snaplen_in {
	FILE *file;
	uint64_t at;		/* bytes that were read */
};

static ssize_t on_read(void *cookie, char *buf, size_t size)
{
	struct snaplen_in *s = cookie;
	size_t n = fread(buf, 1, size, s->file);

	for (size_t i = 0; i < n && s->at + i < SNAPLEN_IN_END; i++)
		if (s->at + i >= SNAPLEN_IN_BEGIN)
			buf[i] = 0;
	s->at += n;
	return n || !ferror(s->file) ? (ssize_t)n : -1;
}

static int on_close(void *cookie)
{
	struct snaplen_in *s = cookie;

	if (s->file != stdin)
		fclose(s->file);
	free(s);
	return 0;
}

/**
 * snaplen_in_open() - Read a pcap file without its snapshot length
 * @file:	Stands at its beginning; taken, and closed with the other, if it is
 *		not standard input
 *
 * Return: the file to read from. It cannot be asked for its size
 */
FILE *snaplen_in_open(FILE *file)
{
	static const cookie_io_functions_t io = {
		.read = on_read, .close = on_close,
	};
	struct snaplen_in *s = calloc(1, sizeof(*s));
	FILE *out;

	if (!s)
		abort();
	s->file = file;
	out = fopencookie(s, "r", io);
	if (!out)
		abort();
	setvbuf(out, NULL, _IOFBF, READ_BYTES);
	return out;
}
