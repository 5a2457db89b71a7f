/* SPDX-License-Identifier: ISC */
#ifndef COLO_PEER_H
#define COLO_PEER_H

#include <stdbool.h>

/*
 * Who is at the other end of a socket? Any user of this host can connect to a
 * TCP port of its loopback, or listen on one in the place of a dead process.
 */
enum peer_end { PEER_CAME, PEER_WAS_CALLED };

struct peer {
	bool is_trusted;	/* from afar, or root's, or our own user's */
	char text[128];		/* its address or process, and user, for messages */
};

void peer_look(struct peer *peer, int fd, enum peer_end end);

#endif
