/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_NOTIFY_H
#define COLO_COMPARE_NOTIFY_H

#include <stdint.h>

#include "../../common/endpoint.h"

/*
 * notify-dev: QEMU's Xen protocol, in which colo-compare asks for a checkpoint
 * and is told when one was made. Each message is one frame of ASCII. checkpoint.c
 * uses it; nothing is repeated here, and no answer is waited for.
 */
struct notify {			/* zeroed: there is no notify-dev */
	struct endpoint *ep;
	uint64_t n_sent, n_received;	/* messages */
	void (*on_made)(void *arg);	/* a checkpoint was made */
	void *arg;
};

int notify_open(struct notify *n, struct endpoint_set *set,
		const struct endpoint_spec *spec);
void notify_ask(struct notify *n);

#endif
