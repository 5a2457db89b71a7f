/* SPDX-License-Identifier: ISC */
/*
 * A file of packets that is read: pcap by libpcap, through snaplen_in.c, pcapng by
 * pcapng_in.c; what is compressed comes through gzip_in.c, what comes through a pipe
 * by capture_pipe.c.
 */
#include "capture_in.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "capture_pipe.h"
#include "gzip_in.h"
#include "least.h"
#include "pcap_magic.h"
#include "snaplen_in.h"
#include "time.h"

_Static_assert(CAPTURE_IN_ERROR_MAX >= PCAP_ERRBUF_SIZE + 32,
	       "libpcap's texts fit");

#define PCAP_HEADER_LEN 24u
#define PCAP_RECORD_LEN 16u
#define PCAP_CAPLEN_AT 8u

enum capture_state {
	CAPTURE_NEW,		/* of a pipe: nothing is known yet */
	CAPTURE_PCAP,
	CAPTURE_PCAPNG,
};

struct capture_in {
	enum capture_state state;
	pcap_t *pcap;		/* NULL for pcapng */
	FILE *file;		/* libpcap's, if that reads it */
	FILE *outermost;	/* borrowed: the one that has a size */
	struct capture_pipe *pipe;	/* what the file reads; or NULL: reading
					   does not wait, or has to */
	int fd;			/* the pipe's; or -1 */
	bool is_big_endian;	/* pcap through a pipe */
	struct pcapng_in blocks;
	uint8_t *block;		/* the one with the packet that was read last */
	uint32_t cap;
	const char *error;
	char why[CAPTURE_IN_ERROR_MAX];
};

/* What kind of file it is says its first byte. One can always be put back. */
static bool begins_with(const struct capture_in *in, int byte)
{
	const uint8_t *peek;
	int first;

	if (in->pipe) {
		peek = capture_pipe_peek(in->pipe, 1);
		return peek && *peek == byte;
	}
	first = getc(in->file);
	if (first != EOF)
		ungetc(first, in->file);
	clearerr(in->file);
	return first == byte;
}

/* Does a pipe have pcap's usual form? Others have longer records: then reading
 * waits. */
static bool is_usual(struct capture_in *in)
{
	const uint8_t *head = capture_pipe_peek(in->pipe, 4);
	enum pcap_magic magic = pcap_magic_of(head ? bytes_get32(head) : 0);

	in->is_big_endian = magic == PCAP_MAGIC_BIG;
	return magic == PCAP_MAGIC_BIG || magic == PCAP_MAGIC_LITTLE;
}

static void forget_snaplen(struct capture_in *in)
{
	if (in->pipe)
		capture_pipe_clear(in->pipe, SNAPLEN_IN_BEGIN, SNAPLEN_IN_END);
	else
		in->file = snaplen_in_open(in->file);
}

/* The first bytes are there. Return: 0, or -EIO and in->why is set */
static int begin(struct capture_in *in)
{
	char why[PCAP_ERRBUF_SIZE];

	if (begins_with(in, GZIP_IN_FIRST_BYTE)) {
		in->file = gzip_in_open(in->file);
		in->pipe = NULL;
	}
	if (begins_with(in, PCAPNG_IN_FIRST_BYTE)) {
		in->state = CAPTURE_PCAPNG;
		return 0;
	}
	forget_snaplen(in);
	if (in->pipe && !is_usual(in))
		in->pipe = NULL;
	in->pcap = pcap_fopen_offline_with_tstamp_precision(
		in->file, PCAP_TSTAMP_PRECISION_NANO, why);
	if (in->pcap) {
		in->state = CAPTURE_PCAP;
		return 0;
	}
	snprintf(in->why, sizeof(in->why),
		 "no capture (pcap or pcapng): %s", why);
	in->error = in->why;
	return -EIO;
}

/* A pipe is not waited for, neither for a writer nor for bytes. */
static int open_file(struct capture_in *in, const char *path)
{
	bool is_stdin = !strcmp(path, "-");
	int fd = is_stdin ? STDIN_FILENO :
			    open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	in->fd = -1;
	if (fstat(fd, &st) == 0 &&
	    (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))) {
		in->fd = fd;
		in->pipe = capture_pipe_new(fd);
		in->file = capture_pipe_file(in->pipe);
		return 0;
	}
	if (!is_stdin)
		fcntl(fd, F_SETFL, 0);
	in->file = is_stdin ? stdin : fdopen(fd, "rb");
	in->outermost = in->file;
	return in->file ? 0 : -errno;
}

