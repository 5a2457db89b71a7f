/* SPDX-License-Identifier: ISC */
#include "../../common/option.h"
#include "../../common/option_value.h"

#include <errno.h>
#include <unistd.h>

#include "test.h"

#define ARGC_MAX 80

static const char *const colours[] = { "red", "green", "blue", NULL };

struct config {
	struct option_common common;
	struct endpoint_spec net, outdev, sink, file;
	bool exclusive;
	uint64_t max_flows, cells, wait, room;
	unsigned colour;
	const char *command;
	struct option_list rules;
};

#define AT(member) .offset = offsetof(struct config, member)

static const struct option_spec specs[] = {
	{ "net", OPTION_ENDPOINT, AT(net), "EP", "the net side", 0, 0, NULL },
	{ "outdev", OPTION_ENDPOINT, AT(outdev), "EP", "the copy", 0, 0, NULL },
	{ "sink", OPTION_ENDPOINT, AT(sink), "EP", "thrown away", 0, 0, NULL },
	{ "file", OPTION_ENDPOINT, AT(file), "EP", "a capture", 0, 0, NULL },
	{ "exclusive", OPTION_BOOL, AT(exclusive), NULL,
	  "a help text that is too long for the one line it starts on, so that "
	  "it has to go on further down", 0, 0, NULL },
	{ "max-flows", OPTION_UINT, AT(max_flows), "N", "how many", 1, 1000,
	  NULL },
	{ "cells", OPTION_UINT, AT(cells), "N", "no limit", 0, 0, NULL },
	{ "wait", OPTION_UINT, AT(wait), "SECONDS", "how long", 0, 600, NULL },
	{ "room", OPTION_UINT, AT(room), "B", "how large", 0, 0, NULL },
	{ "colour", OPTION_CHOICE, AT(colour), NULL, "which", 0, 0, colours },
	{ "command-with-a-name-that-is-long", OPTION_STRING, AT(command),
	  "CMD", "what to run", 0, 0, NULL },
	{ "rule", OPTION_LIST, AT(rules), "RULE", "one more", 0, 0, NULL },
	{ 0 },
};

static const char *const live[] = { "max-flows", "colour", "exclusive", NULL };

static const struct option_program program = {
	.name = "colo-test",
	.summary = "Tests the options",
	.usage = "[--net EP] [--guest EP] --outdev EP [--colour red|green|blue]"
		 " [--max-flows N]",
	.specs = specs,
	.live = live,
};

static struct config config;
static enum option_result result;
static char out[8192], err[8192];

/* The defaults of a tool: preset, and left alone by what is not said */
static void config_init(void)
{
	memset(&config, 0, sizeof(config));
	config.max_flows = 7;
	config.colour = 2;
}

static int redirect(int fd, FILE *to)
{
	int saved = dup(fd);

	CHECK(saved >= 0);
	CHECK(dup2(fileno(to), fd) == fd);
	return saved;
}

static void restore(int fd, int saved, FILE *from, char *buf, size_t size)
{
	size_t len;

	CHECK(dup2(saved, fd) == fd);
	close(saved);
	rewind(from);
	len = fread(buf, 1, size - 1, from);
	buf[len] = '\0';
	fclose(from);
}

/* Runs option_parse() on arguments that a NULL ends. */
static void run(const char *const *args)
{
	char *argv[ARGC_MAX + 1] = { (char *)"/usr/bin/colo-test" };
	FILE *to_out = tmpfile(), *to_err = tmpfile();
	int argc = 1, saved_out, saved_err;

	for (; *args; args++) {
		CHECK(argc < ARGC_MAX);
		argv[argc++] = (char *)*args;
	}

	CHECK(to_out && to_err);
	fflush(stdout);
	saved_out = redirect(STDOUT_FILENO, to_out);
	saved_err = redirect(STDERR_FILENO, to_err);
	result = option_parse(&program, argc, argv, &config);
	fflush(stdout);
	restore(STDOUT_FILENO, saved_out, to_out, out, sizeof(out));
	restore(STDERR_FILENO, saved_err, to_err, err, sizeof(err));
}

