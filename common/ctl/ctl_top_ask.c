/* SPDX-License-Identifier: ISC */
/*
 * All processes are asked at once, and each answer is taken when it comes: one that
 * does not answer makes the view of the others no older.
 */
#include <string.h>

#include "ctl_top.h"

static const char *const questions[CTL_TOP_QUESTIONS] = {
	[CTL_TOP_STATUS] = "status", [CTL_TOP_STATS] = "stats",
	[CTL_TOP_LINKS] = "links", [CTL_TOP_FLOWS] = "flows",
};

/* Those that hold most are enough: a screen has no room for more. */
#define FLOWS_WANTED 20

static json_t *params_of(enum ctl_top_question q)
{
	return q == CTL_TOP_FLOWS ? json_pack("[s, s, i]", "", "held",
					      FLOWS_WANTED) :
				    json_array();
}

static void forget(struct ctl_top_process *p)
{
	for (unsigned i = 0; i < CTL_TOP_QUESTIONS; i++) {
		json_decref(p->said[i].now);
		json_decref(p->said[i].before);
		p->said[i] = (struct ctl_top_said){ 0 };
	}
	p->n_open = 0;
}

/* What a process has said before it went is true no more. */
static void reconnect(struct ctl_top_process *p)
{
	forget(p);
	ctl_link_reopen(p->c);
}

static void ask(struct ctl_top_process *p, uint64_t now_ms)
{
	p->first_id = p->c->last_id + 1;
	p->asked_ms = now_ms;
	for (unsigned i = 0; i < CTL_TOP_QUESTIONS && p->c->fd >= 0; i++) {
		json_t *params = params_of((enum ctl_top_question)i);

		ctl_link_send(p->c, questions[i], params);
		json_decref(params);
		p->n_open++;
	}
}

/**
 * ctl_top_ask_all() - Ask each process that has answered, or is back
 * @t:	with the time
 */
void ctl_top_ask_all(struct ctl_top *t)
{
	for (unsigned i = 0; i < t->n; i++) {
		struct ctl_top_process *p = &t->v[i];

		if (p->c->fd < 0)
			reconnect(p);
		if (p->c->fd >= 0 && !p->n_open)
			ask(p, t->now_ms);
	}
}

/* An error says that a process has none of it. */
static void take(struct ctl_top_process *p, const struct rpc_message *m,
		 uint64_t now_ms)
{
	uint64_t i = m->id - p->first_id;
	struct ctl_top_said *s;

	if (m->kind != RPC_RESPONSE || i >= CTL_TOP_QUESTIONS || !p->n_open)
		return;
	p->n_open--;
	s = &p->said[i];
	json_decref(s->before);
	s->before = s->now;
	s->before_ms = s->now_ms;
	s->now = m->error.type == MSGPACK_OBJECT_NIL ?
		 ctl_json_of(&m->result) : NULL;
	s->now_ms = now_ms;
}

static void read_from(struct ctl_top_process *p, uint64_t now_ms)
{
	struct rpc_message m;

	while (p->c->fd >= 0 && ctl_link_read(p->c, &m, 0) == 1) {
		take(p, &m, now_ms);
		ctl_link_next(p->c, &m);
	}
	if (p->c->fd < 0)
		forget(p);
}

/**
 * ctl_top_ask_read() - Take the answers that are there, without waiting
 * @t:	with the time
 */
void ctl_top_ask_read(struct ctl_top *t)
{
	for (unsigned i = 0; i < t->n; i++)
		read_from(&t->v[i], t->now_ms);
}

/**
 * ctl_top_ask_end() - Free all answers
 * @t:	the view
 */
void ctl_top_ask_end(struct ctl_top *t)
{
	for (unsigned i = 0; i < t->n; i++)
		forget(&t->v[i]);
}
