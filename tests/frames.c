/* SPDX-License-Identifier: ISC */
/*
 * Streams of frames for the tests, made and verified.
 *
 * Frame number i of a stream follows from the seed and i alone: its length,
 * its bytes, its virtio-net header. So `check` needs no copy of what `gen`
 * wrote, and finds a loss, a change of order and a wrong byte alike. Nothing
 * here is shared with the code under test: the wire is spelled out once more.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ETH_LEN_MAX 69632u
#define VNET_LEN_MAX 12u
#define WIRE_LEN_MAX (8 + VNET_LEN_MAX + ETH_LEN_MAX)
#define ETHERTYPE 0x88b5		/* for local experiments */
#define HEADER_LEN 22u			/* Ethernet header, frame number */
#define NUMBER_NONE UINT64_MAX

struct stream {
	uint64_t seed, count;
	uint64_t min, max;		/* bytes of a frame */
	bool sweep;			/* each length in turn */
	bool has_vnet;			/* the wire's vnet form */
	bool noise;			/* headers of arbitrary bytes */
	uint64_t vnet_len;
	bool subsequence;		/* some frames may be missing */
	uint64_t slow;			/* bytes a millisecond; 0 = at once */
};

struct frame_bytes {
	size_t len;			/* 0 = end of the stream */
	uint8_t at[WIRE_LEN_MAX];
};

static const char usage[] =
	"usage: frames gen [OPTION...] >STREAM\n"
	"       frames check [OPTION...] <STREAM\n"
	"       frames split [--max N] <STREAM >STREAM\n"
	"       frames lengths <STREAM\n"
	"gen and check: --seed S --count N --min L --max L --sweep\n"
	"               --vnet 0|10|12 --noise\n"
	"check:         --subsequence --slow BYTES-PER-MS\n"
	"split:         writes of 1 to N bytes (1), each when the reader has\n"
	"               taken the one before\n";

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "frames: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* splitmix64: the number that follows from two others */
static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t z = a + (b + 1) * 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static void put_number(uint8_t *p, uint64_t n, unsigned len)
{
	while (len--) {
		p[len] = (uint8_t)n;
		n >>= 8;
	}
}

static uint64_t get_number(const uint8_t *p, unsigned len)
{
	uint64_t n = 0;

	while (len--)
		n = n << 8 | *p++;
	return n;
}

/* --- frame number i --- */

/* The shortest, the longest, then short ones as often as long ones. */
static size_t length_of(const struct stream *s, uint64_t i)
{
	uint64_t random = mix(s->seed ^ 0x1e46, i);
	uint64_t span = s->max - s->min + 1;
	unsigned bits = 0;

	if (s->sweep)
		return (size_t)(s->min + i % span);
	if (i < 2)
		return (size_t)(i ? s->max : s->min);
	while (bits < 63 && span >> bits)
		bits++;
	span = (UINT64_C(2) << random % bits) < span ?
	       UINT64_C(2) << random % bits : span;
	return (size_t)(s->min + (random >> 8) % span);
}

/* An Ethernet header and the number, if there is room; arbitrary bytes. */
static void put_eth(const struct stream *s, uint8_t *p, size_t len, uint64_t i)
{
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };
	uint64_t key = mix(s->seed, i);
	size_t at = 0;

	if (len >= HEADER_LEN) {
		memcpy(p, macs, sizeof(macs));
		put_number(p + 12, ETHERTYPE, 2);
		put_number(p + 14, i, 8);
		at = HEADER_LEN;
	}
	for (uint64_t word = 0; at < len; at += 8) {
		uint64_t random = mix(key, word++);

		memcpy(p + at, &random, len - at < 8 ? len - at : 8);
	}
}

static void put_vnet(const struct stream *s, uint8_t *p, uint64_t i)
{
	uint64_t random[2] = { mix(s->seed ^ 0xbead, i), i };

	memset(p, 0, s->vnet_len);
	if (s->noise)
		memcpy(p, random, s->vnet_len);
}