#define RUN(...) \
	(config_init(), run((const char *const []){ __VA_ARGS__, NULL }))

#define CHECK_STRING(a, b)                                                   \
	do {                                                                 \
		if (strcmp((a), (b))) {                                      \
			fprintf(stderr, "%s:%d: got <%s>\n", __FILE__,       \
				__LINE__, (a));                              \
			exit(1);                                             \
		}                                                            \
	} while (0)

#define CHECK_BAD(line, ...)                                                 \
	do {                                                                 \
		RUN(__VA_ARGS__);                                            \
		CHECK_STRING(err, "colo-test: error: " line "\n");           \
		CHECK_EQ(result, OPTION_USAGE);                              \
		CHECK_STRING(out, "");                                       \
	} while (0)

#define CHECK_GOOD(...)                                                      \
	do {                                                                 \
		RUN(__VA_ARGS__);                                            \
		CHECK_STRING(err, "");                                       \
		CHECK_STRING(out, "");                                       \
		CHECK_EQ(result, OPTION_RUN);                                \
	} while (0)

static void test_defaults(void)
{
	CHECK_GOOD(NULL);
	CHECK(!config.common.vnet_hdr_support);
	CHECK(!config.common.check_only);
	CHECK(!config.common.state_dir);
	CHECK_EQ(config.common.notify_fd, OPTION_NO_FD);
	CHECK_EQ(config.common.log_level, LOG_WARN);
	CHECK_EQ(config.net.kind, ENDPOINT_UNSET);
	CHECK_EQ(config.max_flows, 7);
	CHECK_EQ(config.colour, 2);
}

static void test_every_type(void)
{
	CHECK_GOOD("--net", "unix:x,queue=tx", "--outdev=-", "--exclusive",
		   "--max-flows", "1000", "--cells=18446744073709551615",
		   "--colour", "green", "--command-with-a-name-that-is-long",
		   "-x y");
	CHECK_EQ(config.net.kind, ENDPOINT_UNIX);
	CHECK_EQ(config.net.queue, QUEUE_TX);
	CHECK_EQ(config.outdev.kind, ENDPOINT_STDIO);
	CHECK_EQ(config.sink.kind, ENDPOINT_UNSET);
	CHECK(config.exclusive);
	CHECK_EQ(config.max_flows, 1000);
	CHECK_EQ(config.cells, UINT64_MAX);
	CHECK_EQ(config.colour, 1);
	CHECK_STRING(config.command, "-x y");

	CHECK_GOOD("--exclusive", "--exclusive=off");
	CHECK(!config.exclusive);
	CHECK_GOOD("--exclusive=on", "--net", "-");
	CHECK(config.exclusive);
	CHECK_EQ(config.net.kind, ENDPOINT_STDIO);
}

static void test_common(void)
{
	CHECK_GOOD("--state-dir", "/tmp", "--notify-fd", "0",
		   "--vnet-hdr-support", "--log-level", "debug", "--check");
	CHECK_STRING(config.common.state_dir, "/tmp");
	CHECK_EQ(config.common.notify_fd, 0);
	CHECK(config.common.vnet_hdr_support);
	CHECK_EQ(config.common.log_level, LOG_DEBUG);
	CHECK(config.common.check_only);

	CHECK_GOOD("-n", "--vnet-hdr-support=on", "--vnet-hdr-support=off");
	CHECK(config.common.check_only);
	CHECK(!config.common.vnet_hdr_support);

	CHECK_GOOD("--state", "d", "--log", "error");	/* abbreviated */
	CHECK_STRING(config.common.state_dir, "d");
	CHECK_EQ(config.common.log_level, LOG_ERROR);
}

