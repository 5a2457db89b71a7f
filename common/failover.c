/* SPDX-License-Identifier: ISC */
/*
 * The role of this process, and the timer of --auto-failover. The tools say whether
 * the peer is there and are called when the role changes; role.c keeps the role on
 * disk. It never decides by itself that a peer is dead, unless --auto-failover is
 * given.
 */
#include "failover.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "state_dir.h"

static void on_auto(void *arg)
{
	struct failover *f = arg;

	log_warn(NULL, "the peer has been gone for %llu s: --auto-failover",
		 (unsigned long long)f->auto_s);
	failover_now(f);
}

/**
 * failover_init() - Read the role that this process has
 * @f:			To be filled in
 * @loop:		Its loop
 * @auto_s:		--auto-failover, seconds; 0 = off
 * @handler:		Called when the role changes; a process that starts in
 *			ROLE_FAILOVER has to look at the role. Copied
 *
 * Return: 0 or a negative errno, logged
 */
int failover_init(struct failover *f, struct loop *loop, uint64_t auto_s,
		  const struct failover_handler *handler)
{
	int err = 0;

	memset(f, 0, sizeof(*f));
	f->state_dir = loop->options->state_dir;
	f->auto_s = auto_s;
	f->handler = *handler;
	clock_timer_init(&loop->clock, &f->timer, on_auto, f);
	if (f->state_dir)
		err = role_check_dir(f->state_dir);
	if (f->state_dir && err == 0)
		err = role_read(f->state_dir, &f->role);
	if (err == -EINVAL) {
		log_error("state-dir", "%s/ROLE: neither \"colo\" nor "
			  "\"failover\"", f->state_dir);
		err = -EIO;		/* the command line was right */
	} else if (err < 0) {
		state_dir_refuse(f->state_dir, "ROLE", err);
	} else if (f->role != ROLE_COLO) {
		f->is_written = true;
		log_event("role", "%s, as %s says", role_text(f->role),
			  f->state_dir);
	}
	return err;
}

/**
 * failover_set_auto() - --auto-failover is another one now
 * @f:		The role
 * @auto_s:	Seconds; 0 = off. An absence that lasts already counts from the
 *		next one on
 */
void failover_set_auto(struct failover *f, uint64_t auto_s)
{
	if (auto_s == f->auto_s)
		return;
	f->auto_s = auto_s;
	clock_timer_stop(&f->timer);
}

/* Without a --state-dir there is nothing to write. */
static void write_failover(struct failover *f)
{
	int err;

	if (!f->state_dir)
		return;
	err = role_write(f->state_dir, ROLE_FAILOVER);
	f->is_written = err == 0;
	if (err < 0)
		log_error("state-dir", "%s: %s: a restart would forget the "
			  "failover", f->state_dir, uv_strerror(err));
}

/* It was done already. */
static void repeat(struct failover *f)
{
	bool was_written = f->is_written;

	f->done = (struct failover_done){ .text = "nothing: the role is "
						  "failover" };
	if (was_written)
		return;
	write_failover(f);
	if (f->is_written)
		snprintf(f->done.text, sizeof(f->done.text), "the role, which "
			 "was failover already, is written");
}

/**
 * failover_now() - Fail over: the role is written first, then acted on
 * @f:		The role. Its members is_written and done say what was done;
 *		calling again only writes what could not be written before
 *
 * A role that cannot be written is acted on all the same: the host that is
 * left must go on. The event says so.
 */
void failover_now(struct failover *f)
{
	if (f->role == ROLE_FAILOVER) {
		repeat(f);
		return;
	}
	clock_timer_stop(&f->timer);
	write_failover(f);
	f->role = ROLE_FAILOVER;
	f->done = (struct failover_done){ 0 };
	f->handler.on_failover(f->handler.arg, &f->done);
	log_event("failover", "done%s: %s",
		  f->state_dir && !f->is_written ? ", not written" : "",
		  f->done.text);
}

/* Return: 0, or a negative errno: the role is what it was, on the disk, too */
static int go_back(struct failover *f, char *text, size_t size)
{
	struct failover_done undone = { 0 };
	bool is_acted_on = false;
	int err;

	f->role = ROLE_COLO;
	err = f->handler.on_protect(f->handler.arg, text, size);
	if (err == 0 && f->state_dir) {
		err = role_write(f->state_dir, ROLE_COLO);
		is_acted_on = true;
	}
	if (err == 0)
		return 0;
	f->role = ROLE_FAILOVER;
	if (is_acted_on) {
		snprintf(text, size, "%s: %s", f->state_dir, uv_strerror(err));
		f->handler.on_failover(f->handler.arg, &undone);
	}
	return err;
}

/**
 * failover_protect() - There is a peer again: go back to the colo role
 * @f:		The role; in ROLE_COLO nothing is done
 * @text:	Set to what was done, or to why it cannot be
 * @size:	Of @text, bytes
 *
 * When it returns 0 the role is on the disk, if there is a --state-dir.
 *
 * Return: 0; -EOPNOTSUPP when this program has no way back; or another negative
 * errno. Then the process goes on in the failover role
 */
int failover_protect(struct failover *f, char *text, size_t size)
{
	int err;

	snprintf(text, size, "nothing: the role is colo");
	if (f->role == ROLE_COLO)
		return 0;
	if (!f->handler.on_protect) {
		snprintf(text, size, "this program has no role to go back to");
		return -EOPNOTSUPP;
	}
	err = go_back(f, text, size);
	if (err < 0)
		return err;
	f->was_up = false;
	f->is_written = f->state_dir != NULL;
	log_event("protect", "done: %s", text);
	return 0;
}

/**
 * failover_peer() - The peer whose absence means something came or went
 * @f:		The role
 * @up:		Is it there?
 */
void failover_peer(struct failover *f, bool up)
{
	if (up)
		clock_timer_stop(&f->timer);
	else if (f->was_up && f->auto_s && f->role == ROLE_COLO)
		clock_timer_start(&f->timer, f->auto_s * 1000, 0);
	f->was_up |= up;
}
