/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <sys/mman.h>
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
	CHECK(!strcmp(log_program(), "colo-test"));
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

static void stats_are_summed_and_printed(void)
{
	struct stats s = { .in = 10, .originated = 1, .copied = 2, .out = 5,
			   .merged = 1, .held = 3 };

	stats_drop(&s, "no-peer", 1);
	stats_note(&s, "guest", "no-peer", 100);
	stats_drop(&s, "full", 0);
	stats_drop(&s, "no-peer", 3);
	CHECK_EQ(s.n_rows, 3);
	CHECK_EQ(stats_dropped(&s), 4);
	log_init("p", LOG_ERROR);
	capture();
	stats_print(&s);
	CHECK_TEXT("p: stats: in=10 originated=1 copied=2 out=5 merged=1 "
		   "held=3 dropped=4\n"
		   "p: stats: dropped.no-peer=4\n"
		   "p: stats: guest.no-peer=100\n"
		   "p: stats: dropped.full=0\n");
}

int main(void)
{
	TEST(lines_have_their_form);
	TEST(later_levels_are_silent_and_events_are_not);
	TEST(control_characters_are_shown_as_such);
	TEST(a_long_line_is_cut);
	TEST(a_site_is_silenced_and_says_so);
	TEST(errno_is_left_alone);
	TEST(stats_are_summed_and_printed);
	return TEST_END();
}
