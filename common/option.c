/* SPDX-License-Identifier: ISC */
/*
 * The command line, read by the tool's table. The tool owns its configuration; nothing
 * is opened here.
 */
#include "option.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "option_help.h"
#include "option_rows.h"
#include "option_value.h"
#include "role.h"

#define ROW_BASE	256		/* getopt values below are characters */

struct parser {
	const struct option_program *program;
	struct option_rows rows;
	char *config;
	bool seen[OPTION_ROWS_MAX];
};

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

/* Return: 0, or what option_bad() returned */
static int set(struct parser *p, unsigned row, const char *arg)
{
	const struct option_spec *spec = p->rows.spec[row];
	bool is_again = p->seen[row];
	char why[OPTION_WHY_MAX];

	p->seen[row] = true;
	if (spec->type == OPTION_ENDPOINT && is_again)
		return option_bad("--%s given twice", spec->name);
	if (option_value_set(spec, p->config, arg, why, sizeof(why)) < 0)
		return option_bad("--%s: %s", spec->name, why);
	return 0;
}

/* TEXT is the long option getopt_long() knew nothing of, or too much. */
static int bad_long(const struct option_rows *rows, const char *text)
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
static const char *value_name(const struct option_rows *rows, int value)
{
	if (value == 'h')
		return option_rows_help.name;
	if (value == 'V')
		return option_rows_version.name;
	return rows->spec[value - ROW_BASE]->name;
}

/* LETTER is no option. One of QEMU's users may have meant a long one: getopt_long() is
 * still in the word, or has just left it. */
static int bad_letter(const struct option_rows *rows, int letter, char **argv)
{
	for (int at = optind; at >= optind - 1; at--) {
		const char *word = argv[at] ? argv[at] : "";
		size_t len = strcspn(word, "=");

		for (unsigned i = 0; *word == '-' && i < rows->n; i++)
			if (strlen(rows->spec[i]->name) == len - 1 &&
			    !memcmp(rows->spec[i]->name, word + 1, len - 1))
				return option_bad("unknown option -%c: -%.*s?",
						  letter, (int)len, word);
	}
	return option_bad("unknown option -%c (try --help)", letter);
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
		bad_letter(&p->rows, optopt, argv);
	return OPTION_USAGE;
}

static void long_options(struct option *longs, const struct option_rows *rows)
{
	for (unsigned i = 0; i < rows->n; i++) {
		const struct option_spec *spec = rows->spec[i];

		longs[i] = (struct option){
			.name = spec->name,
			.has_arg = option_rows_is_action(spec) ? no_argument :
				   spec->type == OPTION_BOOL ?
				   optional_argument : required_argument,
			.val = spec == &option_rows_help ? 'h' :
			       spec == &option_rows_version ? 'V' :
			       (int)(ROW_BASE + i),
		};
	}
	longs[rows->n] = (struct option){ 0 };
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
	unsigned row = option_rows_find(&p->rows, name);

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
	unsigned row = option_rows_find(&p->rows, name);

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
	struct option longs[OPTION_ROWS_MAX + 1];
	char shorts[OPTION_ROWS_MAX + 8];
	int opt;

	long_options(longs, &p->rows);
	letters(shorts, p);
	opterr = 0;
	optind = 0;		/* getopt starts afresh, whoever used it */
	while ((opt = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (opt == 'h')
			return option_help_print(p->program, &p->rows);
		if (opt == 'V')
			return option_help_version(p->program);
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
	option_rows_init(&p.rows, program->specs);

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
	struct option_rows rows;

	option_rows_init(&rows, program->specs);
	return rows.spec[option_rows_find(&rows, name)];
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
