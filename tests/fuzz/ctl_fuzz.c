/* SPDX-License-Identifier: ISC */
/*
 * What a process may say to colo-ctl: any bytes. The first byte of the input is what
 * it is asked, the rest is all that it says before it ends. What is printed of it
 * does not steer a terminal.
 */
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../common/ctl/ctl_top.h"
#include "fuzz.h"

/* What the process has not said yet, and its end of the socket. */
static struct fuzz rest;
static int server;

/* colo-ctl may have gone. */
static void say(size_t len)
{
	ssize_t sent = send(server, rest.at, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	assert(sent < 0 || (size_t)sent == len);
	rest.at += len;
	rest.left -= len;
}

static void say_all(void)
{
	say(rest.left);
	shutdown(server, SHUT_WR);
}

static void ask_stats(struct ctl *c, struct ctl_options *o)
{
	char *words[] = { "stats" };

	ctl_ask_all(c, 1, o, 1, words);
}

static void ask_json(struct ctl *c, struct ctl_options *o)
{
	o->is_json = true;
	ask_stats(c, o);
}

static void ask_prometheus(struct ctl *c, struct ctl_options *o)
{
	o->metrics = json_object();
	ask_stats(c, o);
	json_decref(o->metrics);
}

static void status(struct ctl *c, struct ctl_options *o)
{
	ctl_status(c, 1, o);
}

/* A signal that waits ends it after the first look. */
static void watch(struct ctl *c, struct ctl_options *o)
{
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	raise(SIGTERM);
	o->n_sockets = 1;
	ctl_watch(c, o);
}

static void capture(struct ctl *c, struct ctl_options *o)
{
	char *words[] = { "capture", "net" };

	ctl_ask_capture(c, o, 2, words);
}

/* Two rounds of questions, so that there are rates; the process has not ended. */
static void top(struct ctl *c, struct ctl_options *o)
{
	static struct ctl_top_view view;
	struct ctl_top t = { .v = { { .c = c } }, .n = 1 };

	view.height = view.width = fuzz_byte(&rest);
	if (view.height > CTL_TOP_LINES_MAX)
		view.height = CTL_TOP_LINES_MAX;
	for (unsigned i = 0; i < 2; i++) {
		t.now_ms += 1000;
		ctl_top_ask_all(&t);
		say(i ? rest.left : rest.left / 2);
		ctl_top_ask_read(&t);
	}
	ctl_top_view_make(&view, &t);
	for (unsigned i = 0; i < view.n; i++)
		puts(view.line[i]);
	ctl_top_ask_end(&t);
	(void)o;
}

static void (*const commands[])(struct ctl *c, struct ctl_options *o) = {
	ask_stats, ask_json, ask_prometheus, status, watch, capture, top,
};
#define N_COMMANDS (sizeof(commands) / sizeof(*commands))

static void check_printed(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t byte = (uint8_t)text[i], before = i ? (uint8_t)text[i - 1] : 0;

		assert(byte == '\n' || (byte >= ' ' && byte != 0x7f));
		assert(before != 0xc2 || byte >= 0xa0);	/* U+0080 and on */
	}
}

/* The sanitizers have descriptor 2 for themselves. */
static void run(void (*command)(struct ctl *c, struct ctl_options *o),
		struct ctl *c)
{
	struct ctl_options o = { .timeout_s = 1 };
	FILE *out = stdout, *err = stderr;
	char *text = NULL;
	size_t len = 0;

	stdout = stderr = open_memstream(&text, &len);
	assert(stdout);
	command(c, &o);
	fclose(stdout);
	stdout = out;
	stderr = err;
	if (command != capture)
		check_printed(text, len);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctl c = { .path = "process.ctl", .name = "process" };
	uint8_t which;
	int fds[2];

	assert(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	c.fd = fds[0];
	server = fds[1];
	rest = (struct fuzz){ data, size };
	which = fuzz_byte(&rest) % N_COMMANDS;
	if (commands[which] != top)
		say_all();
	run(commands[which], &c);
	ctl_link_close(&c);
	close(fds[1]);
	return 0;
}
