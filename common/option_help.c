/* SPDX-License-Identifier: ISC */
/*
 * --help and --version. What --help prints is the table that the command line is read
 * by.
 */
#include "option_help.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "option_value.h"

#define LINE_WIDTH	80
#define HELP_COLUMN_MAX	32

/* Writes ` ARG`, `[=on|off]` or nothing behind an option's name. */
static int arg_text(char *buf, size_t size, const struct option_spec *spec)
{
	int len = 0;

	if (option_rows_is_action(spec))
		return snprintf(buf, size, "%s", "");
	if (spec->type == OPTION_BOOL)
		return snprintf(buf, size, "[=on|off]");
	if (spec->arg || spec->type != OPTION_CHOICE)
		return snprintf(buf, size, " %s%s%s",
				spec->arg ? spec->arg : "?",
				option_value_word(spec) ? "|" : "",
				option_value_word(spec) ? option_value_word(spec) : "");
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

static int help_column(const struct option_rows *rows)
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
	log_error(NULL, "standard output: %s", strerror(errno));
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

/**
 * option_help_print() - Answer --help on standard output
 * @program:	the tool
 * @rows:	its options
 *
 * Return: OPTION_DONE; OPTION_USAGE when standard output does not take it, which
 * one line on standard error has said
 */
enum option_result option_help_print(const struct option_program *program,
				     const struct option_rows *rows)
{
	int column = help_column(rows);

	print_usage(program);
	print_wrapped(program->summary, 0, 0);
	putchar('\n');
	for (unsigned i = 0; i < rows->n; i++)
		print_row(rows->spec[i], column);
	putchar('\n');
	print_wrapped(help_end, 0, 0);
	return finish_output();
}

/**
 * option_help_version() - Answer --version on standard output
 * @program:	the tool
 *
 * Return: as option_help_print()
 */
enum option_result option_help_version(const struct option_program *program)
{
	printf("%s (colo-pipe) %s\n", program->name, COLO_VERSION);
	return finish_output();
}
