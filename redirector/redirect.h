/* SPDX-License-Identifier: ISC */
#ifndef COLO_REDIRECT_H
#define COLO_REDIRECT_H

#include <stdbool.h>

#include "../common/drop.h"
#include "../common/endpoint_spec.h"
#include "../common/role.h"

/* Which way does a frame go? Pure: no frame is touched, no clock is read. */
enum redirect_from {
	REDIRECT_FROM_NET,
	REDIRECT_FROM_GUEST,
	REDIRECT_FROM_INDEV,
};

enum redirect_when_down {
	REDIRECT_BLOCK,			/* hold for a while, then pass */
	REDIRECT_PASS,
	REDIRECT_DROP,
};

enum redirect_outdev {
	REDIRECT_UP,
	REDIRECT_HOLDING,		/* down, and within the grace */
	REDIRECT_PASSING,		/* down for longer: uncompared */
	REDIRECT_DROPPING,
};

struct redirect {
	bool has_indev, has_outdev;
	enum endpoint_queue indev_queue, outdev_queue;
	bool exclusive;
	bool is_off;			/* nothing is diverted */
	enum redirect_when_down when_down;
	enum role role;
	enum redirect_outdev outdev;	/* while has_outdev */
};

struct redirect_route {
	bool net, guest, outdev;	/* where to; more than one is a copy */
	enum drop drop;
};

struct redirect_route redirect_route(const struct redirect *r,
				     enum redirect_from from);
bool redirect_is_for_outdev(const struct redirect *r, enum redirect_from from);
enum redirect_outdev redirect_outdev_down(const struct redirect *r);

#endif
