/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_TUPLE_H
#define COLO_SCHEDULE_TUPLE_H

#include "../../common/packet.h"
#include "types.h"

/* What may begin a connection, by its protocol. */
enum tuple_kind {
	TUPLE_OTHER,		/* no protocol that is scheduled */
	TUPLE_SHORT,		/* one, but its header is cut or wrong */
	TUPLE_TCP,
	TUPLE_UDP,
	TUPLE_QUERY,		/* ICMP: a request */
	TUPLE_REPLY,		/* ICMP: the answer to one */
};

enum tuple_kind tuple_kind(const struct packet *p);
void tuple_of(struct flow_key *key, const struct packet *p, bool from_guest);
bool tuple_fragment(struct flow_key *key, const struct packet *p);
void tuple_template(struct flow_key *key, const struct flow_key *conn,
		    const struct service *svc);
bool tuple_is_template(const struct flow_key *key);

#endif
