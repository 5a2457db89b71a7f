/* SPDX-License-Identifier: ISC */
#ifndef COLO_CTL_TOP_H
#define COLO_CTL_TOP_H

#include "ctl.h"

/*
 * The live view of a host's processes. ctl_top.c runs it; ctl_top_ask.c asks, and
 * keeps the last two answers, from which rates follow; ctl_top_view.c makes lines
 * of them, pure; ctl_top_screen.c shows these on a terminal.
 */
enum ctl_top_question {
	CTL_TOP_STATUS,
	CTL_TOP_STATS,
	CTL_TOP_LINKS,
	CTL_TOP_FLOWS,
};
#define CTL_TOP_QUESTIONS 4u

/* What was said, and when. */
struct ctl_top_said {
	json_t *now, *before;	/* owned; NULL: nothing */
	uint64_t now_ms, before_ms;
};

struct ctl_top_process {	/* zeroed to begin with */
	struct ctl *c;		/* borrowed */
	struct ctl_top_said said[CTL_TOP_QUESTIONS];
	uint64_t first_id;	/* of the questions that were asked last */
	unsigned n_open;	/* of them that are not answered yet */
	uint64_t asked_ms;
};

struct ctl_top {
	struct ctl_top_process v[CTL_SOCKETS_MAX];
	unsigned n;
	uint64_t now_ms;	/* of a clock that never goes back */
};

/* What is to be seen. */
#define CTL_TOP_LINES_MAX 128u
#define CTL_TOP_COLUMNS_MAX 256u

enum ctl_top_style { CTL_TOP_PLAIN, CTL_TOP_GOOD, CTL_TOP_BAD, CTL_TOP_HEAD };

struct ctl_top_view {
	char line[CTL_TOP_LINES_MAX][CTL_TOP_COLUMNS_MAX];
	enum ctl_top_style style[CTL_TOP_LINES_MAX];
	unsigned n;		/* lines */
	unsigned height, width;	/* at most: set by who asks for it */
};

/* ctl_top_ask.c */
void ctl_top_ask_all(struct ctl_top *t);
void ctl_top_ask_read(struct ctl_top *t);
void ctl_top_ask_end(struct ctl_top *t);

/* ctl_top_screen.c */
bool ctl_top_screen_open(void);
void ctl_top_screen_close(void);
bool ctl_top_screen_quits(void);
void ctl_top_screen_size(struct ctl_top_view *s);
void ctl_top_screen_draw(const struct ctl_top_view *s);

/* ctl_top_view.c */
void ctl_top_view_make(struct ctl_top_view *s, const struct ctl_top *t);

#endif
