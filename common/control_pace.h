/* SPDX-License-Identifier: ISC */
#ifndef COLO_CONTROL_PACE_H
#define COLO_CONTROL_PACE_H

#include <stdint.h>

/*
 * When may requests be answered again, so that frames do not notice? Pure. A process
 * with few frames spends a twentieth of its time on answers. One that frames keep busy
 * may get only a part of a processor, and a twentieth of the time would be a tenth of
 * that: it spends a fiftieth of the processor time that it gets. No answer is put off
 * for longer than a second. What a turn took is counted in processor time, too: how long
 * the kernel let the process wait in the middle of it is not the turn's price.
 */
struct control_pace {
	uint64_t took_ns;	/* processor time of the last turn */
	uint64_t ended_ns;	/* when it ended */
	uint64_t ended_cpu_ns;	/* processor time of the process then */
};

uint64_t control_pace_wait_ns(const struct control_pace *p, uint64_t now_ns,
			      uint64_t cpu_ns);

#endif
