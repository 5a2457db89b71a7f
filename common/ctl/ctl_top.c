/* SPDX-License-Identifier: ISC */
#include "ctl_top.h"

#include <unistd.h>

#define PERIOD_MS 1000u

static void draw(const struct ctl_top *t)
{
	static struct ctl_top_view view;

	ctl_top_screen_size(&view);
	ctl_top_view_make(&view, t);
	ctl_top_screen_draw(&view);
}

/* Show processes that were not there before, too. */
static void find(struct ctl_top *t, struct ctl *v, struct ctl_options *o)
{
	unsigned n = ctl_find_more(o, v);

	for (; t->n < n; t->n++)
		t->v[t->n].c = &v[t->n];
}

static void run(struct ctl_top *t, struct ctl *v, struct ctl_options *o,
		int signals)
{
	uint64_t next_ms = 0;

	do {
		t->now_ms = ctl_signal_now_ms();
		if (t->now_ms >= next_ms) {
			next_ms = t->now_ms + PERIOD_MS;
			find(t, v, o);
			ctl_top_ask_all(t);
		}
		ctl_top_ask_read(t);
		draw(t);
	} while (ctl_signal_wait(signals, STDIN_FILENO, v, t->n,
				 (int)(next_ms - t->now_ms)) &&
		 !ctl_top_screen_quits());
}

/**
 * ctl_top() - Show all processes, live, until q or a signal
 * @v:	links; those that are down are tried again
 * @o:	options: whose sockets they are
 *
 * Return: the exit status
 */
int ctl_top(struct ctl *v, struct ctl_options *o)
{
	static struct ctl_top t;
	int signals;

	if (!ctl_top_screen_open())
		return CTL_USAGE;
	signals = ctl_signal_open();
	run(&t, v, o, signals);
	ctl_top_screen_close();
	ctl_top_ask_end(&t);
	close(signals);
	return CTL_OK;
}
