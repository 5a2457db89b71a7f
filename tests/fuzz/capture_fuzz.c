/* SPDX-License-Identifier: ISC */
/*
 * What a capture may hold: any bytes, or a header and packets of any time and
 * length, read as the tools read it. Two of them run one clock. It never goes
 * back, and comes to an end.
 */
#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../common/endpoint.h"
#include "../../common/log.h"
#include "../../common/loop.h"
#include "fuzz.h"

#define FILE_MAX 8192u
#define TIME_MAX_NS (((UINT64_C(1) << 32) + 1) * UINT64_C(1000000000))

struct run {
	struct loop loop;
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

/* Read from its beginning or not: the name says so. */
static int open_file(struct run *r, const char *name, const uint8_t *bytes,
		     size_t len)
{
	const struct endpoint_handler handler = {
		.on_frames = on_frames, .arg = r,
	};
	struct endpoint_spec spec;
	struct endpoint *ep;
	char text[64], err[64];
	int fd = memfd_create(name, 0), rc;

	assert(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	snprintf(text, sizeof(text), "pcap:/proc/self/fd/%d", fd);
	assert(!endpoint_spec_parse(&spec, text, err, sizeof(err)));
	spec.from_start = *name == 's';
	rc = endpoint_open(&ep, &r->loop.endpoints, name, &spec, ENDPOINT_READ,
			   &handler);
	close(fd);
	return rc;
}

/* First byte: composed or not, one file or two, from the start or not. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t file[FILE_MAX];
	const struct option_common options = {
		.notify_fd = OPTION_NO_FD, .log_level = LOG_ERROR,
	};
	const struct loop_handler handler = { 0 };
	struct fuzz z = { data, size };
	uint8_t how = fuzz_byte(&z);
	const char *name = how & 2 ? "start" : "file";
	struct clock_timer tick;
	struct run r = { 0 };
	size_t len = z.left < FILE_MAX ? z.left : FILE_MAX;
	int err;

	if (how & 1)
		len = compose(file, &z);
	else if (len)
		memcpy(file, z.at, len);
	assert(!loop_init(&r.loop, &options, &handler));
	clock_timer_init(&r.loop.clock, &tick, on_tick, &r);
	clock_timer_start(&tick, 10, how & 8 ? 10 : 0);
	err = open_file(&r, name, file, len);
	if (!err && how & 4)
		err = open_file(&r, name, file, len - len / 3);
	if (err < 0)
		loop_abandon(&r.loop);
	else
		loop_run(&r.loop);
	return 0;
}