static void frame_make(const struct stream *s, uint64_t i,
		       struct frame_bytes *f)
{
	size_t len = length_of(s, i);
	uint8_t *p = f->at;

	put_number(p, len + s->vnet_len, 4);
	p += 4;
	if (s->has_vnet) {
		put_number(p, s->vnet_len, 4);
		put_vnet(s, p + 4, i);
		p += 4 + s->vnet_len;
	}
	put_eth(s, p, len, i);
	f->len = (size_t)(p - f->at) + len;
}

static int gen(const struct stream *s)
{
	static struct frame_bytes f;

	for (uint64_t i = 0; i < s->count; i++) {
		frame_make(s, i, &f);
		if (fwrite(f.at, 1, f.len, stdout) != f.len)
			die("standard output");
	}
	if (fflush(stdout))
		die("standard output");
	return 0;
}

/* --- check --- */

static void pause_ms(long ms)
{
	const struct timespec ts = { .tv_nsec = ms * 1000000 };

	nanosleep(&ts, NULL);
}

/* Return: bytes read, fewer than LEN at the end only */
static size_t take(const struct stream *s, uint8_t *p, size_t len)
{
	static uint64_t n_taken;
	size_t n = fread(p, 1, len, stdin);

	n_taken += n;
	if (s->slow && n_taken >= s->slow) {
		pause_ms((long)(n_taken / s->slow));
		n_taken %= s->slow;
	}
	return n;
}

/* Return: NULL, or what is wrong with the stream */
static const char *frame_read(const struct stream *s, struct frame_bytes *f)
{
	uint64_t len;

	f->len = take(s, f->at, 4);
	if (f->len == 0)
		return ferror(stdin) ? "read error" : NULL;
	if (f->len < 4)
		return "half a length";
	len = get_number(f->at, 4) + (s->has_vnet ? 4 : 0);
	if (len > sizeof(f->at) - 4)
		return "length over the limit";
	f->len += take(s, f->at + 4, (size_t)len);
	return f->len == 4 + len ? NULL : "half a frame";
}

static bool is_equal(const struct frame_bytes *a, const struct frame_bytes *b)
{
	return a->len == b->len && !memcmp(a->at, b->at, a->len);
}

/* The number of the frame, looked for from I on. Greedy is right: if the
 * frames are a subsequence at all, the earliest match leaves most to come. */
static uint64_t frame_find(const struct stream *s, const struct frame_bytes *f,
			   uint64_t i)
{
	static struct frame_bytes want;

	for (; i < s->count; i++) {
		frame_make(s, i, &want);
		if (is_equal(&want, f))
			return i;
		if (!s->subsequence)
			break;
	}
	return NUMBER_NONE;
}

static int report(uint64_t n, uint64_t lost, uint64_t bad, const char *why)
{
	printf("frames=%llu lost=%llu first-bad=", (unsigned long long)n,
	       (unsigned long long)lost);
	if (!why)
		printf("none\n");
	else
		printf("%llu (%s)\n", (unsigned long long)bad, why);
	return why ? 1 : 0;
}

static int check(const struct stream *s)
{
	static struct frame_bytes f;
	uint64_t n = 0, next = 0;

	if (s->slow)		/* else the whole read ahead comes at once */
		setvbuf(stdin, NULL, _IOFBF, s->slow < BUFSIZ ? s->slow : BUFSIZ);
	for (;;) {
		const char *why = frame_read(s, &f);
		uint64_t i;

		if (why)
			return report(n, next - n, next, why);
		if (!f.len)
			break;
		i = frame_find(s, &f, next);
		if (i == NUMBER_NONE)
			return report(n, next - n, next,
				      next == s->count ? "one too many" :
				      "not the frame expected");
		next = i + 1;
		n++;
	}
	if (next < s->count && !s->subsequence)
		return report(n, s->count - n, next, "the stream ended");
	return report(n, s->count - n, 0, NULL);
}