static void test_last_wins(void)
{
	CHECK_GOOD("--max-flows=1", "--max-flows=2", "--colour=red",
		   "--colour=blue", "--state-dir=a", "--state-dir=b");
	CHECK_EQ(config.max_flows, 2);
	CHECK_EQ(config.colour, 2);
	CHECK_STRING(config.common.state_dir, "b");
}

static void test_lists_grow(void)
{
	static const char *args[2 * OPTION_LIST_MAX + 4];

	CHECK_GOOD("--rule", "a", "--max-flows=1", "--rule=b");
	CHECK_EQ(config.rules.n, 2);
	CHECK_STRING(config.rules.v[0], "a");
	CHECK_STRING(config.rules.v[1], "b");
	CHECK_BAD("--rule: empty", "--rule", "a", "--rule=");
	for (unsigned i = 0; i <= OPTION_LIST_MAX; i++)
		args[i] = "--rule=x";
	config_init();
	run(args);
	CHECK_EQ(result, OPTION_USAGE);
	CHECK_STRING(err, "colo-test: error: --rule: given more than 64 "
		     "times\n");
}

static void test_vnet_default(void)
{
	CHECK_GOOD("--net", "unix:x", "--outdev", "tap:t,vnet-hdr=10", "--sink",
		   "null:", "--file", "pcap:f", "--vnet-hdr-support");
	CHECK_EQ(config.net.vnet_len, 12);
	CHECK(!config.net.vnet_set);
	CHECK_EQ(config.outdev.vnet_len, 10);
	CHECK_EQ(config.sink.vnet_len, 0);
	CHECK_EQ(config.file.vnet_len, 0);

	CHECK_GOOD("--vnet-hdr-support", "--net", "unix:x,vnet-hdr=off");
	CHECK_EQ(config.net.vnet_len, 0);
	CHECK_EQ(config.outdev.kind, ENDPOINT_UNSET);
	CHECK_EQ(config.outdev.vnet_len, 0);

	CHECK_GOOD("--net", "unix:x", "--outdev", "unix:y,vnet-hdr");
	CHECK_EQ(config.net.vnet_len, 0);
	CHECK_EQ(config.outdev.vnet_len, 12);
}

static void test_unknown(void)
{
	CHECK_BAD("unknown option --foo (try --help)", "--foo");
	CHECK_BAD("unknown option --foo (try --help)", "--foo=bar");
	CHECK_BAD("unknown option --netx (try --help)", "--netx", "-");
	CHECK_BAD("unknown option -x (try --help)", "-x");
	CHECK_BAD("unknown option -x (try --help)", "--net=-", "-xn");
	CHECK_BAD("unknown option -x (try --help)", "-nx");
	CHECK_BAD("unknown option -? (try --help)", "-?");
	CHECK_BAD("unknown option -: (try --help)", "-:");
	CHECK_BAD("unknown option --a?b (try --help)", "--a\nb");
	CHECK_BAD("ambiguous option --c: --cells, --colour, "
		  "--command-with-a-name-that-is-long, --control, --check", "--c");
	CHECK_BAD("ambiguous option --co: --colour, "
		  "--command-with-a-name-that-is-long, --control", "--co=red");
	CHECK_BAD("unexpected argument \"unix:x\"", "unix:x");
	CHECK_BAD("unexpected argument \"off\"", "--exclusive", "off");
	CHECK_BAD("unexpected argument \"-\"", "-", "--help");
	CHECK_BAD("unexpected argument \"--foo\"", "--", "--foo");
}

