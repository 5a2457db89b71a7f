/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_ACK_H
#define COLO_COMPARE_ACK_H

#include <stdint.h>

#include "../../common/frame.h"
#include "../../common/packet.h"

bool ack_is_signed(uint8_t *tcp);
void ack_lower(const struct frame *f, unsigned l4_off, uint32_t ack,
	       uint16_t window);
void ack_echo(const struct frame *f, unsigned l4_off, const struct packet *of);
bool ack_time(uint8_t *tcp, uint32_t *tsval);
void ack_set_time(const struct frame *f, unsigned l4_off, uint32_t tsval);
void ack_make(struct frame *f, const struct frame *from, uint32_t seq,
	      uint32_t ack, uint16_t window);
struct packet ack_cut(struct frame *f, struct frame *from, uint32_t len);
struct packet ack_part(struct frame *f, const struct frame *from, uint32_t at,
		       uint32_t len);

#endif
