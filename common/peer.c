/* SPDX-License-Identifier: ISC */
/*
 * The owner of a TCP peer, if it is a process of this host: asked of the
 * kernel's socket table (sock_diag(7)). The answer of a socket that nobody has
 * any more, or not yet, names no owner.
 */
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TRIES 3u

/* One end of a connection; IPv4 in its v4-mapped form. */
struct end {
	uint8_t addr[16];
	uint16_t port;		/* in network order */
};

enum owner {
	OWNER_TRUSTED,		/* root or our own user */
	OWNER_OTHER,
	OWNER_UNKNOWN,		/* of this host, but nobody's any more */
	OWNER_ABROAD,		/* no socket of this host */
};

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool is_v4(const struct end *e)
{
	return !memcmp(e->addr, mapped, sizeof(mapped));
}

static bool is_loopback(const struct end *e)
{
	static const uint8_t loopback6[16] = { [15] = 1 };

	return is_v4(e) ? e->addr[12] == 127 :
			  !memcmp(e->addr, loopback6, sizeof(loopback6));
}

/* Return: false when it is not TCP over IP */
static bool end_from(struct end *e, const struct sockaddr_storage *ss)
{
	const struct sockaddr_in *sin = (const void *)ss;
	const struct sockaddr_in6 *sin6 = (const void *)ss;

	if (ss->ss_family == AF_INET6) {
		memcpy(e->addr, &sin6->sin6_addr, sizeof(e->addr));
		e->port = sin6->sin6_port;
	} else if (ss->ss_family == AF_INET) {
		memcpy(e->addr, mapped, sizeof(mapped));
		memcpy(e->addr + sizeof(mapped), &sin->sin_addr, 4);
		e->port = sin->sin_port;
	}
	return ss->ss_family == AF_INET6 || ss->ss_family == AF_INET;
}

static bool ends_of(int fd, struct end *peer, struct end *local)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);

	if (getpeername(fd, (struct sockaddr *)&ss, &len) < 0 ||
	    !end_from(peer, &ss))
		return false;
	len = sizeof(ss);
	return getsockname(fd, (struct sockaddr *)&ss, &len) == 0 &&
	       end_from(local, &ss);
}

static void put_addr(__be32 out[4], const struct end *e)
{
	if (is_v4(e))
		memcpy(out, e->addr + sizeof(mapped), 4);
	else
		memcpy(out, e->addr, 16);
}

struct request {
	struct nlmsghdr header;
	struct inet_diag_req_v2 diag;
};

/* The socket at FROM that is connected to TO, or NULL for one that listens */
static struct request request_for(const struct end *from, const struct end *to)
{
	struct request r = {
		.header = {
			.nlmsg_len = sizeof(r),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST,
		},
		.diag = {
			.sdiag_family = is_v4(from) ? AF_INET : AF_INET6,
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_states = ~0u,
			.id = {
				.idiag_sport = from->port,
				.idiag_cookie = { INET_DIAG_NOCOOKIE,
						  INET_DIAG_NOCOOKIE },
			},
		},
	};

	put_addr(r.diag.id.idiag_src, from);
	if (to) {
		r.diag.id.idiag_dport = to->port;
		put_addr(r.diag.id.idiag_dst, to);
	}
	return r;
}

/* Return: 0, -ENOENT when there is no such socket, or another negative errno */
static int ask(struct request *r, struct inet_diag_msg *msg)
{
	union {
		struct nlmsghdr header;
		char bytes[4096];
	} reply = { .bytes = "" };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	ssize_t n = -1;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (send(fd, r, sizeof(*r), 0) < 0 ||
	    (n = recv(fd, &reply, sizeof(reply), 0)) < 0)
		err = -errno;
	close(fd);
	if (err)
		return err;
	if (!NLMSG_OK(&reply.header, (size_t)n))
		return -EPROTO;
	if (reply.header.nlmsg_type == NLMSG_ERROR)
		return ((struct nlmsgerr *)NLMSG_DATA(&reply.header))->error;
	if (reply.header.nlmsg_len < NLMSG_LENGTH(sizeof(*msg)))
		return -EPROTO;
	memcpy(msg, NLMSG_DATA(&reply.header), sizeof(*msg));
	return 0;
}

