/* SPDX-License-Identifier: ISC */
/*
 * What a capture may hold: any bytes, or a header and packets of any time and
 * length, read as the tools read it: from files, compressed or not, and through
 * pipes, in pieces. Two of them run one clock. It never goes back, and comes to an
 * end.
 */
#include <assert.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "../../common/endpoint.h"
#include "../../common/log.h"
#include "../../common/loop.h"
#include "../../common/pcapng_in.h"
#include "fuzz.h"

#define FILE_MAX 8192u
#define STORED_MAX (2 * FILE_MAX)	/* compressed, in two members */
#define TIME_MAX_NS (((UINT64_C(1) << 32) + 1) * UINT64_C(1000000000))

struct writer {			/* of a pipe: a piece each turn of the loop */
	uv_idle_t idle;
	int fd;
	const uint8_t *bytes;
	size_t len;
	bool is_whole;		/* written at once */
	struct fuzz sizes;
};

struct run {
	struct loop loop;
	struct writer writers[2];
	unsigned n_writers;
	uint64_t last_ns;
	unsigned n_ticks;
};

/* Little-endian, as these machines write it. */
static uint8_t *put(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, 4);
	return at + 4;
}

/* A number near an end of its range, or small. */
static uint32_t number(struct fuzz *z)
{
	uint8_t what = fuzz_byte(z);

	return (uint32_t)(what & 127) << (what & 128 ? 25 : 0);
}

static uint8_t *put_record(uint8_t *at, struct fuzz *z)
{
	uint32_t len = fuzz_byte(z) % 64, said = fuzz_byte(z);

	at = put(at, number(z));
	at = put(at, number(z) * 1000);
	at = put(at, len);
	at = put(at, said & 1 ? number(z) : len + said % 8);
	for (uint32_t i = 0; i < len; i++)
		*at++ = i == 12 ? 8 : i == 13 ? 0 : i == 14 ? 0x45 : fuzz_byte(z);
	return at;
}

/* Return: bytes of a file */
static size_t compose(uint8_t *file, struct fuzz *z)
{
	static const uint32_t linktypes[] = { 1, 101, 113, 276, 228, 229, 0, 147,
					      108, 9, 50, 51, 104, 1, 1, 1 };
	uint8_t how = fuzz_byte(z), *at = file;

	at = put(at, how & 8 ? 0xa1b23c4d : 0xa1b2c3d4);
	at = put(at, 0x00040002);
	at = put(at, 0);
	at = put(at, 0);
	at = put(at, how & 16 ? number(z) : 65535);
	at = put(at, linktypes[(how & 7) | (how & 32) >> 2]);
	while (z->left && at - file < FILE_MAX - 128)
		at = put_record(at, z);
	return (size_t)(at - file);
}

static void on_frames(struct endpoint *ep, struct frame *v, unsigned n,
		      void *arg)
{
	struct run *r = arg;
	struct endpoint_captured raw = endpoint_pcap_captured(ep);
	uint64_t now_ns = clock_now_ns(&r->loop.clock);
	uint8_t x = 0;

	assert(n == 1 && v->len && raw.len <= FRAME_LEN_MAX);
	for (uint32_t i = 0; i < v->len; i++)
		x ^= v->data[i];
	for (uint32_t i = 0; i < raw.len; i++)
		x ^= raw.bytes[i];
	*v->data = x;
	assert(now_ns >= r->last_ns && now_ns <= TIME_MAX_NS);
	assert(v->time_ns <= now_ns);
	r->last_ns = now_ns;
}

static void on_tick(void *arg)
{
	struct run *r = arg;

	r->n_ticks++;
}

