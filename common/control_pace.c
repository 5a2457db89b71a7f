/* SPDX-License-Identifier: ISC */
#include "control_pace.h"

#include "time.h"

#define SHARE		20u	/* of the time */
#define BUSY_SHARE	50u	/* of the processor time, of a busy process */
#define BUSY		8u	/* busy: for more than this part of the time */
#define WAIT_MIN_NS	NS_PER_MS
#define WAIT_MAX_NS	NS_PER_S	/* who asks gives up after some seconds */

static uint64_t rest(uint64_t wanted_ns, uint64_t had_ns)
{
	return wanted_ns > had_ns ? wanted_ns - had_ns : 0;
}

/**
 * control_pace_wait_ns() - How long until the next turn may begin?
 * @p:		What the last turn took
 * @now_ns:	The time
 * @cpu_ns:	Processor time of the process up to now
 *
 * Return: 0 for now; else ask again then, for it may be later still
 */
uint64_t control_pace_wait_ns(const struct control_pace *p, uint64_t now_ns,
			      uint64_t cpu_ns)
{
	uint64_t waited_ns = now_ns - p->ended_ns;
	uint64_t used_ns = cpu_ns - p->ended_cpu_ns;
	uint64_t wait_ns = p->took_ns * SHARE;

	if (waited_ns >= WAIT_MAX_NS)
		return 0;
	if (wait_ns < WAIT_MIN_NS)
		wait_ns = WAIT_MIN_NS;
	wait_ns = rest(wait_ns, waited_ns);
	if (wait_ns == 0 && used_ns > waited_ns / BUSY)
		wait_ns = rest(p->took_ns * BUSY_SHARE, used_ns);
	return wait_ns < WAIT_MAX_NS - waited_ns ? wait_ns :
						   WAIT_MAX_NS - waited_ns;
}
