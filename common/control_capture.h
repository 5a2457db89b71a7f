/* SPDX-License-Identifier: ISC */
#ifndef COLO_CONTROL_CAPTURE_H
#define COLO_CONTROL_CAPTURE_H

#include "control.h"
#include "endpoint.h"

/*
 * The method `capture`: the frames of a link as pcapng, for a client of the
 * control socket. What a client is too slow for is lost to it, and counted: a
 * link never waits.
 */
#define CONTROL_CAPTURE_PARAMS                                                 \
	{ { "link", CONTROL_TEXT, false }, { "filter", CONTROL_TEXT, true } }

int control_capture_begin(const struct endpoint_set *set,
			  struct control_call *call);

#endif