/**
 * capture_in_open() - Open a capture
 * @path:	The file; - is standard input
 * @err:	CAPTURE_IN_ERROR_MAX bytes: gets a text when it fails
 *
 * Return: the capture, which capture_in_close() closes; NULL when there is none.
 * Of a pipe only its descriptor is known: see capture_in_fd()
 */
struct capture_in *capture_in_open(const char *path, char *err)
{
	struct capture_in *in = calloc(1, sizeof(*in));
	int rc;

	if (!in)
		abort();
	rc = open_file(in, path);
	if (rc < 0) {
		snprintf(err, CAPTURE_IN_ERROR_MAX, "%s", strerror(-rc));
		free(in);
		return NULL;
	}
	if (in->pipe || begin(in) == 0)
		return in;
	snprintf(err, CAPTURE_IN_ERROR_MAX, "%s", in->why);
	capture_in_close(in);
	return NULL;
}

/**
 * capture_in_fd() - The pipe that a capture comes through
 * @in:		The capture
 *
 * Return: a descriptor that the caller makes non-blocking, polls and closes, after
 * capture_in_close(); -1 for a file
 */
int capture_in_fd(const struct capture_in *in)
{
	return in->fd;
}

/**
 * capture_in_fill() - A pipe can be read: take in what is there
 * @in:		The capture, for which capture_in_fd()
 */
void capture_in_fill(struct capture_in *in)
{
	if (in->pipe)
		capture_pipe_fill(in->pipe);
}

/* Is a whole record there? Else libpcap would wait for it. */
static bool has_record(const struct capture_in *in)
{
	const uint8_t *head;
	uint32_t len;

	if (!in->pipe)
		return true;
	head = capture_pipe_peek(in->pipe, PCAP_RECORD_LEN);
	if (!head)
		return capture_pipe_has(in->pipe, PCAP_RECORD_LEN);
	len = bytes_get32(head + PCAP_CAPLEN_AT);
	if (!in->is_big_endian)
		len = __builtin_bswap32(len);
	return capture_pipe_has(in->pipe, (size_t)PCAP_RECORD_LEN + len);
}

/* Is a whole block there? */
static bool has_block(struct capture_in *in)
{
	const uint8_t *head;

	if (!in->pipe)
		return true;
	head = capture_pipe_peek(in->pipe, PCAPNG_IN_HEAD_LEN);
	if (!head)
		return capture_pipe_has(in->pipe, PCAPNG_IN_HEAD_LEN);
	return capture_pipe_has(in->pipe,
				pcapng_in_block_len(&in->blocks, head));
}

static int next_of_pcap(struct capture_in *in, struct pcapng_in_packet *packet)
{
	struct pcap_pkthdr *h;
	const uint8_t *bytes;
	int rc;

	if (!has_record(in))
		return -EAGAIN;
	rc = pcap_next_ex(in->pcap, &h, &bytes);
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
		.wire_len = most(h->caplen, h->len),
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

/* Return: 1 when a block was read, 0 at the end, -EAGAIN when it is not all there,
 * -EIO for an error */
static int read_block(struct capture_in *in, uint32_t *len)
{
	uint8_t head[PCAPNG_IN_HEAD_LEN], *at;
	size_t n, rest;

	if (!has_block(in))
		return -EAGAIN;
	n = fread(head, 1, sizeof(head), in->file);
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
 * Return: 1, 0 at the end, -EIO for an error, which capture_in_error() names;
 * -EAGAIN when it has not come through the pipe yet
 */
int capture_in_next(struct capture_in *in, struct pcapng_in_packet *packet)
{
	int rc = 0;

	if (in->state == CAPTURE_NEW &&
	    !capture_pipe_has(in->pipe, PCAP_HEADER_LEN))
		return -EAGAIN;
	if (in->state == CAPTURE_NEW)
		rc = begin(in);
	if (rc < 0)
		return rc;
	return in->state == CAPTURE_PCAP ? next_of_pcap(in, packet) :
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

/** capture_in_file() - The file that is read: to ask it for its size; NULL of a pipe */
FILE *capture_in_file(const struct capture_in *in)
{
	return in->outermost;
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