static void test_bad_values(void)
{
	CHECK_BAD("--max-flows: missing argument", "--max-flows");
	CHECK_BAD("--net: missing argument", "--max-flows", "1", "--net");
	CHECK_BAD("--help takes no argument", "--help=x");
	CHECK_BAD("--version takes no argument", "--version=");
	CHECK_BAD("--exclusive: \"yes\" is not on or off", "--exclusive=yes");
	CHECK_GOOD("--wait=2min");
	CHECK_EQ(config.wait, 120);
	CHECK_GOOD("--wait=3");
	CHECK_EQ(config.wait, 3);
	CHECK_BAD("--wait: 1500ms is not in 0..600 s", "--wait=1500ms");
	CHECK_BAD("--wait: 1h is not in 0..600 s", "--wait=1h");
	CHECK_BAD("--wait: \"3m\" is not a number with us, ms, s, min or h "
		  "behind it", "--wait=3m");
	CHECK_GOOD("--room=64k");
	CHECK_EQ(config.room, 65536);
	CHECK_BAD("--room: \"1s\" is not a number with k, M, G or T behind it",
		  "--room=1s");
	CHECK_BAD("--max-flows: \"\" is not a number", "--max-flows=");
	CHECK_BAD("--max-flows: \"12x\" is not a number", "--max-flows=12x");
	CHECK_BAD("--max-flows: \"-1\" is not a number", "--max-flows", "-1");
	CHECK_BAD("--max-flows: \" 1\" is not a number", "--max-flows", " 1");
	CHECK_BAD("--max-flows: 0 is not in 1..1000", "--max-flows=0");
	CHECK_BAD("--max-flows: 1001 is not in 1..1000", "--max-flows=1001");
	CHECK_BAD("--cells: 18446744073709551616 is not in "
		  "0..18446744073709551615", "--cells=18446744073709551616");
	CHECK_BAD("--notify-fd: 2147483648 is not in 0..2147483647",
		  "--notify-fd=2147483648");
	CHECK_BAD("--colour: \"gre\" is not one of red, green, blue",
		  "--colour", "gre");
	CHECK_BAD("--log-level: \"all\" is not one of error, warn, info, debug",
		  "--log-level=all");
	CHECK_BAD("--state-dir: empty", "--state-dir=");
	CHECK_BAD("--net: unknown option \"foo\" for unix:", "--net",
		  "unix:x,foo");
	CHECK_BAD("--net given twice", "--net=-", "--net=-");
	CHECK_EQ(config.net.kind, ENDPOINT_STDIO);
}

static void test_option_bad(void)
{
	FILE *to = tmpfile();
	int saved;

	RUN(NULL);
	CHECK(to);
	saved = redirect(STDERR_FILENO, to);
	CHECK_EQ(option_bad("give %s or %s", "--net", "--file"), 2);
	restore(STDERR_FILENO, saved, to, err, sizeof(err));
	CHECK_STRING(err, "colo-test: error: give --net or --file\n");
}

static const char help[] =
"usage: colo-test [--net EP] [--guest EP] --outdev EP [--colour red|green|blue]\n"
"                 [--max-flows N]\n"
"Tests the options\n"
"\n"
"  --net EP                     the net side\n"
"  --outdev EP                  the copy\n"
"  --sink EP                    thrown away\n"
"  --file EP                    a capture\n"
"  --exclusive[=on|off]         a help text that is too long for the one line it\n"
"                               starts on, so that it has to go on further down\n"
"  --max-flows N                how many\n"
"  --cells N                    no limit\n"
"  --wait SECONDS               how long\n"
"  --room B                     how large\n"
"  --colour red|green|blue      which\n"
"  --command-with-a-name-that-is-long CMD\n"
"                               what to run\n"
"  --rule RULE                  one more\n"
"  --vnet-hdr-support[=on|off]  frames carry a virtio-net header where an\n"
"                               endpoint does not say vnet-hdr=\n"
"  --state-dir DIR              keep across restarts what must not be forgotten\n"
"  --control PATH               listen there for colo-ctl;\n"
"                               PATH[,mode=OCTAL][,group=NAME]\n"
"  --notify-fd N                write a newline to descriptor N when ready\n"
"  --busy-poll US|auto          microseconds to look for more before sleeping (0)\n"
"  --log-level error|warn|info|debug\n"
"                               how much to say on standard error (warn)\n"
"  --check[=on|off]             check the arguments and exit (-n)\n"
"  --help                       print this and exit (-h)\n"
"  --version                    print the version and exit (-V)\n"
"\n"
"EP is where frames come from or go to: unix:/run/colo/a.sock, tcp:HOST:PORT,\n"
"tap:vm0, pcap:FILE, - and others, see colo-endpoint(7). Sizes and times may have\n"
"units: 64M, 3s, 100ms. The man page of the program says more.\n";

