/* SPDX-License-Identifier: ISC */
/*
 * Reads regular files, which epoll does not take, and captures, in the order of
 * their packets' times. While there is something to read, or with --busy-poll a
 * frame came lately, an idle handle keeps the loop from sleeping.
 */
#include "endpoint_pump.h"

#include <sched.h>
#include <sys/resource.h>

#include "endpoint_impl.h"

/* The capture whose next frame is the oldest, and the time of the oldest frame of
 * all others: until then this capture is read. A stopped one counts, too, so that
 * the others wait for it: their time must not pass its own. */
static struct endpoint *oldest_of(const struct endpoint_set *set, bool yields,
				  uint64_t *until_ns)
{
	struct endpoint *oldest = NULL;
	uint64_t best = UINT64_MAX;

	*until_ns = UINT64_MAX;
	for (struct endpoint *ep = set->first; ep; ep = ep->next) {
		uint64_t next_ns;

		if (!ep->pcap || ep->mode != ENDPOINT_READ || ep->ended ||
		    ep->yields != yields)
			continue;
		if (!ep->is_ahead)	/* it may be the oldest */
			return ep;
		next_ns = endpoint_pcap_next_ns(ep);
		if (!oldest || next_ns < best) {
			*until_ns = best;
			best = next_ns;
			oldest = ep;
		} else if (next_ns < *until_ns) {
			*until_ns = next_ns;
		}
	}
	return oldest;
}

static struct endpoint *oldest_capture(const struct endpoint_set *set,
				       uint64_t *until_ns)
{
	struct endpoint *ep = oldest_of(set, false, until_ns);

	return ep ? ep : oldest_of(set, true, until_ns);
}

static bool needs_pump(const struct endpoint_set *set)
{
	uint64_t until_ns;
	const struct endpoint *capture = oldest_capture(set, &until_ns);

	if (capture && capture->is_ahead && endpoint_poll_reads(capture))
		return true;
	for (struct endpoint *ep = set->first; ep; ep = ep->next) {
		if (ep->always_ready && !ep->pcap && endpoint_poll_reads(ep))
			return true;
	}
	return false;
}

static void on_idle(uv_idle_t *idle)
{
	const struct endpoint_set *set = idle->data;
	uint64_t until_ns;
	struct endpoint *capture = oldest_capture(set, &until_ns);
	struct endpoint *next;

	if (capture && capture->is_ahead && endpoint_poll_reads(capture))
		endpoint_pcap_read_until(capture, until_ns);
	for (struct endpoint *ep = set->first; ep; ep = next) {
		next = ep->next;
		if (ep->always_ready && !ep->pcap && endpoint_poll_reads(ep))
			ep->ops->read(ep);
	}
}

/* How often was our processor given to another who wanted it? */
static uint64_t preempted(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);	/* cannot fail */
	return (uint64_t)usage.ru_nivcsw;
}

/* Something came lately: the next is here sooner than the kernel wakes us. */
static bool is_busy(struct endpoint_pump *p)
{
	uint64_t n_in = 0;

	if (!p->spin.us)
		return false;
	for (const struct endpoint *ep = p->set->first; ep; ep = ep->next)
		n_in += ep->count.in;
	return spin_goes_on(&p->spin, n_in, uv_hrtime(), preempted);
}

/**
 * endpoint_pump_init() - A pump that does not run yet
 * @p:		To be filled in; must live until the loop has run dry
 * @set:	What it reads; borrowed
 */
void endpoint_pump_init(struct endpoint_pump *p, struct endpoint_set *set)
{
	*p = (struct endpoint_pump){ .set = set };
	uv_idle_init(set->uv, &p->idle);
	p->idle.data = set;
}

/**
 * endpoint_pump_spin() - Set how long the loop does not sleep after a frame
 * @p:		The pump
 * @us:		microseconds, or SPIN_AUTO: --busy-poll
 */
void endpoint_pump_spin(struct endpoint_pump *p, uint64_t us)
{
	cpu_set_t ours;
	bool is_known = sched_getaffinity(0, sizeof(ours), &ours) == 0;

	spin_init(&p->spin, us, is_known ? (unsigned)CPU_COUNT(&ours) : 1);
}

/**
 * endpoint_pump_update() - Let the pump run if there is something for it
 * @p:		The pump; the loop is about to poll
 */
void endpoint_pump_update(struct endpoint_pump *p)
{
	bool runs = needs_pump(p->set) || is_busy(p);

	if (runs && !p->runs)
		uv_idle_start(&p->idle, on_idle);
	else if (!runs && p->runs)
		uv_idle_stop(&p->idle);
	p->runs = runs;
}

/**
 * endpoint_pump_close() - Read nothing any more
 * @p:		The pump
 */
void endpoint_pump_close(struct endpoint_pump *p)
{
	uv_close((uv_handle_t *)&p->idle, NULL);
}
