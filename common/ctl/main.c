/* SPDX-License-Identifier: ISC */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../quantity.h"
#include "ctl.h"

#define TIMEOUT_S 5u
#define TIMEOUT_MAX_S 86400

static const char usage[] =
	"usage: colo-ctl [-s SOCKET]... [-j] [-t SECONDS] COMMAND\n"
	"Ask the processes of this host, tell them, watch them.\n"
	"\n"
	"  --socket SOCKET    of a process (-s); default: all *.ctl in\n"
	"                     $COLO_CONTROL_DIR, else in /run/colo-pipe\n"
	"  --json             lines of JSON (-j)\n"
	"  --prometheus       with stats: Prometheus' text format\n"
	"  --timeout SECONDS  for an answer, or to wait (5) (-t)\n"
	"  --help             print this and exit (-h)\n"
	"  --version          print the version and exit (-V)\n"
	"\n"
	"  status [-w]        the verdict; exit status 0 protected, 1 not, 3\n"
	"                     unreachable; with -w again whenever it changes\n"
	"  top                a live view: rates, queues, what is held\n"
	"  watch              print events as they come\n"
	"  wait STATE         until all processes are in it: wait protected\n"
	"  capture LINK [FILTER]\n"
	"                     its frames as pcapng, to standard output\n"
	"  -                  lines [\"METHOD\", PARAM...] from standard input\n"
	"  METHOD PARAM...    what `colo-ctl methods` lists: stats, links, failover,\n"
	"                     flows [FILTER [SORT [LIMIT]]], explain FLOW ...\n"
	"\n"
	"Exit status: 0 done, 1 refused, 2 bad usage, 3 unreachable. See colo-ctl(1).\n"
	"Example: colo-ctl -s /run/colo-pipe/compare.ctl status\n";

static const char version[] = "colo-ctl (colo-pipe) " COLO_VERSION "\n";

static int bad(const char *what, const char *word)
{
	fprintf(stderr, "colo-ctl: %s%s (try --help)\n", what, word);
	return CTL_USAGE;
}

static int set_timeout(struct ctl_options *o, const char *text)
{
	uint64_t n;

	if (quantity_seconds(&n, text, TIMEOUT_MAX_S) < 0 || !n)
		return bad("--timeout: not seconds from 1 to 86400: ", text);
	o->timeout_s = (unsigned)n;
	return CTL_OK;
}

static int add_socket(struct ctl_options *o, const char *path)
{
	if (o->n_sockets == CTL_SOCKETS_MAX)
		return bad("-s: too many sockets", "");
	o->sockets[o->n_sockets++] = path;
	return CTL_OK;
}

static const struct option longs[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "json", no_argument, NULL, 'j' },
	{ "prometheus", no_argument, NULL, 'p' },
	{ "timeout", required_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

/* Return: an exit status, or -1 to go on */
static int parse(struct ctl_options *o, int argc, char **argv)
{
	int opt, rc = CTL_OK;

	opterr = 0;
	while (rc == CTL_OK &&
	       (opt = getopt_long(argc, argv, "+:s:jt:hV", longs, NULL)) != -1) {
		switch (opt) {
		case 's':
			rc = add_socket(o, optarg);
			break;
		case 'j':
			o->is_json = true;
			break;
		case 'p':
			o->metrics = o->metrics ? o->metrics : json_object();
			break;
		case 't':
			rc = set_timeout(o, optarg);
			break;
		case 'h':
		case 'V':
			fputs(opt == 'h' ? usage : version, stdout);
			return CTL_OK;
		default:
			return bad(opt == ':' ? "missing argument: " :
						"unknown option: ",
				   argv[optind - 1]);
		}
	}
	return rc == CTL_OK ? -1 : rc;
}

static int capture(struct ctl *v, const struct ctl_options *o, int argc,
		   char **argv)
{
	if (argc < 2 || argc > 3)
		return bad("capture: it is capture LINK [FILTER]", "");
	if (o->n_sockets != 1)
		return bad("capture: which process? Say -s SOCKET", "");
	if (isatty(STDOUT_FILENO))
		return bad("capture: standard output is a terminal", "");
	return ctl_ask_capture(v, o, argc, argv);
}

static int status(struct ctl *v, struct ctl_options *o, int argc, char **argv)
{
	if (argc == 1)
		return ctl_status(v, o->n_sockets, o);
	if (argc == 2 && (!strcmp(argv[1], "-w") || !strcmp(argv[1], "--watch")))
		return ctl_status_watch(v, o);
	return bad("status: it is status [-w]", "");
}

static int run(struct ctl *v, struct ctl_options *o, int argc, char **argv)
{
	unsigned n = o->n_sockets;
	const char *command = argv[0];

	if (!strcmp(command, "status"))
		return status(v, o, argc, argv);
	if (!strcmp(command, "top"))
		return argc == 1 ? ctl_top(v, o) :
				   bad("top: it takes no argument: ", argv[1]);
	if (!strcmp(command, "watch"))
		return argc == 1 ? ctl_watch(v, o) :
				   bad("watch: it takes no argument: ", argv[1]);
	if (!strcmp(command, "wait"))
		return argc == 2 ? ctl_status_wait(v, o, argv[1]) :
				   bad("wait: it is wait STATE", "");
	if (!strcmp(command, "-") && argc > 1)
		return bad("-: it takes no argument: ", argv[1]);
	if (!strcmp(command, "-"))
		return n == 1 ? ctl_ask_bridge(v, o) :
				bad("-: which process? Say -s SOCKET", "");
	if (!strcmp(command, "capture"))
		return capture(v, o, argc, argv);
	if (o->metrics && strcmp(command, "stats") != 0)
		return bad("--prometheus goes with stats", "");
	return ctl_ask_all(v, n, o, argc, argv);
}

int main(int argc, char **argv)
{
	struct ctl_options o = { .timeout_s = TIMEOUT_S };
	static struct ctl v[CTL_SOCKETS_MAX];
	int rc = parse(&o, argc, argv);

	if (rc >= 0)
		return rc;
	if (optind == argc)
		return bad("a command is missing", "");
	if (ctl_find(&o, !strcmp(argv[optind], "wait")) < 0)
		return CTL_UNREACHABLE;
	for (unsigned i = 0; i < o.n_sockets; i++)
		ctl_link_open(&v[i], o.sockets[i]);
	rc = run(v, &o, argc - optind, argv + optind);
	for (unsigned i = 0; i < o.n_sockets; i++)
		ctl_link_close(&v[i]);
	json_decref(o.metrics);
	if (fflush(stdout) || ferror(stdout))
		return bad("standard output: it cannot be written", "");
	return rc;
}