static void test_help(void)
{
	RUN("--help", "--foo");
	CHECK_EQ(result, OPTION_DONE);
	CHECK_STRING(err, "");
	CHECK_STRING(out, help);

	RUN("-nh");
	CHECK_EQ(result, OPTION_DONE);
	CHECK_STRING(out, help);

	for (const char *line = out; *line; line = strchr(line, '\n') + 1)
		CHECK(strcspn(line, "\n") <= 80);
}

static void test_version(void)
{
	RUN("--version");
	CHECK_EQ(result, OPTION_DONE);
	CHECK_STRING(err, "");
	CHECK_STRING(out, "colo-test (colo-pipe) " COLO_VERSION "\n");

	RUN("-V");
	CHECK_EQ(result, OPTION_DONE);
	CHECK_STRING(out, "colo-test (colo-pipe) " COLO_VERSION "\n");
}

/* A full disk must not look like success to a script. */
static void test_output_fails(void)
{
	FILE *full = fopen("/dev/full", "w");
	FILE *to = tmpfile();
	char *argv[] = { (char *)"colo-test", (char *)"--help", NULL };
	int saved_out, saved_err;

	CHECK(full && to);
	fflush(stdout);
	saved_out = redirect(STDOUT_FILENO, full);
	saved_err = redirect(STDERR_FILENO, to);
	result = option_parse(&program, 2, argv, &config);
	CHECK(dup2(saved_out, STDOUT_FILENO) == STDOUT_FILENO);
	close(saved_out);
	fclose(full);
	clearerr(stdout);
	restore(STDERR_FILENO, saved_err, to, err, sizeof(err));
	CHECK_EQ(result, OPTION_USAGE);
	CHECK_STRING(err, "colo-test: error: standard output: No space left on "
		     "device\n");
}

static void an_option_may_change_while_it_runs(void)
{
	const struct option_spec *spec = option_live(&program, 0);
	char text[OPTION_VALUE_MAX], why[256];

	config_init();
	CHECK(!strcmp(spec->name, "max-flows"));
	option_value_print(spec, &config, text, sizeof(text));
	CHECK(!strcmp(text, "7"));
	CHECK(option_value_set(spec, &config, "8", why, sizeof(why)) == 0);
	CHECK_EQ(config.max_flows, 8);
	CHECK(option_value_set(spec, &config, "1001", why, sizeof(why)) < 0);
	CHECK(!strcmp(why, "1001 is not in 1..1000"));
	CHECK_EQ(config.max_flows, 8);

	spec = option_live(&program, 1);
	CHECK(option_value_set(spec, &config, "green", why, sizeof(why)) == 0);
	option_value_print(spec, &config, text, sizeof(text));
	CHECK(!strcmp(text, "green"));
	spec = option_live(&program, 2);
	CHECK(option_value_set(spec, &config, "on", why, sizeof(why)) == 0);
	option_value_print(spec, &config, text, sizeof(text));
	CHECK(!strcmp(text, "on") && config.exclusive);
	/* then come those of all tools */
	CHECK(!strcmp(option_live(&program, 3)->name, "busy-poll"));
	CHECK(!strcmp(option_live(&program, 4)->name, "log-level"));
	CHECK(!option_live(&program, 5));
}

int main(void)
{
	TEST(test_defaults);
	TEST(test_every_type);
	TEST(test_common);
	TEST(test_last_wins);
	TEST(test_lists_grow);
	TEST(test_vnet_default);
	TEST(test_unknown);
	TEST(test_bad_values);
	TEST(test_option_bad);
	TEST(test_help);
	TEST(test_version);
	TEST(test_output_fails);
	TEST(an_option_may_change_while_it_runs);
	return TEST_END();
}
