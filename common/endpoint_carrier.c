/* SPDX-License-Identifier: ISC */
/*
 * Does a device pass frames? A descriptor of a tap or of AF_PACKET stays good when its
 * interface is set down, loses its carrier, or lives on in a network namespace that has
 * lost its name; nothing that is written arrives then, and nothing comes. Here the
 * kernel is asked, and says when it changes:
 *
 *	rtnetlink	in the device's namespace: up, carrier, gone
 *	inotify		in the directory where the namespace has its name: removed,
 *			or given to another namespace
 *
 * An interface that is down is said so and kept: it is its owner's to set it up. A
 * namespace without a name may still be a guest's: it is kept, too, until another one
 * has the name. Both descriptors are closed before the device is lost: they would keep
 * its namespace. A namespace named by a path in /proc is not watched.
 */
#include <errno.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "endpoint_impl.h"
#include "netns.h"

struct endpoint_carrier {
	struct endpoint_socket link;	/* rtnetlink */
	struct endpoint_socket name;	/* inotify; -1 in our own namespace */
	int ifindex;
	unsigned flags;			/* IFF_ */
	dev_t dev;			/* of the namespace */
	ino_t ino;
	bool is_nameless;		/* the namespace has lost its name */
};

static int ask(const struct endpoint_carrier *c)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg link;
	} request = {
		.head = { .nlmsg_len = sizeof(request),
			  .nlmsg_type = RTM_GETLINK,
			  .nlmsg_flags = NLM_F_REQUEST },
		.link = { .ifi_index = c->ifindex },
	};

	return send(c->link.fd, &request, sizeof(request), 0) < 0 ? -errno : 0;
}

/* Return: -ENODEV when the device is gone */
static int take_message(struct endpoint_carrier *c, const struct nlmsghdr *head)
{
	const struct ifinfomsg *link = NLMSG_DATA(head);
	const struct nlmsgerr *refused = NLMSG_DATA(head);

	if (head->nlmsg_type == NLMSG_ERROR)
		return refused->error == -ENODEV ? -ENODEV : 0;
	if ((head->nlmsg_type != RTM_NEWLINK &&
	     head->nlmsg_type != RTM_DELLINK) ||
	    link->ifi_index != c->ifindex || link->ifi_family != AF_UNSPEC)
		return 0;
	if (head->nlmsg_type == RTM_DELLINK)
		return -ENODEV;
	c->flags = link->ifi_flags;
	return 0;
}

/* Read what rtnetlink has said. Return: -ENODEV when the device is gone */
static int take_news(struct endpoint_carrier *c)
{
	_Alignas(struct nlmsghdr) char bytes[16384];
	int err = 0;

	for (;;) {
		ssize_t n = recv(c->link.fd, bytes, sizeof(bytes), 0);
		unsigned left = n > 0 ? (unsigned)n : 0;

		if (n < 0 && errno == ENOBUFS) {	/* some were lost */
			ask(c);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err;
		for (const struct nlmsghdr *head = (void *)bytes;
		     err == 0 && NLMSG_OK(head, left);
		     head = NLMSG_NEXT(head, left))
			err = take_message(c, head);
	}
}

/**
 * endpoint_carrier_close() - Look no more
 * @ep:		The endpoint, a device
 */
void endpoint_carrier_close(struct endpoint *ep)
{
	struct endpoint_carrier *c = ep->carrier;

	if (!c)
		return;
	endpoint_socket_stop(&c->link);
	endpoint_socket_stop(&c->name);
	free(c);
	ep->carrier = NULL;
}

static void on_news(uv_poll_t *poll, int status, int events)
{
	struct endpoint *ep = poll->data;

	(void)status;
	(void)events;
	if (take_news(ep->carrier) == 0)
		return;
	endpoint_carrier_close(ep);
	endpoint_link_lost(ep, -ENODEV, "its interface");
}

/* Names come and go in the directory: is it ours? */
static void on_names(uv_poll_t *poll, int status, int events)
{
	struct endpoint *ep = poll->data;
	struct endpoint_carrier *c = ep->carrier;
	char bytes[4096], path[NETNS_PATH_MAX];
	struct stat st;

	(void)status;
	(void)events;
	while (read(c->name.fd, bytes, sizeof(bytes)) > 0)
		;
	netns_path(ep->spec.netns, path);
	c->is_nameless = stat(path, &st) != 0;
	if (c->is_nameless || (st.st_dev == c->dev && st.st_ino == c->ino))
		return;
	endpoint_carrier_close(ep);
	endpoint_link_lost(ep, 0, "its network namespace is another one now");
}

/* Return: a descriptor or a negative errno */
static int watch_names(const char *netns)
{
	char path[NETNS_PATH_MAX];
	int err, fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd < 0)
		return -errno;
	netns_path(netns, path);
	*strrchr(path, '/') = '\0';
	if (inotify_add_watch(fd, *path ? path : "/", IN_CREATE | IN_DELETE |
			      IN_MOVED_FROM | IN_MOVED_TO) >= 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* The kernel allows each user 128 inotify descriptors: frames pass without, too. */
static int open_names(struct endpoint *ep, struct endpoint_carrier *c)
{
	if (!ep->spec.netns[0])
		return 0;
	c->name.fd = watch_names(ep->spec.netns);
	if (c->name.fd >= 0)
		return endpoint_socket_wait(ep, &c->name, UV_READABLE, on_names);
	log_warn(ep->name, "%s: nobody will tell when its network namespace is "
		 "removed: %s", ep->spec.text, uv_strerror(c->name.fd));
	return 0;
}

static int open_link(struct endpoint *ep, struct endpoint_carrier *c)
{
	const struct sockaddr_nl all_links = { .nl_family = AF_NETLINK,
					       .nl_groups = RTMGRP_LINK };
	int err;

	c->link.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
			    NETLINK_ROUTE);
	if (c->link.fd < 0 || bind(c->link.fd, (const void *)&all_links,
				   sizeof(all_links)) < 0)
		return -errno;
	err = ask(c);			/* the kernel answers at once */
	if (err == 0)
		err = take_news(c);
	return err < 0 ? err : endpoint_socket_wait(ep, &c->link, UV_READABLE,
						    on_news);
}

/**
 * endpoint_carrier_open() - Look at a device from now on
 * @ep:		The endpoint
 * @ifindex:	Of its interface, in the namespace that the process is in now
 *
 * Return: 0 or a negative errno
 */
int endpoint_carrier_open(struct endpoint *ep, unsigned ifindex)
{
	struct endpoint_carrier *c = calloc(1, sizeof(*c));
	struct stat st;
	int err;

	if (!c)
		abort();
	ep->carrier = c;
	c->link.fd = c->name.fd = -1;
	c->ifindex = (int)ifindex;
	err = stat("/proc/self/ns/net", &st) < 0 ? -errno : 0;
	if (err == 0) {
		c->dev = st.st_dev;
		c->ino = st.st_ino;
		err = open_names(ep, c);
	}
	if (err == 0)
		err = open_link(ep, c);
	if (err < 0)
		endpoint_carrier_close(ep);
	return err;
}

/**
 * endpoint_carrier_trouble() - Why do no frames pass?
 * @ep:		Any endpoint, up
 *
 * Return: as said of its name, or NULL when they pass
 */
const char *endpoint_carrier_trouble(const struct endpoint *ep)
{
	const struct endpoint_carrier *c = ep->carrier;

	if (!c)
		return NULL;
	if (c->is_nameless)
		return "is in a network namespace that was removed";
	if (!(c->flags & IFF_UP))
		return "is down";
	return c->flags & IFF_LOWER_UP ? NULL : "has no carrier";
}
