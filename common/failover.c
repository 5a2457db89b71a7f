/* SPDX-License-Identifier: ISC */
/*
 * The role of this process, and the timer of --auto-failover. The tools say whether
 * the peer is there and are called when the role changes; role.c keeps the role on
 * disk. It never decides by itself that a peer is dead, unless --auto-failover is
 * given.
 */
#include "failover.h"

#include <errno.h>
#include <string.h>

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
 * @on_failover:	Called once, when the role changes; a process that
 *			starts in ROLE_FAILOVER has to look at the role
 * @arg:		For @on_failover
 *
 * Return: 0 or a negative errno, logged
 */
int failover_init(struct failover *f, struct loop *loop, uint64_t auto_s,
		  void (*on_failover)(void *arg), void *arg)
{
	int err = 0;

	memset(f, 0, sizeof(*f));
	f->state_dir = loop->options->state_dir;
	f->auto_s = auto_s;
	f->on_failover = on_failover;
	f->arg = arg;
	clock_timer_init(&loop->clock, &f->timer, on_auto, f);
	if (f->state_dir)
		err = role_check_dir(f->state_dir);
	if (f->state_dir && err == 0)
		err = role_read(f->state_dir, &f->role);
	if (err == -EINVAL) {
		log_error("state-dir", "%s/ROLE: neither \"colo\" nor "
			  "\"failover\"", f->state_dir);
		err = -EIO;		/* the command line was right */
	} else if (err == -EPERM) {
		log_error("state-dir", "%s/ROLE: not a file that only we can "
			  "have written", f->state_dir);
	} else if (err < 0) {
		log_error("state-dir", "%s: %s", f->state_dir,
			  uv_strerror(err));
	} else if (f->role != ROLE_COLO) {
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

/**
 * failover_now() - Fail over: the role is written first, then acted on
 * @f:		The role; calling again does nothing
 *
 * A role that cannot be written is acted on all the same: the host that is
 * left must go on. The event says so.
 */
void failover_now(struct failover *f)
{
	int err = 0;

	if (f->role == ROLE_FAILOVER)
		return;
	clock_timer_stop(&f->timer);
	if (f->state_dir)
		err = role_write(f->state_dir, ROLE_FAILOVER);
	if (err < 0)
		log_error("state-dir", "%s: %s: a restart would forget the "
			  "failover", f->state_dir, uv_strerror(err));
	f->role = ROLE_FAILOVER;
	f->on_failover(f->arg);
	log_event("failover", "done%s", err < 0 ? ", not written" : "");
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
