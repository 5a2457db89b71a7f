/* SPDX-License-Identifier: ISC */
/*
 * What is to be seen: the verdict, a line for each process, for each link, and for
 * the flows that hold most. Where there is no room for all links, those that have most
 * in their queues, or have no peer, are shown.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl_top.h"

#define LINKS_MAX 512u
#define FLOWS_MAX 256u
#define NUMBER_MAX 16u
#define NAME_MAX_LEN 14u	/* of a process, in columns */
#define SILENT_MS 3000u		/* then it is said that a process is */
#define FLOW_LINES 5u		/* that links leave for flows */

static void put(struct ctl_top_view *s, enum ctl_top_style style,
		const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void put(struct ctl_top_view *s, enum ctl_top_style style,
		const char *fmt, ...)
{
	va_list ap;

	if (s->n == s->height)
		return;
	va_start(ap, fmt);
	vsnprintf(s->line[s->n], sizeof(*s->line), fmt, ap);
	va_end(ap);
	s->style[s->n++] = style;
}

/* In four or five characters: 9999, 12.3k, 4.6M. */
static const char *number(char *text, double value)
{
	static const char units[] = " kMGTPE";
	unsigned i = 0;

	if (value < 10000) {
		snprintf(text, NUMBER_MAX, "%.0f", value);
		return text;
	}
	for (; value >= 1000 && units[i + 1]; i++)
		value /= 1000;
	snprintf(text, NUMBER_MAX, "%.*f%c", value < 100, value, units[i]);
	return text;
}

/* --- what was said --- */

static const json_t *said(const struct ctl_top_process *p,
			  enum ctl_top_question q)
{
	return p->said[q].now;
}

static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static double number_at(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

/* The row of a table in which two columns say this; or NULL */
static const json_t *row_of(const json_t *rows, const char *group,
			    const char *name)
{
	const json_t *row;
	size_t i;

	json_array_foreach((json_t *)rows, i, row) {
		if ((!group || !strcmp(text_at(row, "group"), group)) &&
		    !strcmp(text_at(row, "name"), name))
			return row;
	}
	return NULL;
}

static double rate(const struct ctl_top_said *s, double now, double before)
{
	uint64_t ms = s->now_ms - s->before_ms;

	return s->before && ms && now > before ?
	       (now - before) * 1000 / (double)ms : 0;
}

static double stat_of(const struct ctl_top_process *p, const char *group,
		      const char *name)
{
	return number_at(row_of(said(p, CTL_TOP_STATS), group, name), "value");
}

static double stat_rate(const struct ctl_top_process *p, const char *name)
{
	const struct ctl_top_said *s = &p->said[CTL_TOP_STATS];

	return rate(s, stat_of(p, "frames", name),
		    number_at(row_of(s->before, "frames", name), "value"));
}

/* --- processes --- */

static const char *state_of(const struct ctl_top_process *p)
{
	return p->c->fd < 0 ? CTL_STATUS_UNREACHABLE :
			      text_at(said(p, CTL_TOP_STATUS), "state");
}

static void verdict_of(const struct ctl_top *t,
		       const struct ctl_top_process *p, char *text, size_t size)
{
	uint64_t ms = p->n_open ? t->now_ms - p->asked_ms : 0;

	if (p->c->fd < 0)
		snprintf(text, size, CTL_STATUS_UNREACHABLE ": %s", p->c->error);
	else if (ms > SILENT_MS)
		snprintf(text, size, "no answer for %u s",
			 (unsigned)(ms / 1000));
	else
		snprintf(text, size, "%s", text_at(said(p, CTL_TOP_STATUS),
						   "text"));
}

static enum ctl_top_style style_of(const struct ctl_top_process *p)
{
	const char *state = state_of(p);

	if (!*state)
		return CTL_TOP_PLAIN;
	return ctl_status_rank(state) ? CTL_TOP_BAD : CTL_TOP_GOOD;
}

static void put_head(struct ctl_top_view *s, const struct ctl_top *t)
{
	const struct ctl_top_process *worst = &t->v[0];
	char when[32], text[256];

	for (unsigned i = 1; i < t->n; i++) {
		if (ctl_status_rank(state_of(&t->v[i])) >
		    ctl_status_rank(state_of(worst)))
			worst = &t->v[i];
	}
	verdict_of(t, worst, text, sizeof(text));
	ctl_print_time(when, sizeof(when), (double)time(NULL));
	put(s, CTL_TOP_PLAIN, "colo-ctl top  %.19sZ  q quits", when);
	put(s, style_of(worst), "%s: %s", worst->c->name, text);
}

/* Columns of the names of processes: of the longest. */
static int name_width(const struct ctl_top *t)
{
	size_t width = sizeof("PROCESS") - 1;

	for (unsigned i = 0; i < t->n; i++) {
		size_t len = strlen(t->v[i].c->name);

		if (len > width)
			width = len < NAME_MAX_LEN ? len : NAME_MAX_LEN;
	}
	return (int)width;
}

static void put_process(struct ctl_top_view *s, const struct ctl_top *t,
			const struct ctl_top_process *p, int width)
{
	char text[256], in[NUMBER_MAX], out[NUMBER_MAX], drop[NUMBER_MAX],
		held[NUMBER_MAX], bytes[NUMBER_MAX], made[NUMBER_MAX];

	verdict_of(t, p, text, sizeof(text));
	put(s, style_of(p), "%-*.*s %6s %6s %6s %6s %6s %5s  %s", width, width,
	    p->c->name, number(in, stat_rate(p, "in")),
	    number(out, stat_rate(p, "out")),
	    number(drop, stat_rate(p, "dropped")),
	    number(held, stat_of(p, "frames", "held")),
	    number(bytes, stat_of(p, "held", "bytes")),
	    number(made, stat_of(p, "checkpoint", "time")), text);
}

static void put_processes(struct ctl_top_view *s, const struct ctl_top *t)
{
	int width = name_width(t);

	put(s, CTL_TOP_HEAD, "%-*s %6s %6s %6s %6s %6s %5s  %s", width,
	    "PROCESS", "IN/s", "OUT/s", "DROP/s", "HELD", "BYTES", "CKPTS",
	    "VERDICT");
	for (unsigned i = 0; i < t->n; i++)
		put_process(s, t, &t->v[i], width);
}

/* --- links --- */

struct link {
	const struct ctl_top_process *p;
	const json_t *row;	/* of what the process has said of links */
	unsigned at;		/* in the order of processes */
};

static double fill_of(const struct link *l)
{
	double bound = number_at(l->row, "bound");

	return bound > 0 ? number_at(l->row, "queued_bytes") / bound : 0;
}

static bool is_down(const struct link *l)
{
	return strcmp(text_at(l->row, "state"), "up") != 0;
}

static unsigned links_of(const struct ctl_top *t, struct link *v)
{
	unsigned n = 0;

	for (unsigned i = 0; i < t->n; i++) {
		const json_t *row;
		size_t k;

		json_array_foreach((json_t *)said(&t->v[i], CTL_TOP_LINKS), k,
				   row) {
			if (n == LINKS_MAX)
				return n;
			v[n] = (struct link){ &t->v[i], row, n };
			n++;
		}
	}
	return n;
}

static int by_trouble(const void *a, const void *b)
{
	const struct link *x = a, *y = b;
	double fx = fill_of(x), fy = fill_of(y);

	if (is_down(x) != is_down(y))
		return is_down(x) ? -1 : 1;
	if (fx < fy || fx > fy)
		return fx < fy ? 1 : -1;
	return x->at < y->at ? -1 : 1;
}

static int by_place(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	return x->at < y->at ? -1 : 1;
}

static double link_rate(const struct link *l, const char *key)
{
	const struct ctl_top_said *s = &l->p->said[CTL_TOP_LINKS];
	const json_t *before = row_of(s->before, NULL, text_at(l->row, "name"));

	return rate(s, number_at(l->row, key), number_at(before, key));
}

static void put_link(struct ctl_top_view *s, const struct link *l, int width)
{
	char in[NUMBER_MAX], out[NUMBER_MAX], drop[NUMBER_MAX],
		queued[NUMBER_MAX], bytes[NUMBER_MAX];

	put(s, is_down(l) ? CTL_TOP_BAD : CTL_TOP_PLAIN,
	    "%-*.*s %-14.14s %-4.4s %6s %6s %6s %6s %6s %4.0f%%", width, width,
	    l->p->c->name, text_at(l->row, "name"), text_at(l->row, "state"),
	    number(in, link_rate(l, "in")), number(out, link_rate(l, "out")),
	    number(drop, link_rate(l, "dropped")),
	    number(queued, number_at(l->row, "queued")),
	    number(bytes, number_at(l->row, "queued_bytes")),
	    100 * fill_of(l));
}

/* The ones that @room has not enough lines for are counted. */
static void put_links(struct ctl_top_view *s, const struct ctl_top *t,
		      unsigned room)
{
	struct link v[LINKS_MAX];
	unsigned n = links_of(t, v), shown = n <= room ? n : room - 1;
	int width = name_width(t);

	put(s, CTL_TOP_HEAD, "%-*s %-14s %-4s %6s %6s %6s %6s %6s %5s", width,
	    "PROCESS", "LINK", "PEER", "IN/s", "OUT/s", "DROP/s", "QUEUED",
	    "BYTES", "FILL");
	if (shown < n)
		qsort(v, n, sizeof(*v), by_trouble);
	qsort(v, shown, sizeof(*v), by_place);
	for (unsigned i = 0; i < shown; i++)
		put_link(s, &v[i], width);
	if (shown < n)
		put(s, CTL_TOP_PLAIN, "%u more, with less in their queues",
		    n - shown);
}

/* --- flows --- */

struct flow {
	const struct ctl_top_process *p;
	const json_t *row;
};

static unsigned flows_of(const struct ctl_top *t, struct flow *v)
{
	unsigned n = 0;

	for (unsigned i = 0; i < t->n; i++) {
		const json_t *row, *page = said(&t->v[i], CTL_TOP_FLOWS);
		size_t k;

		json_array_foreach(json_object_get(page, "flows"), k, row) {
			if (n < FLOWS_MAX && number_at(row, "bytes") > 0)
				v[n++] = (struct flow){ &t->v[i], row };
		}
	}
	return n;
}

static int by_bytes(const void *a, const void *b)
{
	double x = number_at(((const struct flow *)a)->row, "bytes");
	double y = number_at(((const struct flow *)b)->row, "bytes");

	return (x < y) - (x > y);
}

static void put_flow(struct ctl_top_view *s, const struct flow *f, int width)
{
	char bytes[NUMBER_MAX], waits[NUMBER_MAX];

	put(s, CTL_TOP_PLAIN, "%-*.*s %6s %8s %-9.9s %s", width, width,
	    f->p->c->name, number(bytes, number_at(f->row, "bytes")),
	    number(waits, number_at(f->row, "waits_ms")),
	    text_at(f->row, "state"), text_at(f->row, "flow"));
}

static void put_flows(struct ctl_top_view *s, const struct ctl_top *t,
		      struct flow *v, unsigned n)
{
	int width = name_width(t);

	qsort(v, n, sizeof(*v), by_bytes);
	put(s, CTL_TOP_HEAD, "%-*s %6s %8s %-9s %s", width, "PROCESS", "BYTES",
	    "WAITS ms", "STATE", n ? "FLOWS THAT HOLD MOST" :
				     "NO FLOW HOLDS A PACKET");
	for (unsigned i = 0; i < n; i++)
		put_flow(s, &v[i], width);
}

/**
 * ctl_top_view_make() - Make the lines of a screen
 * @s:		its height and width are set, at most those of the struct; gets the
 *		lines
 * @t:		what was said, by one process or more
 */
void ctl_top_view_make(struct ctl_top_view *s, const struct ctl_top *t)
{
	struct flow flows[FLOWS_MAX];
	unsigned n_flows = flows_of(t, flows), below;

	s->n = 0;
	put_head(s, t);
	put(s, CTL_TOP_PLAIN, "%s", "");
	put_processes(s, t);
	put(s, CTL_TOP_PLAIN, "%s", "");
	below = s->n + 3 + (n_flows < FLOW_LINES ? n_flows : FLOW_LINES);
	put_links(s, t, s->height > below ? s->height - below : 1);
	put(s, CTL_TOP_PLAIN, "%s", "");
	put_flows(s, t, flows, n_flows);
	for (unsigned i = 0; i < s->n; i++)
		s->line[i][s->width < CTL_TOP_COLUMNS_MAX ? s->width :
			   CTL_TOP_COLUMNS_MAX - 1] = '\0';
}
