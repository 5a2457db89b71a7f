/* SPDX-License-Identifier: ISC */
/*
 * The command line, read by the tool's table, and --help, printed from it. The tool
 * owns its configuration; nothing is opened here.
 */
#include "option.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quantity.h"
#include "role.h"
#include "time.h"

/*
 * A tool's table and the table of what all tools have in common are laid end
 * to end, and a row's place in that list is what getopt_long() returns for
 * it. The same list is printed by --help, so that the two cannot differ.
 */
#define ROWS_MAX	64
#define ROW_BASE	256		/* getopt values below are characters */
#define LINE_WIDTH	80
#define HELP_COLUMN_MAX	32

struct rows {
	const struct option_spec *spec[ROWS_MAX];
	unsigned n;
};

struct parser {
	const struct option_program *program;
	struct rows rows;
	char *config;
	bool seen[ROWS_MAX];
};

static const char *const log_levels[] = {
	[LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info",
	[LOG_DEBUG] = "debug", NULL,
};

static const struct option_spec common_specs[] = {
	{ .name = "vnet-hdr-support", .type = OPTION_BOOL,
	  .offset = offsetof(struct option_common, vnet_hdr_support),
	  .help = "frames carry a virtio-net header where an endpoint does "
		  "not say vnet-hdr=" },
	{ .name = "state-dir", .type = OPTION_STRING, .arg = "DIR",
	  .offset = offsetof(struct option_common, state_dir),
	  .help = "keep across restarts what must not be forgotten" },
	{ .name = "control", .type = OPTION_CONTROL, .arg = "PATH",
	  .offset = offsetof(struct option_common, control),
	  .help = "listen there for colo-ctl; PATH[,mode=OCTAL][,group=NAME]" },
	{ .name = "notify-fd", .type = OPTION_UINT, .arg = "N",
	  .offset = offsetof(struct option_common, notify_fd), .max = INT_MAX,
	  .help = "write a newline to descriptor N when ready" },
	{ .name = "busy-poll", .type = OPTION_UINT, .arg = "US",
	  .offset = offsetof(struct option_common, busy_poll), .max = 1000000,
	  .choices = (const char *const[]){ "auto", NULL },
	  .help = "microseconds to look for more before sleeping (0)" },
	{ .name = "log-level", .type = OPTION_CHOICE, .choices = log_levels,
	  .offset = offsetof(struct option_common, log_level),
	  .help = "how much to say on standard error (warn)" },
	{ .name = "check", .type = OPTION_BOOL,
	  .offset = offsetof(struct option_common, check_only),
	  .help = "check the arguments and exit (-n)" },
	{ 0 },
};

/* The two that set nothing have a character for getopt, and no value. */
static const struct option_spec action_specs[] = {
	{ .name = "help", .help = "print this and exit (-h)" },
	{ .name = "version", .help = "print the version and exit (-V)" },
	{ 0 },
};
#define HELP	(&action_specs[0])
#define VERSION	(&action_specs[1])

/**
 * option_bad() - Say what is wrong with the command line
 * @fmt:	one line without its newline
 *
 * For what a tool finds out only after option_parse(): options that are
 * missing or do not go together.
 *
 * Return: 2, the exit status of bad usage
 */
int option_bad(const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	log_error(NULL, "%s", line);
	return 2;
}

static void rows_add(struct rows *rows, const struct option_spec *spec)
{
	for (; spec->name; spec++) {
		assert(rows->n < ROWS_MAX);
		rows->spec[rows->n++] = spec;
	}
}

static void rows_init(struct rows *rows, const struct option_spec *specs)
{
	rows->n = 0;
	rows_add(rows, specs);
	rows_add(rows, common_specs);
	rows_add(rows, action_specs);
}

static bool is_action(const struct option_spec *spec)
{
	return spec == HELP || spec == VERSION;
}

/* The word that may stand instead of a number, or NULL. */
static const char *word_of(const struct option_spec *spec)
{
	return spec->type == OPTION_UINT && spec->choices ? spec->choices[0] :
							    NULL;
}

/* Writes ` ARG`, `[=on|off]` or nothing behind an option's name. */
static int arg_text(char *buf, size_t size, const struct option_spec *spec)
{
	int len = 0;

	if (is_action(spec))
		return snprintf(buf, size, "%s", "");
	if (spec->type == OPTION_BOOL)
		return snprintf(buf, size, "[=on|off]");
	if (spec->arg || spec->type != OPTION_CHOICE)
		return snprintf(buf, size, " %s%s%s",
				spec->arg ? spec->arg : "?",
				word_of(spec) ? "|" : "",
				word_of(spec) ? word_of(spec) : "");
	for (unsigned i = 0; spec->choices[i]; i++)
		len += snprintf(buf + len, size - (size_t)len, "%c%s",
				i ? '|' : ' ', spec->choices[i]);
	return len;
}

/*
 * Prints TEXT from COLUMN on, broken at blanks that stand outside of brackets
 * so that no line is over LINE_WIDTH; further lines start at INDENT.
 */
static void print_wrapped(const char *text, int column, int indent)
{
	bool is_first = true;

	while (*text) {
		int len = 0, depth = 0;

		for (; text[len] && (text[len] != ' ' || depth); len++)
			depth += (text[len] == '[') - (text[len] == ']');
		if (!is_first && column + 1 + len > LINE_WIDTH) {
			printf("\n%*s", indent, "");
			column = indent;
		} else if (!is_first) {
			putchar(' ');
			column++;
		}
		printf("%.*s", len, text);
		column += len;
		is_first = false;
		text += len;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void print_row(const struct option_spec *spec, int help_column)
{
	char arg[LINE_WIDTH];
	int column;

	arg_text(arg, sizeof(arg), spec);
	column = printf("  --%s%s", spec->name, arg);
	if (column + 2 > help_column) {
		putchar('\n');
		column = 0;
	}
	printf("%*s", help_column - column, "");
	print_wrapped(spec->help, help_column, help_column);
}

static int help_column(const struct rows *rows)
{
	int widest = 0;

	for (unsigned i = 0; i < rows->n; i++) {
		char arg[LINE_WIDTH];
		int width = 6 + (int)strlen(rows->spec[i]->name) +
			    arg_text(arg, sizeof(arg), rows->spec[i]);

		if (width > widest && width <= HELP_COLUMN_MAX)
			widest = width;
	}
	return widest;
}

/* Return: OPTION_DONE once standard output has it all */
static enum option_result finish_output(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return OPTION_DONE;
	option_bad("standard output: %s", strerror(errno));
	return OPTION_USAGE;
}

static const char help_end[] =
	"EP is where frames come from or go to: unix:/run/colo/a.sock, "
	"tcp:HOST:PORT, tap:vm0, pcap:FILE, - and others, see "
	"colo-endpoint(7). Sizes and times may have units: 64M, 3s, 100ms. The "
	"man page of the program says more.";

static void print_usage(const struct option_program *program)
{
	const char *head = "usage:", *form = program->usage;

	for (;;) {
		size_t len = strcspn(form, "\n");
		char *line = strndup(form, len);
		int indent = printf("%6s %s ", head, program->name);

		if (!line)
			abort();
		print_wrapped(line, indent, indent);
		free(line);
		if (!form[len])
			return;
		form += len + 1;
		head = "";
	}
}

static enum option_result print_help(const struct parser *p)
{
	int column = help_column(&p->rows);

	print_usage(p->program);
	print_wrapped(p->program->summary, 0, 0);
	putchar('\n');
	for (unsigned i = 0; i < p->rows.n; i++)
		print_row(p->rows.spec[i], column);
	putchar('\n');
	print_wrapped(help_end, 0, 0);
	return finish_output();
}

static enum option_result print_version(const struct parser *p)
{
	printf("%s (colo-pipe) %s\n", p->program->name, COLO_VERSION);
	return finish_output();
}

/* What is wrong with an option's value. */
struct why {
	char text[384];
};

static int refuse(struct why *why, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int refuse(struct why *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int set_bool(bool *out, const char *arg, struct why *why)
{
	if (!arg || !strcmp(arg, "on"))
		*out = true;
	else if (!strcmp(arg, "off"))
		*out = false;
	else
		return refuse(why, "\"%s\" is not on or off", arg);
	return 0;
}

/* How many nanoseconds an option counts in: 0 for one that is no time. */
static uint64_t unit_ns(const struct option_spec *spec)
{
	return !strcmp(spec->arg, "US") ? 1000 :
	       !strcmp(spec->arg, "MS") ? NS_PER_MS :
	       !strcmp(spec->arg, "SECONDS") ? NS_PER_S : 0;
}

/* Behind the numbers that a message tells. */
static const char *unit_text(const struct option_spec *spec)
{
	switch (unit_ns(spec)) {
	case 1000:
		return " us";
	case NS_PER_MS:
		return " ms";
	case NS_PER_S:
		return " s";
	default:
		return "";
	}
}

static bool is_size(const struct option_spec *spec)
{
	return !strcmp(spec->arg, "B") || !strcmp(spec->arg, "BYTES");
}

static int read_number(uint64_t *n, const char *arg)
{
	if (!*arg || strspn(arg, "0123456789") != strlen(arg))
		return -EINVAL;
	errno = 0;
	*n = strtoull(arg, NULL, 10);
	return errno ? -ERANGE : 0;
}

/* Return: as quantity_bytes() */
static int read_uint(uint64_t *n, const struct option_spec *spec,
		     const char *arg)
{
	uint64_t unit = unit_ns(spec);
	int err = is_size(spec) ? quantity_bytes(n, arg) :
		  unit ? quantity_time(n, arg, unit) : read_number(n, arg);

	if (err || !unit)
		return err;
	if (*n % unit)
		return -ERANGE;
	*n /= unit;
	return 0;
}

/* A table that names no max sets no limit. */
static int set_uint(uint64_t *out, const struct option_spec *spec,
		    const char *arg, struct why *why)
{
	uint64_t max = spec->max ? spec->max : UINT64_MAX, n = 0;
	int err = read_uint(&n, spec, arg);

	if (word_of(spec) && !strcmp(arg, word_of(spec))) {
		*out = UINT64_MAX;
		return 0;
	}
	if (err == -EINVAL)
		return refuse(why, "\"%s\" is not a number%s%s", arg,
			      word_of(spec) ? " or " : "",
			      word_of(spec) ? word_of(spec) : "");
	if (err == -ENOENT)
		return refuse(why, "\"%s\" is not a number with %s", arg,
			      is_size(spec) ? "k, M, G or T behind it" :
			      "us, ms, s, min or h behind it");
	if (err || n < spec->min || n > max)
		return refuse(why, "%s is not in %llu..%llu%s", arg,
			      (unsigned long long)spec->min,
			      (unsigned long long)max, unit_text(spec));
	*out = n;
	return 0;
}

static int set_string(const char **out, const char *arg, struct why *why)
{
	if (!*arg)
		return refuse(why, "empty");
	*out = arg;
	return 0;
}

static int add_string(struct option_list *out, const char *arg,
		      struct why *why)
{
	const char *text = NULL;

	if (set_string(&text, arg, why) < 0)
		return -EINVAL;
	if (out->n == OPTION_LIST_MAX)
		return refuse(why, "given more than %d times",
			      OPTION_LIST_MAX);
	out->v[out->n++] = text;
	return 0;
}

static int set_choice(unsigned *out, const struct option_spec *spec,
		      const char *arg, struct why *why)
{
	char list[256];
	int len = 0;

	for (unsigned i = 0; spec->choices[i]; i++) {
		if (!strcmp(arg, spec->choices[i])) {
			*out = i;
			return 0;
		}
		len += snprintf(list + len, sizeof(list) - (size_t)len, "%s%s",
				i ? ", " : "", spec->choices[i]);
	}
	return refuse(why, "\"%s\" is not one of %s", arg, list);
}

/* Return: 0, or -EINVAL with what is wrong */
static int set_value(const struct option_spec *spec, void *member,
		     const char *arg, struct why *why)
{
	switch (spec->type) {
	case OPTION_BOOL:
		return set_bool(member, arg, why);
	case OPTION_UINT:
		return set_uint(member, spec, arg, why);
	case OPTION_STRING:
		return set_string(member, arg, why);
	case OPTION_LIST:
		return add_string(member, arg, why);
	case OPTION_CHOICE:
		return set_choice(member, spec, arg, why);
	case OPTION_ENDPOINT:
		return endpoint_spec_parse(member, arg, why->text,
					   sizeof(why->text));
	case OPTION_CONTROL:
		return control_spec_parse(member, arg, why->text,
					  sizeof(why->text));
	}
	abort();		/* no such type: a broken table */
}

/* Return: 0, or what option_bad() returned */
static int set(struct parser *p, unsigned row, const char *arg)
{
	const struct option_spec *spec = p->rows.spec[row];
	bool is_again = p->seen[row];
	struct why why;

	p->seen[row] = true;
	if (spec->type == OPTION_ENDPOINT && is_again)
		return option_bad("--%s given twice", spec->name);
	if (set_value(spec, p->config + spec->offset, arg, &why) < 0)
		return option_bad("--%s: %s", spec->name, why.text);
	return 0;
}

/* TEXT is the long option getopt_long() knew nothing of, or too much. */
static int bad_long(const struct rows *rows, const char *text)
{
	int len = (int)strcspn(text, "=");
	char list[256];
	size_t at = 0;

	for (unsigned i = 0; i < rows->n; i++) {
		if (strncmp(rows->spec[i]->name, text + 2, (size_t)len - 2))
			continue;
		at += (size_t)snprintf(list + at, sizeof(list) - at, "%s--%s",
				       at ? ", " : "", rows->spec[i]->name);
		if (at >= sizeof(list))
			at = sizeof(list) - 1;
	}
	if (at)
		return option_bad("ambiguous option %.*s: %s", len, text, list);
	return option_bad("unknown option %.*s (try --help)", len, text);
}

/* VALUE is what getopt_long() put into optopt. */
static const char *value_name(const struct rows *rows, int value)
{
	if (value == 'h')
		return HELP->name;
	if (value == 'V')
		return VERSION->name;
	return rows->spec[value - ROW_BASE]->name;
}

static enum option_result getopt_error(const struct parser *p, int opt,
				       char **argv)
{
	if (opt == ':')
		option_bad("--%s: missing argument",
			   value_name(&p->rows, optopt));
	else if (!optopt)
		bad_long(&p->rows, argv[optind - 1]);
	else if (optopt >= ROW_BASE || optopt == 'h' || optopt == 'V')
		option_bad("--%s takes no argument",
			   value_name(&p->rows, optopt));
	else
		option_bad("unknown option -%c (try --help)", optopt);
	return OPTION_USAGE;
}

static void long_options(struct option *longs, const struct rows *rows)
{
	for (unsigned i = 0; i < rows->n; i++) {
		const struct option_spec *spec = rows->spec[i];

		longs[i] = (struct option){
			.name = spec->name,
			.has_arg = is_action(spec) ? no_argument :
				   spec->type == OPTION_BOOL ?
				   optional_argument : required_argument,
			.val = spec == HELP ? 'h' : spec == VERSION ? 'V' :
			       (int)(ROW_BASE + i),
		};
	}
	longs[rows->n] = (struct option){ 0 };
}

static unsigned row_of(const struct rows *rows, const char *name)
{
	for (unsigned row = 0;; row++) {
		assert(row < rows->n);	/* else: a broken table */
		if (!strcmp(rows->spec[row]->name, name))
			return row;
	}
}

/* The name of the switch that a letter turns on, or NULL. */
static const char *switch_of(const struct parser *p, int letter)
{
	const char *const *names = p->program->letters;

	while (names && *names && **names != letter)
		names++;
	return names ? *names : NULL;
}

static void turn_on(struct parser *p, const char *name)
{
	unsigned row = row_of(&p->rows, name);

	p->seen[row] = true;
	*(bool *)(p->config + p->rows.spec[row]->offset) = true;
}

/* What getopt_long() is told of letters. Where files are named, options may
 * stand behind them. */
static void letters(char *text, const struct parser *p)
{
	if (!p->program->operands)
		*text++ = '+';
	text = stpcpy(text, ":hVn");
	for (const char *const *name = p->program->letters; name && *name;
	     name++)
		*text++ = **name;
	*text = '\0';
}

static int set_operand(struct parser *p, const char *name, const char *path)
{
	unsigned row = row_of(&p->rows, name);

	if (p->seen[row])
		return option_bad("%s: --%s is given already", path, name);
	p->seen[row] = true;
	if (endpoint_spec_capture((void *)(p->config +
					   p->rows.spec[row]->offset), path) < 0)
		return option_bad("%s: the path is too long", path);
	return 0;
}

/* Return: 0, or what option_bad() returned */
static int set_operands(struct parser *p, int n, char **paths)
{
	const char *const *names = p->program->operands;
	int wanted = 0;

	while (names && names[wanted])
		wanted++;
	if (n && !wanted)
		return option_bad("unexpected argument \"%s\"", paths[0]);
	if (n && n != wanted)
		return option_bad("%d captures are wanted, or none; here %s "
				  "%d: %s", wanted, n == 1 ? "is" : "are", n,
				  paths[n - 1]);
	for (int i = 0; i < n; i++) {
		if (set_operand(p, names[i], paths[i]))
			return 2;
	}
	return 0;
}

static enum option_result parse_argv(struct parser *p, int argc, char **argv)
{
	struct option_common *common = (void *)p->config;
	struct option longs[ROWS_MAX + 1];
	char shorts[ROWS_MAX + 8];
	int opt;

	long_options(longs, &p->rows);
	letters(shorts, p);
	opterr = 0;
	optind = 0;		/* getopt starts afresh, whoever used it */
	while ((opt = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (opt == 'h')
			return print_help(p);
		if (opt == 'V')
			return print_version(p);
		if (opt == 'n')
			common->check_only = true;
		else if (switch_of(p, opt))
			turn_on(p, switch_of(p, opt));
		else if (opt < ROW_BASE)
			return getopt_error(p, opt, argv);
		else if (set(p, (unsigned)(opt - ROW_BASE), optarg))
			return OPTION_USAGE;
	}
	return set_operands(p, argc - optind, argv + optind) ? OPTION_USAGE :
							       OPTION_RUN;
}

/* To be asked at the start: later this number may be that of a file of ours. */
static bool is_open(uint64_t fd)
{
	return fd == OPTION_NO_FD || fcntl((int)fd, F_GETFD) >= 0;
}

/*
 * --vnet-hdr-support is the default of endpoints that carry the wire; a
 * capture is plain whatever the tool does, and null: has no form.
 */
static void default_vnet(struct parser *p)
{
	for (unsigned i = 0; i < p->rows.n; i++) {
		struct endpoint_spec *ep;

		if (p->rows.spec[i]->type != OPTION_ENDPOINT || !p->seen[i])
			continue;
		ep = (void *)(p->config + p->rows.spec[i]->offset);
		if (!ep->vnet_set && ep->kind != ENDPOINT_PCAP &&
		    ep->kind != ENDPOINT_NULL)
			ep->vnet_len = 12;
	}
}

/* With -n nothing is started that would find out. */
static bool check_state_dir(const char *dir)
{
	int err = dir ? role_check_dir(dir) : 0;

	if (err < 0)
		option_bad("--state-dir: %s: %s", dir, strerror(-err));
	return err == 0;
}

/**
 * option_parse() - Read the command line
 * @program:	the tool: its name and its table
 * @argc:	main's
 * @argv:	main's; borrowed for as long as @config is used
 * @config:	the tool's configuration, whose first member is `struct
 *		option_common`. That one starts with its own defaults; of the
 *		rest only what the command line names is set, so that the
 *		caller's values are the defaults.
 *
 * Also makes the log speak in the tool's name, and as much as --log-level
 * says. An option given twice counts as given last, unless it is a list; an
 * endpoint given twice is an error.
 *
 * Return: OPTION_RUN; OPTION_DONE when --help or --version was answered (exit
 * 0); OPTION_USAGE when one line on standard error has said what is wrong
 * (exit 2)
 */
enum option_result option_parse(const struct option_program *program,
				int argc, char **argv, void *config)
{
	struct option_common *common = config;
	struct parser p = { .program = program, .config = config };
	enum option_result result;

	log_init(program->name, LOG_WARN);
	*common = (struct option_common){
		.program = program,
		.config = config,
		.notify_fd = OPTION_NO_FD,
		.log_level = LOG_WARN,
	};
	rows_init(&p.rows, program->specs);

	result = parse_argv(&p, argc, argv);
	if (result != OPTION_RUN)
		return result;
	if (!is_open(common->notify_fd)) {
		option_bad("--notify-fd: descriptor %d is not open",
			   (int)common->notify_fd);
		return OPTION_USAGE;
	}
	if (common->check_only && !check_state_dir(common->state_dir))
		return OPTION_USAGE;
	if (common->vnet_hdr_support)
		default_vnet(&p);
	log_init(program->name, (enum log_level)common->log_level);
	return OPTION_RUN;
}

/* --- while the process runs --- */

static const char *const common_live[] = { "busy-poll", "log-level", NULL };

static unsigned count(const char *const *names)
{
	unsigned n = 0;

	while (names && names[n])
		n++;
	return n;
}

static const struct option_spec *spec_of(const struct option_program *program,
					 const char *name)
{
	struct rows rows;

	rows_init(&rows, program->specs);
	return rows.spec[row_of(&rows, name)];
}

/**
 * option_live() - The options that may be changed while the process runs
 * @program:	the tool
 * @i:		from 0 on
 *
 * Return: the row of the table; NULL behind the last one
 */
const struct option_spec *option_live(const struct option_program *program,
				      unsigned i)
{
	unsigned n = count(program->live);

	if (i < n)
		return spec_of(program, program->live[i]);
	return i - n < count(common_live) ? spec_of(program, common_live[i - n]) :
					    NULL;
}

/**
 * option_value() - An option's value, as the command line would say it
 * @spec:	of type OPTION_UINT, OPTION_BOOL or OPTION_CHOICE, which all that
 *		may be changed are
 * @config:	the tool's configuration
 * @text:	set
 * @size:	of @text, bytes; OPTION_VALUE_MAX is enough
 */
void option_value(const struct option_spec *spec, const void *config,
		  char *text, size_t size)
{
	const void *member = (const char *)config + spec->offset;

	if (spec->type == OPTION_BOOL)
		snprintf(text, size, "%s",
			 *(const bool *)member ? "on" : "off");
	else if (spec->type == OPTION_CHOICE)
		snprintf(text, size, "%s",
			 spec->choices[*(const unsigned *)member]);
	else if (word_of(spec) && *(const uint64_t *)member == UINT64_MAX)
		snprintf(text, size, "%s", word_of(spec));
	else
		snprintf(text, size, "%llu",
			 (unsigned long long)*(const uint64_t *)member);
}

/**
 * option_set() - Change an option, as the command line would
 * @spec:	from option_live()
 * @config:	the tool's configuration
 * @arg:	the value
 * @why:	set to what is wrong
 * @size:	of @why, bytes
 *
 * Return: 0, or -EINVAL and nothing is changed
 */
int option_set(const struct option_spec *spec, void *config, const char *arg,
	       char *why, size_t size)
{
	struct why bad;

	if (set_value(spec, (char *)config + spec->offset, arg, &bad) == 0)
		return 0;
	snprintf(why, size, "%s: %s", spec->name, bad.text);
	return -EINVAL;
}
