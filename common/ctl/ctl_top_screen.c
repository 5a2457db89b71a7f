/* SPDX-License-Identifier: ISC */
/* A terminal, by ncurses: nothing else knows of that. */
#include <curses.h>
#include <locale.h>
#include <stdlib.h>
#include <term.h>
#include <unistd.h>

#include "ctl_top.h"

/* Return: is the terminal one that can be drawn on? Else one line says why not */
static bool is_able(void)
{
	const char *term = getenv("TERM");
	bool can_move = false;
	char *up;
	int err;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		fputs("colo-ctl: top: standard input and output have to be a "
		      "terminal (status and stats need none)\n", stderr);
		return false;
	}
	if (setupterm(NULL, STDOUT_FILENO, &err) == OK) {
		up = tigetstr("cup");
		can_move = up && up != (char *)-1;
		del_curterm(cur_term);
	}
	if (can_move)
		return true;
	fprintf(stderr, "colo-ctl: top: TERM=%s: no terminal that is known and "
		"can move its cursor (status -w needs none)\n",
		term ? term : "");
	return false;
}

/**
 * ctl_top_screen_open() - Begin to draw
 *
 * Return: true; ctl_top_screen_close() gives the terminal back. false: the reason was
 * said on standard error
 */
bool ctl_top_screen_open(void)
{
	setlocale(LC_CTYPE, "");
	if (!is_able() || !newterm(NULL, stdout, stdin))
		return false;
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	if (has_colors() && start_color() == OK) {
		use_default_colors();
		init_pair(CTL_TOP_GOOD, COLOR_GREEN, -1);
		init_pair(CTL_TOP_BAD, COLOR_RED, -1);
	}
	return true;
}

/**
 * ctl_top_screen_close() - Give the terminal back as it was
 */
void ctl_top_screen_close(void)
{
	endwin();
}

/**
 * ctl_top_screen_quits() - Was q pressed? All other keys are for nothing
 */
bool ctl_top_screen_quits(void)
{
	int key;

	while ((key = getch()) != ERR) {
		if (key == 'q' || key == 'Q')
			return true;
	}
	return false;
}

/**
 * ctl_top_screen_size() - How much room there is
 * @s:	its height and width are set
 */
void ctl_top_screen_size(struct ctl_top_view *s)
{
	unsigned height = LINES > 0 ? (unsigned)LINES : 1;

	s->height = height < CTL_TOP_LINES_MAX ? height : CTL_TOP_LINES_MAX;
	s->width = COLS > 0 ? (unsigned)COLS : 1;
}

static int look_of(enum ctl_top_style style)
{
	if (style == CTL_TOP_HEAD)
		return (int)A_REVERSE;
	if (style == CTL_TOP_PLAIN)
		return (int)A_NORMAL;
	return (int)(COLOR_PAIR(style) | (style == CTL_TOP_BAD ? A_BOLD : 0));
}

/**
 * ctl_top_screen_draw() - Show these lines, and nothing else
 * @s:	lines
 */
void ctl_top_screen_draw(const struct ctl_top_view *s)
{
	erase();
	for (unsigned i = 0; i < s->n; i++) {
		attrset(look_of(s->style[i]));
		mvaddnstr((int)i, 0, s->line[i], (int)s->width);
	}
	attrset((int)A_NORMAL);
	refresh();
}
