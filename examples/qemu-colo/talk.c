/* SPDX-License-Identifier: ISC */
/*
 * Both ends of the connections between the guest and its client. The bytes of a
 * stream depend on their offset, so that the receiver notices a byte that is lost,
 * repeated or changed.
 *
 *	source			a count on a line of standard input: so many
 *				bytes go to standard output
 *	sink			the same, but they come behind that line; the
 *				answer is `exact COUNT` or `wrong at OFFSET`
 *	noise			a line that is never the same twice, nor in
 *				two guests
 *	dial TO PORT FROM-PORT COUNT	connect from that port, send COUNT bytes
 *				to a sink, print its answer
 *	accept PORT		one connection, to be a sink for; says when it
 *				is `listening`, and what was `accepted`
 *	download TO PORT COUNT MARK LIMIT	from a source, in LIMIT seconds
 *	upload TO PORT COUNT MARK LIMIT		to a sink
 *	http TO PORT PATH COUNT	so many requests, each over its own connection
 *
 * download and upload say `mark` on standard output each time that MARK bytes
 * more are done, and at the end, like http, one line:
 *
 *	end DONE LONGEST_MS REASON
 *
 * LONGEST_MS is the longest time in which nothing went on, and REASON `exact` or
 * what was wrong. http says before that, for each answer, its time in
 * microseconds and its first line.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUF_LEN (64u << 10)	/* a multiple of a word */
#define PATIENCE_S 30		/* of silence are an end */
#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

struct talk {
	int fd;
	uint64_t mark, done;
	uint64_t limit_ns, last_ns, longest_ns;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* The stream's bytes from @offset on. */
static void stream_fill(unsigned char *buf, uint64_t offset, size_t len)
{
	for (size_t i = 0; i < len; offset++) {
		uint64_t word = (offset / 8 + 1) * GOLDEN;

		if (offset % 8 == 0 && len - i >= sizeof(word)) {
			memcpy(buf + i, &word, sizeof(word));
			i += sizeof(word);
			offset += sizeof(word) - 1;
		} else {
			buf[i++] = (unsigned char)(word >> offset % 8 * 8);
		}
	}
}

/* Return: how many of them are right. */
static size_t stream_check(const unsigned char *buf, uint64_t offset,
			   size_t len)
{
	static unsigned char want[BUF_LEN];
	size_t n = 0;

	stream_fill(want, offset, len);
	if (!memcmp(buf, want, len))
		return len;
	while (buf[n] == want[n])
		n++;
	return n;
}

static int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* --- the guest's end --- */

/* Reads a count, on a line; byte by byte, as what follows is read by others. */
static uint64_t read_count(int fd)
{
	uint64_t count = 0;
	char c;

	while (read(fd, &c, 1) == 1 && c >= '0' && c <= '9')
		count = count * 10 + (uint64_t)(c - '0');
	return count;
}

static int source(int in, int out)
{
	static unsigned char buf[BUF_LEN];
	uint64_t count = read_count(in), done = 0;

	while (done < count) {
		size_t len = count - done < BUF_LEN ? (size_t)(count - done) :
						      BUF_LEN;

		stream_fill(buf, done, len);
		if (write_all(out, buf, len) < 0)
			return 1;
		done += len;
	}
	return 0;
}

static int sink(int in, int out)
{
	static unsigned char buf[BUF_LEN];
	uint64_t count = read_count(in), done = 0;
	bool is_exact = true;
	char answer[64];
	int len;

	while (is_exact && done < count) {
		ssize_t n = read(in, buf, sizeof(buf));
		size_t right;

		if (n <= 0)
			break;
		right = stream_check(buf, done, (size_t)n);
		is_exact = right == (size_t)n;
		done += right;
	}
	is_exact = is_exact && done == count;
	len = snprintf(answer, sizeof(answer), "%s %" PRIu64 "\n",
		       is_exact ? "exact" : "wrong at", done);
	return write_all(out, answer, (size_t)len) < 0 || !is_exact;
}

/* After a checkpoint both guests' kernels would give the same random bytes for
 * a while, so the clock is used, which differs. */
static int noise(void)
{
	struct timespec ts;
	uint64_t word[2];

	if (getrandom(word, sizeof(word), 0) != (ssize_t)sizeof(word))
		return 1;
	clock_gettime(CLOCK_REALTIME, &ts);
	word[0] ^= (uint64_t)ts.tv_nsec * GOLDEN;
	word[1] ^= ((uint64_t)ts.tv_nsec + 1) * GOLDEN;
	printf("%016" PRIx64 "%016" PRIx64 "\n", word[0], word[1]);
	return 0;
}

/* --- connections --- */

static int make_socket(uint16_t port)
{
	const struct sockaddr_in from = { .sin_family = AF_INET,
					  .sin_port = htons(port) };
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	const int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		       sizeof(patience)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
		       sizeof(patience)) ||
	    bind(fd, (const struct sockaddr *)&from, sizeof(from))) {
		perror("talk");
		exit(1);
	}
	return fd;
}

