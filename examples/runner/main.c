/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner.h"

static const char help[] =
	"usage: colo-run [-n] [--pid-dir DIR] [--notify-fd N] FILE\n"
	"Runs the processes of one host, as FILE names them.\n"
	"\n"
	"  -n               check FILE and exit\n"
	"  --pid-dir DIR    keep each one's process id in DIR/NAME.pid\n"
	"  --notify-fd N    write a newline there when all are ready\n"
	"  --help           show this\n"
	"  --version        show the version\n"
	"\n"
	"FILE has a line `NAME: COMMAND` for each, in the order of starting.\n"
	"SIGTERM and SIGINT stop all, a second one kills them. SIGUSR1\n"
	"(counters), SIGUSR2 (failover) and SIGHUP (checkpoint) go to all.\n"
	"Exit status: 0 stopped, 1 trouble, 2 bad usage or FILE, 10 + N: the\n"
	"Nth process of FILE could not be run, or did not stop as it should.\n";

enum { OPT_PID_DIR = 256, OPT_NOTIFY_FD, OPT_HELP, OPT_VERSION };

static const struct option options[] = {
	{ "pid-dir", required_argument, NULL, OPT_PID_DIR },
	{ "notify-fd", required_argument, NULL, OPT_NOTIFY_FD },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static int bad(const char *what, const char *arg)
{
	fprintf(stderr, "colo-run: error: %s%s%s\n", what, arg ? ": " : "",
		arg ? arg : "");
	return RUNNER_USAGE;
}

/* An open descriptor that the children are not to have. */
static int parse_fd(const char *text, int *fd)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end || n < 0 || n > INT_MAX ||
	    fcntl((int)n, F_SETFD, FD_CLOEXEC) < 0)
		return -EINVAL;
	*fd = (int)n;
	return 0;
}

/* The programs beside this one come first. */
static int set_path(void)
{
	const char *old = getenv("PATH");
	char self[PATH_MAX], *path;
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int ret;

	if (len < 0)
		return -errno;
	self[len] = '\0';
	*strrchr(self, '/') = '\0';
	if (asprintf(&path, "%s:%s", self, old ? old : "/usr/bin:/bin") < 0)
		return -ENOMEM;
	ret = setenv("PATH", path, 1) < 0 ? -errno : 0;
	free(path);
	return ret;
}

/* Descriptors 0 to 2 must not be taken by pipes. */
static int open_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd < 0)
			return -errno;
	} while (fd <= STDERR_FILENO);
	close(fd);
	return 0;
}

static int run(struct runner_config config, const char *path, int check_only)
{
	struct procfile file;
	char err[512];
	int ret;

	if (procfile_read(&file, path, err, sizeof(err)) < 0)
		return bad(err, NULL);
	config.file = &file;
	signal(SIGPIPE, SIG_IGN);
	ret = check_only ? 0 : set_path();
	if (ret < 0)
		fprintf(stderr, "colo-run: error: %s\n", strerror(-ret));
	ret = ret < 0 ? RUNNER_TROUBLE : check_only ? 0 : runner_run(&config);
	procfile_fini(&file);
	return ret;
}

int main(int argc, char **argv)
{
	struct runner_config config = { .notify_fd = -1 };
	int check_only = 0, opt;

	if (open_standard_files() < 0)
		return RUNNER_TROUBLE;
	while ((opt = getopt_long(argc, argv, "n", options, NULL)) != -1) {
		switch (opt) {
		case 'n':
			check_only = 1;
			break;
		case OPT_PID_DIR:
			config.pid_dir = optarg;
			break;
		case OPT_NOTIFY_FD:
			if (parse_fd(optarg, &config.notify_fd) < 0)
				return bad("--notify-fd: not open", optarg);
			break;
		case OPT_HELP:
			fputs(help, stdout);
			return 0;
		case OPT_VERSION:
			puts("colo-run " COLO_VERSION);
			return 0;
		default:
			return RUNNER_USAGE;
		}
	}
	if (optind != argc - 1)
		return bad("one FILE is wanted", NULL);
	return run(config, argv[optind], check_only);
}
