/* SPDX-License-Identifier: ISC */
/*
 * A file compressed by gzip(1) that is read, by zlib. Several compressed files
 * one behind the other are one, as for gzip.
 */
#include "gzip_in.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#define IN_BYTES 65536u
#define WINDOW_BITS (15 + 16)	/* zlib's word for gzip, with its longest window */

struct gzip_in {
	FILE *file;
	z_stream z;
	bool is_within;		/* a member has begun and not ended */
	uint8_t in[IN_BYTES];
};

/* Return: false at the end of the file, or for an error */
static bool fill(struct gzip_in *g)
{
	if (g->z.avail_in)
		return true;
	g->z.next_in = g->in;
	g->z.avail_in = (unsigned)fread(g->in, 1, sizeof(g->in), g->file);
	return g->z.avail_in;
}

/* Return: 0, or -1 with errno set: the bytes are no gzip's, or cut off */
static int inflate_some(struct gzip_in *g)
{
	int rc = inflate(&g->z, Z_NO_FLUSH);

	g->is_within = rc != Z_STREAM_END;
	if (rc == Z_STREAM_END)
		rc = inflateReset(&g->z);
	if (rc == Z_OK || rc == Z_BUF_ERROR)
		return 0;
	errno = EBADMSG;
	return -1;
}

static ssize_t on_read(void *cookie, char *buf, size_t size)
{
	struct gzip_in *g = cookie;

	g->z.next_out = (uint8_t *)buf;
	g->z.avail_out = (unsigned)size;
	while (g->z.avail_out == size) {
		if (!fill(g)) {
			if (!g->is_within && !ferror(g->file))
				return 0;
			errno = ferror(g->file) ? errno : EBADMSG;
			return -1;
		}
		if (inflate_some(g) < 0)
			return -1;
	}
	return (ssize_t)(size - g->z.avail_out);
}

static int on_close(void *cookie)
{
	struct gzip_in *g = cookie;

	inflateEnd(&g->z);
	if (g->file != stdin)
		fclose(g->file);
	free(g);
	return 0;
}

/**
 * gzip_in_open() - Read what is compressed
 * @file:	Stands before GZIP_IN_FIRST_BYTE; taken, and closed with the other,
 *		if it is not standard input
 *
 * Return: a file of what was compressed. It cannot be asked for its size. What is
 * damaged or cut off ends with EBADMSG
 */
FILE *gzip_in_open(FILE *file)
{
	static const cookie_io_functions_t io = {
		.read = on_read, .close = on_close,
	};
	struct gzip_in *g = calloc(1, sizeof(*g));
	FILE *out;

	if (!g)
		abort();
	g->file = file;
	if (inflateInit2(&g->z, WINDOW_BITS) != Z_OK)
		abort();
	out = fopencookie(g, "r", io);
	if (!out)
		abort();
	return out;
}