static int dial(const char *to, const char *port, uint16_t from)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons((uint16_t)atoi(port)) };
	int fd = make_socket(from);

	if (inet_pton(AF_INET, to, &sin.sin_addr) != 1) {
		fprintf(stderr, "talk: not an address: %s\n", to);
		exit(2);
	}
	if (connect(fd, (const struct sockaddr *)&sin, sizeof(sin)) < 0) {
		int err = errno;

		close(fd);
		return -err;
	}
	return fd;
}

static int accept_one(const char *port)
{
	int listener = make_socket((uint16_t)atoi(port)), fd;

	if (listen(listener, 1) < 0)
		return -errno;
	puts("listening");
	fd = accept(listener, NULL, NULL);
	return fd < 0 ? -errno : fd;
}

static const char *reason(int err)
{
	if (err == -EAGAIN || err == -EINPROGRESS)
		return "silence";
	return strerror(-err);
}

/* --- the client's end --- */

static void waited(struct talk *t)
{
	uint64_t now = now_ns();

	if (now - t->last_ns > t->longest_ns)
		t->longest_ns = now - t->last_ns;
	t->last_ns = now;
}

static void went_on(struct talk *t, size_t n)
{
	waited(t);
	if (t->mark && t->done / t->mark != (t->done + n) / t->mark)
		puts("mark");
	t->done += n;
}

static int end(const struct talk *t, const char *why)
{
	printf("end %" PRIu64 " %" PRIu64 " %s\n", t->done,
	       t->longest_ns / 1000000, why);
	return strcmp(why, "exact") != 0;
}

static bool is_too_slow(const struct talk *t)
{
	return t->last_ns > t->limit_ns;
}

static int begin(struct talk *t, const char *to, const char *port,
		 const char *mark, const char *limit)
{
	*t = (struct talk){ .mark = strtoull(mark, NULL, 10),
			    .last_ns = now_ns() };
	t->limit_ns = t->last_ns + strtoull(limit, NULL, 10) * 1000000000u;
	t->fd = dial(to, port, 0);
	return t->fd;
}

static int download(const char *to, const char *port, const char *count,
		    const char *mark, const char *limit)
{
	static unsigned char buf[BUF_LEN];
	struct talk t;
	ssize_t n;

	if (begin(&t, to, port, mark, limit) < 0)
		return end(&t, reason(t.fd));
	if (dprintf(t.fd, "%s\n", count) < 0)
		return end(&t, reason(-errno));
	while ((n = recv(t.fd, buf, sizeof(buf), 0)) > 0) {
		size_t right = stream_check(buf, t.done, (size_t)n);

		went_on(&t, right);
		if (right < (size_t)n)
			return end(&t, "wrong from there on");
		if (is_too_slow(&t))
			return end(&t, "too slow");
	}
	waited(&t);
	if (n < 0)
		return end(&t, reason(-errno));
	return end(&t, t.done == strtoull(count, NULL, 10) ? "exact" :
							     "closed early");
}

/* The sink's answer, into @answer; 0 or negative errno. */
static int read_answer(int fd, char *answer, size_t size)
{
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < size - 1) {
		n = recv(fd, answer + len, size - 1 - len, 0);
		len += n > 0 ? (size_t)n : 0;
	}
	answer[len] = '\0';
	return n < 0 ? -errno : 0;
}

