/* SPDX-License-Identifier: ISC */
/*
 * A QMP server that says what it is told to: `qmp-peer SOCKET`. It serves one
 * client at a time and writes each command that it gets to standard output.
 * Lines on standard input:
 *
 *	status WORD		what query-status answers from now on
 *	colo MODE REASON	what query-colo-status answers; "none none" at first
 *	no-colo-status		that one is not known to this QEMU
 *	refuse on|off		migrate-set-parameters is answered by an error
 *	event NAME [DATA]	DATA is JSON
 *	raw TEXT		sent as it is, and a newline
 *	bytes TEXT		sent as it is
 *	mute on|off		commands are answered, or wait until `off`
 *	hang-up			close the connection, and let nobody in
 *	let-in			again
 *
 * Each line is done with when "done" is written to standard output.
 */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE 131072

struct reader {
	FILE *in;
	char *line;
	size_t cap;
};

struct peer {
	int listener, client;		/* -1 without one */
	bool is_shut, is_mute, refuses, no_colo_status;
	char status[64], mode[64], reason[64];
	size_t len;			/* of what has come of a command */
	char command[LINE];
	char waiting[LINE];		/* commands not answered yet, in lines */
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void say(struct peer *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct peer *p, const char *fmt, ...)
{
	char text[LINE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (p->client >= 0 &&
	    send(p->client, text, strlen(text), MSG_NOSIGNAL) < 0)
		perror("send");
}

static void say_line(struct peer *p, json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);

	say(p, "%s\r\n", text);
	free(text);
	json_decref(value);
}

static json_t *error(const char *class, const char *desc)
{
	return json_pack("{s:{s:s, s:s}}", "error", "class", class, "desc",
			 desc);
}

static json_t *answer_to(const struct peer *p, const char *execute)
{
	if (!strcmp(execute, "query-status"))
		return json_pack("{s:{s:s, s:b}}", "return", "status",
				 p->status, "running",
				 !strcmp(p->status, "running"));
	if (!strcmp(execute, "query-colo-status") && !p->no_colo_status)
		return json_pack("{s:{s:s, s:s, s:s}}", "return", "mode",
				 p->mode, "last-mode", "none", "reason",
				 p->reason);
	if (!strcmp(execute, "query-migrate"))
		return json_pack("{s:{s:s}}", "return", "status",
				 strcmp(p->mode, "none") ? "colo" : "none");
	if (!strcmp(execute, "migrate-set-parameters") && p->refuses)
		return error("GenericError", "not now");
	if (!strcmp(execute, "migrate-set-parameters") ||
	    !strcmp(execute, "qmp_capabilities"))
		return json_pack("{s:{}}", "return");
	return error("CommandNotFound", "no such command");
}

static void answer(struct peer *p, const char *line)
{
	json_t *command = json_loads(line, 0, NULL);
	const char *execute =
		json_string_value(json_object_get(command, "execute"));
	json_t *reply = answer_to(p, execute ? execute : "");

	json_object_set(reply, "id", json_object_get(command, "id"));
	say_line(p, reply);
	json_decref(command);
}

static void put_off(struct peer *p, const char *line)
{
	size_t at = strlen(p->waiting), len = strlen(line);

	if (at + len + 2 > sizeof(p->waiting))
		return;
	memcpy(p->waiting + at, line, len);
	memcpy(p->waiting + at + len, "\n", 2);
}

static void on_command(struct peer *p, const char *line)
{
	printf("%s\n", line);
	if (!p->is_mute)
		answer(p, line);
	else
		put_off(p, line);
}

static void hang_up(struct peer *p)
{
	if (p->client >= 0)
		close(p->client);
	p->client = -1;
	p->len = 0;
	*p->waiting = '\0';
}

static void on_client(struct peer *p)
{
	ssize_t n = read(p->client, p->command + p->len,
			 sizeof(p->command) - 1 - p->len);
	char *end;

	if (n <= 0) {
		hang_up(p);
		return;
	}
	p->len += (size_t)n;
	p->command[p->len] = '\0';
	while ((end = strchr(p->command, '\n'))) {
		*end++ = '\0';
		on_command(p, p->command);
		p->len -= (size_t)(end - p->command);
		memmove(p->command, end, p->len + 1);
	}
}

static void let_in(struct peer *p)
{
	p->client = accept(p->listener, NULL, NULL);
	if (p->client < 0)
		die("accept");
	say(p, "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 2, "
	       "\"major\": 7}, \"package\": \"\"}, \"capabilities\": "
	       "[\"oob\"]}}\r\n");
}

static void on_event(struct peer *p, const char *arg)
{
	char name[64] = "";
	int at = 0;
	json_t *event;

	sscanf(arg, "%63s %n", name, &at);
	event = json_pack("{s:{s:i, s:i}, s:s}", "timestamp", "seconds", 1,
			  "microseconds", 2, "event", name);
	if (arg[at])
		json_object_set_new(event, "data",
				    json_loads(arg + at, 0, NULL));
	say_line(p, event);
}

static void unmute(struct peer *p)
{
	char waiting[LINE], *rest = waiting, *line;

	memcpy(waiting, p->waiting, sizeof(waiting));
	*p->waiting = '\0';
	while ((line = strsep(&rest, "\n")))
		if (*line)
			answer(p, line);
}

static void on_order(struct peer *p, char *order)
{
	char *arg = order, *verb = strsep(&arg, " ");

	if (!arg)
		arg = verb + strlen(verb);
	if (!strcmp(verb, "status"))
		snprintf(p->status, sizeof(p->status), "%s", arg);
	else if (!strcmp(verb, "colo"))
		sscanf(arg, "%63s %63s", p->mode, p->reason);
	else if (!strcmp(verb, "no-colo-status"))
		p->no_colo_status = true;
	else if (!strcmp(verb, "refuse"))
		p->refuses = !strcmp(arg, "on");
	else if (!strcmp(verb, "event"))
		on_event(p, arg);
	else if (!strcmp(verb, "raw"))
		say(p, "%s\n", arg);
	else if (!strcmp(verb, "bytes"))
		say(p, "%s", arg);
	else if (!strcmp(verb, "mute"))
		p->is_mute = !strcmp(arg, "on");
	else if (!strcmp(verb, "hang-up"))
		p->is_shut = true;
	else if (!strcmp(verb, "let-in"))
		p->is_shut = false;
	else
		fprintf(stderr, "qmp-peer: what is %s?\n", verb);
	if (p->is_shut)
		hang_up(p);
	if (!p->is_mute)
		unmute(p);
	printf("done\n");
}

/* Return: false at the end of the orders. */
static bool on_input(struct peer *p, struct reader *r)
{
	ssize_t n = getline(&r->line, &r->cap, r->in);

	if (n <= 0)
		return false;
	r->line[strcspn(r->line, "\n")] = '\0';
	if (*r->line)
		on_order(p, r->line);
	return true;
}

static int listen_at(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || strlen(path) >= sizeof(sun.sun_path))
		die(path);
	memcpy(sun.sun_path, path, strlen(path));
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    listen(fd, 1) < 0)
		die(path);
	return fd;
}

int main(int argc, char **argv)
{
	static struct peer p = { .client = -1, .status = "running",
				 .mode = "none", .reason = "none" };
	struct reader r = { .in = stdin };
	bool goes_on = true;

	if (argc != 2)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	setvbuf(stdin, NULL, _IONBF, 0);	/* poll() knows no buffers */
	p.listener = listen_at(argv[1]);
	while (goes_on) {
		struct pollfd fds[] = {
			{ .fd = STDIN_FILENO, .events = POLLIN },
			{ .fd = p.client, .events = POLLIN },
			{ .fd = p.client < 0 && !p.is_shut ? p.listener : -1,
			  .events = POLLIN },
		};

		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			die("poll");
		if (fds[1].revents)
			on_client(&p);
		else if (fds[2].revents)
			let_in(&p);
		else if (fds[0].revents)
			goes_on = on_input(&p, &r);
	}
	free(r.line);
	hang_up(&p);
	close(p.listener);
	unlink(argv[1]);
	return 0;
}