static enum owner owner_of(const struct inet_diag_msg *msg)
{
	/* a socket that no process has is listed as root's */
	if (!msg->idiag_inode)
		return OWNER_UNKNOWN;
	return !msg->idiag_uid || msg->idiag_uid == geteuid() ? OWNER_TRUSTED :
								OWNER_OTHER;
}

/* For want of a connection the kernel answers with who listens at its port. */
static int ask_connected(const struct end *from, const struct end *to,
			 struct inet_diag_msg *msg)
{
	struct request r = request_for(from, to);
	int err = ask(&r, msg);

	if (err == 0 && (msg->id.idiag_sport != from->port ||
			 msg->id.idiag_dport != to->port))
		return -ENOENT;
	return err;
}

static int ask_listening(const struct end *from, struct inet_diag_msg *msg)
{
	struct request r = request_for(from, NULL);

	return ask(&r, msg);
}

/* A connection that its listener has not accepted yet is nobody's: the
 * listener's owner is meant. */
static int ask_owner(const struct end *peer, const struct end *local,
		     enum peer_end end, enum owner *owner, uid_t *uid)
{
	struct inet_diag_msg msg = { 0 };
	int err = 0;

	*owner = OWNER_UNKNOWN;
	for (unsigned i = 0; i < TRIES && *owner == OWNER_UNKNOWN; i++) {
		err = ask_connected(peer, local, &msg);
		if (err < 0)
			break;
		*owner = owner_of(&msg);
		if (*owner == OWNER_UNKNOWN && end == PEER_WAS_CALLED &&
		    ask_listening(peer, &msg) == 0)
			*owner = owner_of(&msg);
	}
	*uid = msg.idiag_uid;
	if (err == -ENOENT)
		*owner = OWNER_ABROAD;
	return err == -ENOENT ? 0 : err;
}

static void put_text(struct peer *p, const struct end *e, enum owner owner,
		     uid_t uid)
{
	char addr[INET6_ADDRSTRLEN], whose[32] = "";

	if (is_v4(e))
		inet_ntop(AF_INET, e->addr + sizeof(mapped), addr, sizeof(addr));
	else
		inet_ntop(AF_INET6, e->addr, addr, sizeof(addr));
	if (owner == OWNER_UNKNOWN)
		snprintf(whose, sizeof(whose), ", of an unknown user");
	else if (owner != OWNER_ABROAD)
		snprintf(whose, sizeof(whose), ", of user %u", (unsigned)uid);
	snprintf(p->text, sizeof(p->text), is_v4(e) ? "%s:%u%s" : "[%s]:%u%s",
		 addr, (unsigned)ntohs(e->port), whose);
}

/* The path's mode has decided already who may come. */
static void look_unix(struct peer *p, int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	snprintf(p->text, sizeof(p->text), "unknown process");
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0)
		snprintf(p->text, sizeof(p->text), "process %d, of user %u",
			 (int)cred.pid, (unsigned)cred.uid);
}

/**
 * peer_look() - Who is a peer, and may we talk to it?
 * @p:		filled
 * @fd:		a connected socket, TCP or UNIX
 * @end:	PEER_CAME if it was accepted, PEER_WAS_CALLED if we connected
 *
 * A TCP peer that is a process of this host must be root's or our own user's.
 * One that has closed its socket already cannot be asked, and is not trusted.
 */
void peer_look(struct peer *p, int fd, enum peer_end end)
{
	struct end peer, local;
	enum owner owner;
	uid_t uid;

	p->is_trusted = true;
	if (!ends_of(fd, &peer, &local)) {
		look_unix(p, fd);
		return;
	}
	if (ask_owner(&peer, &local, end, &owner, &uid) < 0 ||
	    owner == OWNER_ABROAD) {
		if (is_loopback(&peer) ||
		    !memcmp(peer.addr, local.addr, sizeof(peer.addr)))
			owner = OWNER_UNKNOWN;
		else
			owner = OWNER_ABROAD;
	}
	p->is_trusted = owner == OWNER_TRUSTED || owner == OWNER_ABROAD;
	put_text(p, &peer, owner, uid);
}