static int lengths(const struct stream *s)
{
	static struct frame_bytes f;

	for (;;) {
		const char *why = frame_read(s, &f);

		if (why)
			return report(0, 0, 0, why);
		if (!f.len)
			return 0;
		printf("%zu\n", f.len - 4);
	}
}

/* --- split --- */

/* Bytes that the reader has not taken yet; 0 where the kernel cannot tell. */
static int untaken(bool is_pipe)
{
	int n = 0;

	return ioctl(STDOUT_FILENO, is_pipe ? FIONREAD : TIOCOUTQ, &n) ? 0 : n;
}

/* To pipes and UNIX sockets: the next piece goes when this one was taken. */
static void put_piece(const uint8_t *p, size_t len, bool is_pipe)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, p, len);

		if (n < 0)
			die("standard output");
		p += n;
		len -= (size_t)n;
	}
	while (untaken(is_pipe) > 0) {
		struct pollfd out = { .fd = STDOUT_FILENO };

		if (poll(&out, 1, 0) == 1) {	/* the reader has gone */
			errno = EPIPE;
			die("standard output");
		}
		sched_yield();
	}
}

static int split(const struct stream *s)
{
	static uint8_t buf[1 << 16];
	struct stat st;
	uint64_t n_pieces = 0;
	ssize_t n;
	bool is_pipe = !fstat(STDOUT_FILENO, &st) && S_ISFIFO(st.st_mode);

	while ((n = read(STDIN_FILENO, buf, sizeof(buf))) > 0) {
		size_t at = 0, end = (size_t)n;

		while (at < end) {
			size_t len = 1 + mix(s->seed, n_pieces++) % s->max;

			if (len > end - at)
				len = end - at;
			put_piece(buf + at, len, is_pipe);
			at += len;
		}
	}
	if (n < 0)
		die("standard input");
	return 0;
}

/* --- */

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 0);

	if (*text && !*end)
		return n;
	fprintf(stderr, "frames: \"%s\" is not a number\n", text);
	exit(2);
}

static int options(struct stream *s, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'c' },
		{ "min", required_argument, NULL, 'l' },
		{ "max", required_argument, NULL, 'm' },
		{ "sweep", no_argument, NULL, 'w' },
		{ "vnet", required_argument, NULL, 'v' },
		{ "noise", no_argument, NULL, 'n' },
		{ "subsequence", no_argument, NULL, 'u' },
		{ "slow", required_argument, NULL, 'o' },
		{ 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (opt) {
		case 's': s->seed = number(optarg); break;
		case 'c': s->count = number(optarg); break;
		case 'l': s->min = number(optarg); break;
		case 'm': s->max = number(optarg); break;
		case 'w': s->sweep = true; break;
		case 'v':
			s->has_vnet = true;
			s->vnet_len = number(optarg);
			break;
		case 'n': s->noise = true; break;
		case 'u': s->subsequence = true; break;
		case 'o': s->slow = number(optarg); break;
		default: return -1;
		}
	}
	return optind == argc && s->min && s->min <= s->max &&
	       s->max <= ETH_LEN_MAX && s->vnet_len <= VNET_LEN_MAX ? 0 : -1;
}

static const struct command {
	const char *name;
	int (*run)(const struct stream *s);
	struct stream defaults;
} commands[] = {
	{ "gen", gen, { .count = 1000, .min = 60, .max = 1514 } },
	{ "check", check, { .count = 1000, .min = 60, .max = 1514 } },
	{ "split", split, { .min = 1, .max = 1 } },
	{ "lengths", lengths, { .min = 1, .max = 1 } },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct stream s = commands[i].defaults;

		if (argc < 2 || strcmp(argv[1], commands[i].name))
			continue;
		if (options(&s, argc - 1, argv + 1))
			break;
		return commands[i].run(&s);
	}
	fputs(usage, stderr);
	return 2;
}
