/* SPDX-License-Identifier: ISC */
/*
 * The wheel of timers: slots of WHEEL_TICK_NS, in which connections are chained by number,
 * index + 1. conn.c says when a slot has come. The state is in struct conn_table.
 */
#include "wheel.h"

static struct conn *at_number(const struct conn_table *t, uint32_t number)
{
	return flow_at(t->flows, number - 1);
}

/**
 * wheel_unlink() - Take a connection out of its slot
 * @t:	table
 * @c:	connection
 */
void wheel_unlink(struct conn_table *t, struct conn *c)
{
	if (c->prev)
		at_number(t, c->prev)->next = c->next;
	else
		t->wheel[c->slot] = c->next;
	if (c->next)
		at_number(t, c->next)->prev = c->prev;
}

/**
 * wheel_ticks() - How many ticks from now a deadline is looked at
 * @t:			table
 * @deadline_ns:	time
 *
 * Return: 1 or more; the wheel's end when the deadline is farther away
 */
uint64_t wheel_ticks(const struct conn_table *t, uint64_t deadline_ns)
{
	uint64_t tick = deadline_ns / WHEEL_TICK_NS + 1;

	if (tick <= t->tick)
		return 1;
	return tick - t->tick < WHEEL_SLOTS ? tick - t->tick : WHEEL_SLOTS - 1;
}

/**
 * wheel_link() - Put a connection into the slot of its deadline
 * @t:	table
 * @c:	connection that is in no slot
 */
void wheel_link(struct conn_table *t, struct conn *c)
{
	uint32_t number = flow_index(t->flows, c) + 1;
	uint64_t ticks = wheel_ticks(t, c->deadline_ns);

	c->slot = (uint16_t)((t->tick + ticks) % WHEEL_SLOTS);
	c->prev = 0;
	c->next = t->wheel[c->slot];
	if (c->next)
		at_number(t, c->next)->prev = number;
	t->wheel[c->slot] = number;
}
