/* SPDX-License-Identifier: ISC */
/*
 * The states of a connection, as IPVS has them for connections whose two
 * directions it sees: the flags of a segment and its direction lead from one to
 * the next. No sequence number and no window is looked at. There is no state
 * here but constants.
 */
#include "state.h"

#include <strings.h>

#include "../../common/packet.h"

#define NO STATE_NONE
#define ES STATE_ESTABLISHED
#define SS STATE_SYN_SENT
#define SR STATE_SYN_RECV
#define FW STATE_FIN_WAIT
#define TW STATE_TIME_WAIT
#define CL STATE_CLOSE
#define CW STATE_CLOSE_WAIT
#define LA STATE_LAST_ACK
#define LI STATE_LISTEN
#define SA STATE_SYNACK

enum event { SYN, ACK, FIN, RST, EVENTS };

/* From the net, then from the guest: SYN ACK FIN RST. */
static const uint8_t next[STATE_SYNACK + 1][2][EVENTS] = {
	[NO] = { { SR, CL, CL, CL }, { SS, ES, TW, CL } },
	[ES] = { { ES, ES, CW, CL }, { ES, ES, FW, CL } },
	[SS] = { { ES, SS, SS, CL }, { SS, SS, SS, SS } },
	[SR] = { { SR, ES, TW, SR }, { SR, ES, TW, CL } },
	[FW] = { { SR, FW, TW, CL }, { SS, FW, FW, CL } },
	[TW] = { { SR, TW, TW, CL }, { SS, TW, TW, TW } },
	[CL] = { { SR, CL, CL, CL }, { SS, CL, CL, CL } },
	[CW] = { { SR, CW, CW, CL }, { SS, CW, TW, CL } },
	[LA] = { { SR, CL, LA, LA }, { SS, LA, LA, CL } },
	[LI] = { { SR, LI, LI, LI }, { LI, ES, LI, CL } },
	[SA] = { { SR, ES, TW, SR }, { SR, ES, TW, CL } },
};

/* Names as ipvsadm -c prints them, and IPVS's seconds. */
static const struct {
	const char *name;
	uint32_t timeout_s;
} states[STATES] = {
	[NO] = { "NONE", 2 },
	[ES] = { "ESTABLISHED", 900 },
	[SS] = { "SYN_SENT", 120 },
	[SR] = { "SYN_RECV", 60 },
	[FW] = { "FIN_WAIT", 120 },
	[TW] = { "TIME_WAIT", 120 },
	[CL] = { "CLOSE", 10 },
	[CW] = { "CLOSE_WAIT", 60 },
	[LA] = { "LAST_ACK", 30 },
	[LI] = { "LISTEN", 120 },
	[SA] = { "SYNACK", 120 },
	[STATE_UDP_ONE_WAY] = { "UDP_ONE_WAY", 300 },
	[STATE_UDP] = { "UDP", 300 },
	[STATE_ICMP] = { "ICMP", 60 },
	[STATE_TEMPLATE] = { "TEMPLATE", 360 },
};

/**
 * state_next() - Where a TCP segment leads
 * @from:		state, one of TCP's
 * @tcp_flags:		of the segment; RST counts before SYN, FIN and ACK, and
 *			one without any of them closes
 * @from_guest:		its direction
 *
 * Return: the next state
 */
enum state state_next(enum state from, uint8_t tcp_flags, bool from_guest)
{
	enum event event;

	if (tcp_flags & TCP_RST)
		event = RST;
	else if (tcp_flags & TCP_SYN)
		event = SYN;
	else if (tcp_flags & TCP_FIN)
		event = FIN;
	else if (tcp_flags & TCP_ACK)
		event = ACK;
	else
		return STATE_CLOSE;
	return (enum state)next[from][from_guest][event];
}

/**
 * state_is_closed() - May the next SYN belong to another connection?
 * @state:	state
 */
bool state_is_closed(enum state state)
{
	return state == TW || state == CL || state == LA;
}

/**
 * state_list() - Which list connections of a state are on
 * @state:	state
 *
 * Return: one of the CONN_LIST_*
 */
unsigned state_list(enum state state)
{
	switch (state) {
	case NO:
	case TW:
	case CL:
	case LA:
		return CONN_LIST_CLOSED;
	case SS:
	case SR:
	case SA:
	case LI:
		return CONN_LIST_HALF_OPEN;
	case STATE_UDP_ONE_WAY:
	case STATE_ICMP:
		return CONN_LIST_ONE_WAY;
	case STATE_TEMPLATE:
		return CONN_LIST_TEMPLATE;
	default:
		return CONN_LIST_LASTING;
	}
}

/**
 * state_name() - The name of a state
 * @state:	state
 *
 * Return: static text
 */
const char *state_name(enum state state)
{
	return states[state].name;
}

/**
 * state_find() - Which state has a name
 * @name:	as state_name() says it, in any case of letters
 * @state:	set when there is one
 */
bool state_find(const char *name, enum state *state)
{
	for (unsigned i = 0; i < STATES; i++)
		if (!strcasecmp(states[i].name, name)) {
			*state = (enum state)i;
			return true;
		}
	return false;
}

/**
 * state_timeout_s() - After how long without a frame it ends, by default
 * @state:	state
 *
 * Return: seconds
 */
uint32_t state_timeout_s(enum state state)
{
	return states[state].timeout_s;
}
