/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <regex.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../common/log.h"
#include "../../common/stats.h"
#include "test.h"

static int saved_stderr = -1;
static int lines_fd = -1;	/* stands in for standard error */

static void capture(void)
{
	saved_stderr = dup(STDERR_FILENO);
	lines_fd = memfd_create("stderr", 0);
	CHECK(saved_stderr >= 0 && lines_fd >= 0);
	CHECK(dup2(lines_fd, STDERR_FILENO) == STDERR_FILENO);
}

/* What was written since capture(); standard error is itself again. */
static const char *captured(void)
{
	static char text[8192];
	ssize_t n;

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	n = pread(lines_fd, text, sizeof(text) - 1, 0);
	close(lines_fd);
	CHECK(n >= 0);
	text[n] = '\0';
	return text;
}

#define CHECK_TEXT(want)                                                     \
	do {                                                                 \
		const char *got_ = captured();                               \
		if (strcmp(got_, (want))) {                                  \
			fprintf(stderr, "%s:%d: got:\n%s", __FILE__,         \
				__LINE__, got_);                             \
			exit(1);                                             \
		}                                                            \
	} while (0)

static void lines_have_their_form(void)
{
	log_init("colo-test", LOG_DEBUG);
	capture();
	log_error("mod", "no %s", "luck");
	log_warn("secondary-in", "frame too long: %d", 131072);
	log_info(NULL, "hello");
	log_debug("x", "y");
	log_event("failover", "role is %s", "failover");
	CHECK_TEXT("colo-test: error: mod: no luck\n"
		   "colo-test: warn: secondary-in: frame too long: 131072\n"
		   "colo-test: info: hello\n"
		   "colo-test: debug: x: y\n"
		   "colo-test: event: failover: role is failover\n");
}

static void later_levels_are_silent_and_events_are_not(void)
{
	log_init("p", LOG_ERROR);
	capture();
	log_error(NULL, "e");
	log_warn(NULL, "w");
	log_event("x", "y");
	CHECK_TEXT("p: error: e\np: event: x: y\n");
}

static void control_characters_are_shown_as_such(void)
{
	log_init("p", LOG_WARN);
	capture();
	log_warn("a\nb", "\x1b[2J\r\n\t\x7f \xc2\x9b" "0m \xc3\xa9");
	CHECK_TEXT("p: warn: a?b: ?[2J???? \xc2?0m \xc3\xa9\n");
}

static void a_long_line_is_cut(void)
{
	char text[5000];
	const char *got;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	capture();
	log_error(NULL, "%s", text);
	got = captured();
	CHECK_EQ(strlen(got), 1024);
	CHECK_EQ(got[1022], 'x');
	CHECK_EQ(got[1023], '\n');
}

/* The clock is turned by hand: the site's window began five seconds ago. */
static void a_site_is_silenced_and_says_so(void)
{
	struct log_site site = { 0 };

	log_init("p", LOG_WARN);
	capture();
	for (int i = 0; i < 12; i++)
		log_line(&site, LOG_WARN, NULL, "%d", i);
	site.since_ms -= 5000;
	log_line(&site, LOG_WARN, NULL, "again");
	log_line(&site, LOG_WARN, NULL, "last");
	CHECK_TEXT("p: warn: 0\np: warn: 1\np: warn: 2\np: warn: 3\n"
		   "p: warn: 4\n"
		   "p: warn: again (7 more like this not shown)\n"
		   "p: warn: last\n");
}