static size_t compress_member(uint8_t *to, const uint8_t *bytes, size_t len)
{
	z_stream z = {
		.next_in = (uint8_t *)(uintptr_t)bytes, .avail_in = (unsigned)len,
		.next_out = to, .avail_out = STORED_MAX / 2 + 1024,
	};

	assert(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8,
			    Z_DEFAULT_STRATEGY) == Z_OK);
	assert(deflate(&z, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

/* In one member or two; perhaps a byte of it is another one, or it is cut off.
 * Return: bytes at @to */
static size_t compress_file(uint8_t *to, const uint8_t *bytes, size_t len,
			    struct fuzz *z)
{
	uint8_t how = fuzz_byte(z);
	size_t first = how & 1 ? len / 2 : len, n;

	n = compress_member(to, bytes, first);
	if (first < len)
		n += compress_member(to + n, bytes + first, len - first);
	if (how & 2)
		to[n * fuzz_byte(z) / 256] ^= fuzz_byte(z);
	if (how & 4)
		n -= n * fuzz_byte(z) / 256;
	return n;
}

static void stop_writer(struct writer *w)
{
	if (w->fd < 0)
		return;
	close(w->fd);
	w->fd = -1;
	uv_close((uv_handle_t *)&w->idle, NULL);
}

/* Of what is compressed, or no usual pcap, reading waits for the end. */
static bool is_read_at_once(const struct writer *w)
{
	uint32_t magic = 0;

	if (w->len >= 4)
		memcpy(&magic, w->bytes, 4);
	return magic != 0xa1b2c3d4 && magic != 0xd4c3b2a1 &&
	       (!w->len || *w->bytes != PCAPNG_IN_FIRST_BYTE);
}

static void on_idle(uv_idle_t *idle)
{
	struct writer *w = idle->data;
	size_t n = 1 + fuzz_byte(&w->sizes);

	n = w->is_whole ? w->len : n > 128 ? n * 8 : n;
	n = n < w->len ? n : w->len;
	if (n && write(w->fd, w->bytes, n) != (ssize_t)n)
		n = w->len;		/* nobody reads any more */
	w->bytes += n;
	w->len -= n;
	if (!w->len)
		stop_writer(w);
}

/* Return: a descriptor to read from */
static int pipe_of(struct run *r, const uint8_t *bytes, size_t len)
{
	struct writer *w = &r->writers[r->n_writers++];
	int fd[2];

	assert(!pipe2(fd, O_CLOEXEC));
	*w = (struct writer){ .fd = fd[1], .bytes = bytes, .len = len,
			      .sizes = { bytes, len } };
	w->is_whole = is_read_at_once(w);
	assert(!uv_idle_init(&r->loop.uv, &w->idle));
	w->idle.data = w;
	assert(!uv_idle_start(&w->idle, on_idle));
	return fd[0];
}

static int file_of(const char *name, const uint8_t *bytes, size_t len)
{
	int fd = memfd_create(name, 0);

	assert(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	return fd;
}

/* Read from its beginning or not: the name says so. */
static int open_file(struct run *r, const char *name, const uint8_t *bytes,
		     size_t len, bool is_pipe)
{
	const struct endpoint_handler handler = {
		.on_frames = on_frames, .arg = r,
	};
	struct endpoint_spec spec;
	struct endpoint *ep;
	char text[64], err[64];
	int fd = is_pipe ? pipe_of(r, bytes, len) : file_of(name, bytes, len);
	int rc;

	snprintf(text, sizeof(text), "pcap:/proc/self/fd/%d", fd);
	assert(!endpoint_spec_parse(&spec, text, err, sizeof(err)));
	spec.from_start = *name == 's';
	rc = endpoint_open(&ep, &r->loop.endpoints, name, &spec, ENDPOINT_READ,
			   &handler);
	close(fd);
	return rc;
}

/* Of pipes that are not read to their end the rest is not written. */
static void on_close(void *arg)
{
	struct run *r = arg;

	for (unsigned i = 0; i < r->n_writers; i++)
		stop_writer(&r->writers[i]);
}

/* First byte: composed or not, one file or two, from the start or not, compressed,
 * the first and the second through pipes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t file[FILE_MAX], stored[2 * STORED_MAX];
	const struct option_common options = {
		.notify_fd = OPTION_NO_FD, .log_level = LOG_ERROR,
	};
	const uint8_t *bytes = file;
	struct fuzz z = { data, size };
	uint8_t how = fuzz_byte(&z);
	const char *name = how & 2 ? "start" : "file";
	struct clock_timer tick;
	struct run r = { 0 };
	const struct loop_handler handler = { .on_close = on_close, .arg = &r };
	size_t len = z.left < FILE_MAX ? z.left : FILE_MAX;
	int err;

	if (how & 1)
		len = compose(file, &z);
	else if (len)
		memcpy(file, z.at, len);
	if (how & 16) {
		len = compress_file(stored, file, len, &z);
		bytes = stored;
	}
	assert(!loop_init(&r.loop, &options, &handler));
	clock_timer_init(&r.loop.clock, &tick, on_tick, &r);
	clock_timer_start(&tick, 10, how & 8 ? 10 : 0);
	err = open_file(&r, name, bytes, len, how & 32);
	if (!err && how & 4)
		err = open_file(&r, name, bytes, len - len / 3, how & 64);
	if (err < 0)
		loop_abandon(&r.loop);
	else
		loop_run(&r.loop);
	return 0;
}