static int upload(const char *to, const char *port, const char *count,
		  const char *mark, const char *limit)
{
	static unsigned char buf[BUF_LEN];
	uint64_t total = strtoull(count, NULL, 10);
	char answer[64], want[64];
	struct talk t;
	int err;

	if (begin(&t, to, port, mark, limit) < 0)
		return end(&t, reason(t.fd));
	if (dprintf(t.fd, "%s\n", count) < 0)
		return end(&t, reason(-errno));
	while (t.done < total) {
		ssize_t n;

		stream_fill(buf, t.done, sizeof(buf));
		n = send(t.fd, buf, total - t.done < sizeof(buf) ?
				    (size_t)(total - t.done) : sizeof(buf), 0);
		if (n < 0) {
			err = -errno;
			waited(&t);
			return end(&t, reason(err));
		}
		went_on(&t, (size_t)n);
		if (is_too_slow(&t))
			return end(&t, "too slow");
	}
	err = read_answer(t.fd, answer, sizeof(answer));
	waited(&t);
	if (err < 0)
		return end(&t, reason(err));
	snprintf(want, sizeof(want), "exact %" PRIu64 "\n", total);
	answer[strcspn(answer, "\n")] = '\0';
	want[strcspn(want, "\n")] = '\0';
	return end(&t, strcmp(answer, want) ? answer : "exact");
}

/* One request; the first line of the answer's body is printed. */
static const char *request(struct talk *t, const char *to, const char *port,
			   const char *path)
{
	uint64_t begin_ns = now_ns();
	char answer[4096], *body;
	int err;

	t->last_ns = begin_ns;
	t->fd = dial(to, port, 0);
	if (t->fd < 0)
		return reason(t->fd);
	err = dprintf(t->fd, "GET %s HTTP/1.0\r\n\r\n", path) < 0 ? -errno :
	      read_answer(t->fd, answer, sizeof(answer));
	close(t->fd);
	waited(t);
	if (err < 0)
		return reason(err);
	body = strstr(answer, "\n\n");
	if (!body || strncmp(answer, "HTTP/1.1 200 ", 13) != 0)
		return "no good answer";
	body += 2;
	body[strcspn(body, "\n")] = '\0';
	printf("answer %" PRIu64 " %s\n", (now_ns() - begin_ns) / 1000, body);
	t->done++;
	return NULL;
}

static int http(const char *to, const char *port, const char *path,
		const char *count)
{
	struct talk t = { .fd = -1 };

	for (long n = strtol(count, NULL, 10); n > 0; n--) {
		const char *why = request(&t, to, port, path);

		if (why)
			return end(&t, why);
	}
	return end(&t, "exact");
}

static int dial_sink(const char *to, const char *port, const char *from,
		     const char *count)
{
	static unsigned char buf[BUF_LEN];
	uint64_t total = strtoull(count, NULL, 10), done = 0;
	int fd = dial(to, port, (uint16_t)atoi(from)), err;
	char answer[64];

	if (fd < 0) {
		printf("connect: %s\n", reason(fd));
		return 1;
	}
	err = dprintf(fd, "%s\n", count) < 0 ? -errno : 0;
	while (err == 0 && done < total) {
		size_t len = total - done < BUF_LEN ? (size_t)(total - done) :
						      BUF_LEN;

		stream_fill(buf, done, len);
		err = write_all(fd, buf, len);
		done += len;
	}
	if (err == 0)
		err = read_answer(fd, answer, sizeof(answer));
	printf("%s", err < 0 ? reason(err) : answer);
	return err < 0;
}

static int accept_sink(const char *port)
{
	int fd = accept_one(port), status;

	if (fd < 0) {
		printf("accepted: %s\n", reason(fd));
		return 1;
	}
	status = sink(fd, fd);
	printf("accepted: %s\n", status ? "not exact" : "exact");
	return status;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 2 && !strcmp(what, "source"))
		return source(STDIN_FILENO, STDOUT_FILENO);
	if (argc == 2 && !strcmp(what, "sink"))
		return sink(STDIN_FILENO, STDOUT_FILENO);
	if (argc == 2 && !strcmp(what, "noise"))
		return noise();
	if (argc == 3 && !strcmp(what, "accept"))
		return accept_sink(argv[2]);
	if (argc == 6 && !strcmp(what, "dial"))
		return dial_sink(argv[2], argv[3], argv[4], argv[5]);
	if (argc == 7 && !strcmp(what, "download"))
		return download(argv[2], argv[3], argv[4], argv[5], argv[6]);
	if (argc == 7 && !strcmp(what, "upload"))
		return upload(argv[2], argv[3], argv[4], argv[5], argv[6]);
	if (argc == 6 && !strcmp(what, "http"))
		return http(argv[2], argv[3], argv[4], argv[5]);
	fputs("usage: talk source|sink|noise|accept|dial|download|upload|http "
	      "...\n", stderr);
	return 2;
}
