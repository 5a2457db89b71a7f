/* SPDX-License-Identifier: ISC */
/*
 * A file of packets that is read: pcap by libpcap, pcapng by pcapng_in.c; what is
 * compressed comes through gzip_in.c.
 */
#include "capture_in.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "gzip_in.h"
#include "time.h"

_Static_assert(CAPTURE_IN_ERROR_MAX >= PCAP_ERRBUF_SIZE + 32,
	       "libpcap's texts fit");

struct capture_in {
	pcap_t *pcap;		/* NULL for pcapng */
	FILE *file;		/* libpcap's, if that reads it */
	struct pcapng_in blocks;
	uint8_t *block;		/* the one with the packet that was read last */
	uint32_t cap;
	const char *error;
};

/* What kind of file it is says its first byte. One can always be put back. */
static bool begins_with(FILE *file, int byte)
{
	int first = getc(file);

	if (first != EOF)
		ungetc(first, file);
	clearerr(file);
	return first == byte;
}

/**
 * capture_in_open() - Open a capture
 * @path:	The file; - is standard input
 * @err:	CAPTURE_IN_ERROR_MAX bytes: gets a text when it fails
 *
 * Return: the capture, which capture_in_close() closes; NULL when there is none
 */
struct capture_in *capture_in_open(const char *path, char *err)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "rbe") : stdin;
	char why[PCAP_ERRBUF_SIZE];
	struct capture_in *in;

	if (!file) {
		snprintf(err, CAPTURE_IN_ERROR_MAX, "%s", strerror(errno));
		return NULL;
	}
	in = calloc(1, sizeof(*in));
	if (!in)
		abort();
	if (begins_with(file, GZIP_IN_FIRST_BYTE))
		file = gzip_in_open(file);
	in->file = file;
	if (begins_with(file, PCAPNG_IN_FIRST_BYTE))
		return in;
	in->pcap = pcap_fopen_offline_with_tstamp_precision(
		file, PCAP_TSTAMP_PRECISION_NANO, why);
	if (in->pcap)
		return in;
	snprintf(err, CAPTURE_IN_ERROR_MAX, "no capture (pcap or pcapng): %s",
		 why);
	capture_in_close(in);
	return NULL;
}

static int next_of_pcap(struct capture_in *in, struct pcapng_in_packet *packet)
{
	struct pcap_pkthdr *h;
	const uint8_t *bytes;
	int rc = pcap_next_ex(in->pcap, &h, &bytes);

	if (rc != 1) {
		in->error = pcap_geterr(in->pcap);
		return rc == PCAP_ERROR ? -EIO : 0;
	}
	/* opened with nanoseconds, it has them in tv_usec; any number of them */
	*packet = (struct pcapng_in_packet){
		.linktype = pcap_datalink(in->pcap),
		.time_s = h->ts.tv_sec,
		.time_ns = h->ts.tv_usec < 0 ? 0 :
			   h->ts.tv_usec < (long)NS_PER_S ?
			   (uint32_t)h->ts.tv_usec : NS_PER_S - 1,
		.bytes = bytes,
		.len = h->caplen,
		.wire_len = h->len,
	};
	return 1;
}

static int fail(struct capture_in *in, const char *error)
{
	in->error = ferror(in->file) ? strerror(errno) : error;
	return -EIO;
}

static uint8_t *room(struct capture_in *in, uint32_t len)
{
	if (len > in->cap) {
		in->cap = len;
		in->block = realloc(in->block, len);
		if (!in->block)
			abort();
	}
	return in->block;
}

/* Return: 1 when a block was read, 0 at the end, -EIO for an error */
static int read_block(struct capture_in *in, uint32_t *len)
{
	uint8_t head[PCAPNG_IN_HEAD_LEN], *at;
	size_t n = fread(head, 1, sizeof(head), in->file), rest;

	if (!n && !ferror(in->file))
		return 0;
	if (n < sizeof(head))
		return fail(in, "cut off in the middle of a block");
	*len = pcapng_in_block_len(&in->blocks, head);
	if (!*len)
		return fail(in, "no sound pcapng file: the beginning of a "
			    "block does not hold");
	rest = *len - sizeof(head);
	at = room(in, *len);
	memcpy(at, head, sizeof(head));
	if (fread(at + sizeof(head), 1, rest, in->file) < rest)
		return fail(in, "cut off in the middle of a block");
	return 1;
}

static int next_of_pcapng(struct capture_in *in,
			  struct pcapng_in_packet *packet)
{
	uint32_t len = 0;
	int rc;

	while ((rc = read_block(in, &len)) == 1) {
		rc = pcapng_in_block(&in->blocks, in->block, len, packet);
		if (rc == 1)
			return 1;
		if (rc < 0)
			return fail(in, "no sound pcapng file: a block does "
				    "not hold");
	}
	return rc;
}

/**
 * capture_in_next() - Read the next packet
 * @in:		The capture
 * @packet:	Set; its bytes are good until the next call
 *
 * Return: 1, 0 at the end, -EIO for an error, which capture_in_error() names
 */
int capture_in_next(struct capture_in *in, struct pcapng_in_packet *packet)
{
	return in->pcap ? next_of_pcap(in, packet) :
			  next_of_pcapng(in, packet);
}

/** capture_in_error() - Why capture_in_next() failed; text, borrowed */
const char *capture_in_error(const struct capture_in *in)
{
	return in->error;
}

/**
 * capture_in_linktype() - Which link type have the packets?
 * @in:		The capture
 *
 * Return: libpcap's DLT_; -1 when each packet has its own
 */
int capture_in_linktype(const struct capture_in *in)
{
	return in->pcap ? pcap_datalink(in->pcap) : -1;
}

/** capture_in_file() - The file that is read: to ask it for its size */
FILE *capture_in_file(const struct capture_in *in)
{
	return in->file;
}

/**
 * capture_in_close() - Close a capture
 * @in:		Freed
 */
void capture_in_close(struct capture_in *in)
{
	if (in->pcap)
		pcap_close(in->pcap);
	else if (in->file != stdin)
		fclose(in->file);
	pcapng_in_fini(&in->blocks);
	free(in->block);
	free(in);
}