static bool is_like(const char *text, const char *pattern)
{
	regex_t re;
	bool is_match;

	CHECK_EQ(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	is_match = !regexec(&re, text, 0, NULL, 0);
	regfree(&re);
	return is_match;
}

#define TIME "20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z"

/* capture() has made standard error a file. */
static void check_lines(const char *pattern)
{
	const char *got;

	log_open();
	log_error("mod", "no luck");
	log_warn(NULL, "w");
	log_event("x", "y");
	log_stats("in=1");
	got = captured();
	if (!is_like(got, pattern)) {
		fprintf(stderr, "got:\n%s", got);
		exit(1);
	}
}

static void lines_of_a_process_have_time_and_number(void)
{
	char pattern[512], head[96];

	snprintf(head, sizeof(head), TIME " p\\[%ld\\]: ", (long)getpid());
	snprintf(pattern, sizeof(pattern), "^%serror: mod: no luck\n%swarn: w\n"
		 "%sevent: x: y\n%sstats: in=1\n$", head, head, head, head);
	log_init("p", LOG_WARN);
	capture();
	check_lines(pattern);
}

static void lines_to_the_journal_have_priorities(void)
{
	char stream[64];
	struct stat st;

	log_init("p", LOG_WARN);
	capture();
	CHECK_EQ(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	check_lines("^<3>p: error: mod: no luck\n<4>p: warn: w\n"
		    "<5>p: event: x: y\n<6>p: stats: in=1\n$");

	/* it is inherited, and standard error has become another one */
	capture();
	check_lines("^" TIME " p");
	setenv("JOURNAL_STREAM", "no stream", 1);
	capture();
	check_lines("^" TIME " p");
	unsetenv("JOURNAL_STREAM");
}

static void errno_is_left_alone(void)
{
	capture();
	close(STDERR_FILENO);
	errno = ENOTTY;
	log_error(NULL, "nobody hears");
	log_event("x", "nobody hears");
	CHECK_EQ(errno, ENOTTY);
	CHECK_TEXT("");
}

/* A reader that takes nothing until it is asked to. */
struct reader {
	int fd, our_fd;
};

static struct reader pipe_reader(void)
{
	int fds[2];

	CHECK_EQ(pipe(fds), 0);
	return (struct reader){ fds[0], fds[1] };
}

static struct reader socket_reader(void)
{
	int fds[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	return (struct reader){ fds[0], fds[1] };
}

static struct reader terminal_reader(void)
{
	struct reader r = { .fd = posix_openpt(O_RDWR | O_NOCTTY) };

	CHECK(r.fd >= 0 && !grantpt(r.fd) && !unlockpt(r.fd));
	r.our_fd = open(ptsname(r.fd), O_RDWR | O_NOCTTY);
	CHECK(r.our_fd >= 0);
	return r;
}

#define A_WHILE_MS 50

/* What comes until nothing has for a while, as a text behind what is there
 * already: what is written to a terminal takes its time to get there. */
static void read_all(const struct reader *r, char *text, size_t size)
{
	struct pollfd readable = { .fd = r->fd, .events = POLLIN };
	size_t have = strlen(text);

	while (poll(&readable, 1, A_WHILE_MS) > 0) {
		ssize_t n = read(r->fd, text + have, size - 1 - have);

		CHECK(n > 0);
		have += (size_t)n;
	}
	text[have] = '\0';
}

static bool ends_with(const char *text, const char *nl, const char *end)
{
	size_t len = strlen(end);

	nl -= nl > text && nl[-1] == '\r';	/* a terminal's */
	return (size_t)(nl - text) >= len && !memcmp(nl - len, end, len);
}

#define LOST "p: warn: log: "

/* Lines that are there whole, and those that are said to be lost */
static void count_lines(const char *text, unsigned *n_there, unsigned *n_lost)
{
	const char *nl;

	*n_there = *n_lost = 0;
	for (; (nl = strchr(text, '\n')) != NULL; text = nl + 1) {
		if (ends_with(text, nl, "was full"))
			*n_lost += (unsigned)atoi(text + strlen(LOST));
		else if (ends_with(text, nl, "room.") ||
			 ends_with(text, nl, "again."))
			++*n_there;
	}
}

#define N_LINES 5000u	/* more than any of them takes unread */

/* Each line is read, or the log says that it was lost; none is waited for:
 * if one were, the alarm would end the test. */
static void check_full_reader(struct reader r, bool is_tearing)
{
	static char text[1 << 20];
	int saved = dup(STDERR_FILENO);
	unsigned n_there, n_lost, n_again = 0;
	char again[32];

	log_init("p", LOG_WARN);
	*text = '\0';
	alarm(20);
	dup2(r.our_fd, STDERR_FILENO);
	for (unsigned i = 0; i < N_LINES; i++)
		log_event("x", "line %u of a text that needs some room.", i);
	do {	/* the last line that is there has been told of all others */
		read_all(&r, text, sizeof(text));
		snprintf(again, sizeof(again), "event: x: %u again.", ++n_again);
		log_event("x", "%u again.", n_again);
		read_all(&r, text, sizeof(text));
	} while (!strstr(text, again));
	dup2(saved, STDERR_FILENO);
	alarm(0);
	close(saved);

	count_lines(text, &n_there, &n_lost);
	CHECK(n_there > 1 && n_lost > 1);
	CHECK(n_there + n_lost >= N_LINES + n_again);
	/* a terminal tears lines: of one that is told again as lost only the
	 * newline may be missing, also of one that tells of lost ones */
	CHECK(is_tearing || n_there + n_lost == N_LINES + n_again);
	CHECK_EQ(fcntl(r.our_fd, F_GETFL) & O_NONBLOCK, 0);
	close(r.fd);
	close(r.our_fd);
}

static void a_full_reader_is_not_waited_for(void)
{
	check_full_reader(pipe_reader(), false);
	check_full_reader(socket_reader(), false);
	check_full_reader(terminal_reader(), true);
}

static void lines_to_a_terminal_are_plain(void)
{
	struct reader r = terminal_reader();
	int saved = dup(STDERR_FILENO);
	char text[256] = "";

	log_init("p", LOG_WARN);
	dup2(r.our_fd, STDERR_FILENO);
	log_open();
	log_error("mod", "no luck");
	dup2(saved, STDERR_FILENO);
	while (!strchr(text, '\n'))
		read_all(&r, text, sizeof(text));
	close(saved);
	close(r.fd);
	close(r.our_fd);
	CHECK(!strcmp(text, "p: error: mod: no luck\r\n"));
}

static void stats_are_summed_and_printed(void)
{
	const struct stats_def link = { NULL, "down", "frames", "Frames.",
					.label = "endpoint" };
	const struct stats_def queued = { NULL, "queued", "bytes", "Bytes.",
					  .is_gauge = true };
	struct stats s = { .in = 10, .originated = 1, .copied = 2, .out = 5,
			   .merged = 1, .held = 3 };

	stats_drop(&s, DROP_DOWN, 1);
	stats_note(&s, &link, "guest", 100);
	stats_note(&s, &queued, "guest", 0);
	stats_drop(&s, DROP_FULL, 0);
	stats_drop(&s, DROP_DOWN, 3);
	CHECK_EQ(s.n_rows, 4);
	CHECK_EQ(stats_dropped(&s), 4);
	log_init("p", LOG_ERROR);
	capture();
	stats_print(&s);
	CHECK_TEXT("p: stats: in=10 originated=1 copied=2 out=5 merged=1 "
		   "held=3 dropped=4\n"
		   "p: stats: dropped.down=4\n"
		   "p: stats: guest.down=100\n"
		   "p: stats: guest.queued=0\n");
	log_init("p", LOG_DEBUG);
	capture();
	stats_print(&s);
	CHECK_TEXT("p: stats: in=10 originated=1 copied=2 out=5 merged=1 "
		   "held=3 dropped=4\n"
		   "p: stats: dropped.down=4\n"
		   "p: stats: guest.down=100\n"
		   "p: stats: guest.queued=0\n"
		   "p: stats: dropped.full=0\n");
}

static void a_histogram_is_one_line(void)
{
	struct { struct histogram time; } base = { 0 };
	const struct stats_def def = {
		"hold", "time", "frames", "Held.",
		.offset = 0, .size = sizeof(struct histogram),
	};
	struct stats s = { 0 };

	histogram_add(&base.time, 0);
	histogram_add(&base.time, 1023);
	histogram_add(&base.time, 1024);
	histogram_add(&base.time, 3000000);
	CHECK_EQ(base.time.n[0], 2);
	CHECK_EQ(base.time.n[1], 1);
	CHECK_EQ(base.time.n[12], 1);		/* below 2^22 ns */
	CHECK_EQ(histogram_below_ns(12), 1u << 22);
	CHECK_EQ(base.time.sum_ns, 3002047);
	stats_add(&s, &def, 1, NULL, &base);
	log_init("p", LOG_ERROR);
	capture();
	stats_print(&s);
	CHECK_TEXT("p: stats: in=0 originated=0 copied=0 out=0 merged=0 held=0 "
		   "dropped=0\n"
		   "p: stats: hold.time: 4, mean 751us <1.02us:2 <2.05us:1 "
		   "<4.19ms:1\n");
}

/* The longest time has a bucket, and all buckets have room in a line. */
static void a_histogram_has_room_for_all(void)
{
	struct histogram h = { 0 };
	const struct stats_def def = {
		"hold", "time", "frames", "Held.",
		.offset = 0, .size = sizeof(struct histogram),
	};
	struct stats s = { 0 };
	const char *got;

	histogram_add(&h, UINT64_MAX);
	CHECK_EQ(h.n[HISTOGRAM_BUCKETS - 1], 1);
	CHECK_EQ(histogram_count(&h), 1);
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		h.n[i] = UINT32_MAX;
	stats_add(&s, &def, 1, NULL, &h);
	capture();
	stats_print(&s);
	got = captured();
	CHECK(strlen(got) < 1200);
	CHECK_EQ(got[strlen(got) - 1], '\n');
}

struct counted {
	uint32_t small;
	uint64_t large;
};

static void counters_are_read_from_their_tables(void)
{
	const struct counted base = { 7, 1ull << 40 };
	const struct stats_def table[] = {
		{ "g", "small", "frames", "Small.",
		  STATS_AT(struct counted, small) },
		{ "g", "large", "frames", "Large.",
		  STATS_AT(struct counted, large) },
	};
	struct stats s = { .in = 3 };
	struct stats_row totals[STATS_TOTALS];

	stats_add(&s, table, 2, NULL, &base);
	stats_drop(&s, DROP_LATE, 5);
	CHECK_EQ(s.rows[0].value, 7);
	CHECK_EQ(s.rows[1].value, 1ull << 40);
	stats_totals(&s, totals);
	CHECK(!strcmp(stats_name(&totals[0]), "in"));
	CHECK_EQ(totals[0].value, 3);
	CHECK(!strcmp(stats_name(&totals[STATS_TOTALS - 1]), "dropped"));
	CHECK_EQ(totals[STATS_TOTALS - 1].value, 5);
}

/* A reason without a name or a meaning would be seen by users only. */
static void every_reason_has_a_meaning(void)
{
	struct stats s = { 0 };

	for (enum drop i = DROP_NONE + 1; i < DROP_REASONS; i++) {
		stats_drop(&s, i, 1);
		CHECK(stats_name(&s.rows[i - 1]));
		CHECK(s.rows[i - 1].def->help);
	}
	CHECK_EQ(s.n_rows, DROP_REASONS - 1);
}

int main(void)
{
	TEST(lines_have_their_form);
	TEST(later_levels_are_silent_and_events_are_not);
	TEST(control_characters_are_shown_as_such);
	TEST(a_long_line_is_cut);
	TEST(a_site_is_silenced_and_says_so);
	TEST(a_full_reader_is_not_waited_for);
	TEST(stats_are_summed_and_printed);
	TEST(a_histogram_is_one_line);
	TEST(a_histogram_has_room_for_all);
	TEST(counters_are_read_from_their_tables);
	TEST(every_reason_has_a_meaning);
	TEST(lines_of_a_process_have_time_and_number);
	TEST(lines_to_the_journal_have_priorities);
	TEST(lines_to_a_terminal_are_plain);
	TEST(errno_is_left_alone);	/* what it loses would be told next */
	return TEST_END();
}
