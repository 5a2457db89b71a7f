/* SPDX-License-Identifier: ISC */
/*
 * What keeps the loop from sleeping. What is read without being polled: regular
 * files, which epoll does not take, and captures, in the order of their packets'
 * times. And, with --busy-poll, a frame that came lately.
 */
#include <uv.h>

#include "endpoint_impl.h"
#include "loop.h"

/* Of the captures, the one whose next frame is the oldest, and until when
 * it is that. One that is stopped holds the others: time cannot go on. */
static struct endpoint *oldest_of(const struct loop *loop, bool yields,
				  uint64_t *until_ns)
{
	struct endpoint *oldest = NULL;
	uint64_t best = UINT64_MAX;

	*until_ns = UINT64_MAX;
	for (struct endpoint *ep = loop->endpoints; ep; ep = ep->next) {
		uint64_t next_ns;

		if (!ep->pcap || ep->mode != ENDPOINT_READ || ep->ended ||
		    ep->yields != yields)
			continue;
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

static struct endpoint *oldest_capture(const struct loop *loop,
				       uint64_t *until_ns)
{
	struct endpoint *ep = oldest_of(loop, false, until_ns);

	return ep ? ep : oldest_of(loop, true, until_ns);
}

static bool needs_pump(const struct loop *loop)
{
	uint64_t until_ns;
	const struct endpoint *capture = oldest_capture(loop, &until_ns);

	if (capture && endpoint_is_reading(capture))
		return true;
	for (struct endpoint *ep = loop->endpoints; ep; ep = ep->next) {
		if (ep->always_ready && !ep->pcap && endpoint_is_reading(ep))
			return true;
	}
	return false;
}

static void on_pump(uv_idle_t *pump)
{
	struct loop *loop = pump->data;
	uint64_t until_ns;
	struct endpoint *capture = oldest_capture(loop, &until_ns);
	struct endpoint *next;

	if (capture && endpoint_is_reading(capture))
		endpoint_pcap_read_until(capture, until_ns);
	for (struct endpoint *ep = loop->endpoints; ep; ep = next) {
		next = ep->next;
		if (ep->always_ready && !ep->pcap && endpoint_is_reading(ep))
			ep->ops->read(ep);
	}
}

/* Something came lately: the next is here sooner than the kernel wakes us. */
static bool is_busy(struct loop *loop)
{
	uint64_t n_in = 0;

	if (!loop->options->busy_poll)
		return false;
	for (const struct endpoint *ep = loop->endpoints; ep; ep = ep->next)
		n_in += ep->count.in;
	if (n_in != loop->n_in) {
		loop->n_in = n_in;
		loop->busy_until_ns = uv_hrtime() +
				      loop->options->busy_poll * 1000;
	}
	return uv_hrtime() < loop->busy_until_ns;
}

/**
 * loop_pump_init() - Prepare the pump
 * @loop:	The loop; its uv is ready
 */
void loop_pump_init(struct loop *loop)
{
	uv_idle_init(&loop->uv, &loop->pump);
	loop->pump.data = loop;
}

/**
 * loop_pump_update() - Let the pump run if there is something for it
 * @loop:	The loop, before it polls
 */
void loop_pump_update(struct loop *loop)
{
	bool pump = needs_pump(loop) || is_busy(loop);

	if (pump && !loop->pumping)
		uv_idle_start(&loop->pump, on_pump);
	else if (!pump && loop->pumping)
		uv_idle_stop(&loop->pump);
	loop->pumping = pump;
}
