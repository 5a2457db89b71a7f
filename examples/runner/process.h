/* SPDX-License-Identifier: ISC */
#ifndef PROCESS_H
#define PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "procfile.h"
#include "sink.h"

/*
 * One entry of the file over all its lives:
 *
 *	NEW -> STARTING -> UP -> WAITING -> STARTING ...
 *
 * STARTING becomes UP by the newline on its notify descriptor, at once without
 * one. What has ended is told to its owner, who lets it wait for its next
 * start: 0.1 s doubling to 5 s, and 0.1 s again after a life of 10 s. On the
 * way down it is STOPPING until it has ended.
 */
enum process_state {
	PROCESS_NEW, PROCESS_STARTING, PROCESS_UP, PROCESS_WAITING,
	PROCESS_STOPPING,
};

#define PROCESS_LINE_MAX (SINK_LINE_MAX - PROCFILE_NAME_MAX - 4)

struct process;

/* What all processes of a runner share; borrowed by them. */
struct process_owner {
	uv_loop_t *loop;
	struct sink *sink;
	const char *pid_dir;	/* or NULL */
	void (*on_up)(struct process *p, void *arg);
	void (*on_end)(struct process *p, int status, void *arg);
	void *arg;
};

struct process {
	const struct process_owner *owner;
	const struct procfile_entry *entry;
	enum process_state state;
	pid_t pid;		/* 0: none */
	uint64_t born_ms;
	unsigned delay_ms;	/* before the next start */
	bool due_usr2, due_hup;	/* to be sent when up */
	int log_fds[2];		/* pipes that outlive their writers: */
	int notify_fds[2];	/* both ends are held here */
	uv_poll_t log_poll, notify_poll;
	uv_timer_t timer;	/* the next start, or SIGKILL */
	char line[PROCESS_LINE_MAX];
	size_t line_len;
};

int process_open(struct process *p, const struct process_owner *owner,
		 const struct procfile_entry *entry);
void process_close(struct process *p);

void process_start(struct process *p);
void process_wait(struct process *p);
void process_stop(struct process *p);
void process_signal(struct process *p, int sig);
void process_kill(struct process *p);
void process_reap(struct process *p);

#endif
