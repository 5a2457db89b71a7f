/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_ANSWER_H
#define COLO_SCHEDULE_ANSWER_H

#include "../../common/packet.h"
#include "service.h"

#define ANSWER_ROOM 160u	/* bytes that answer_write() needs, tags included */

uint16_t answer_find(const struct service_set *set, const struct packet *p);
uint32_t answer_write(uint8_t *out, const struct service *svc, uint8_t *eth,
		      size_t len);

#endif
