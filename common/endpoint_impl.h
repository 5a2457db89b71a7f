/* SPDX-License-Identifier: ISC */
#ifndef COLO_ENDPOINT_IMPL_H
#define COLO_ENDPOINT_IMPL_H

#include <uv.h>

#include "endpoint.h"
#include "log.h"
#include "outq.h"
#include "peer.h"

/*
 * The inside of endpoints, seen by common/endpoint*.c only. A kind implements
 * endpoint_ops and tells endpoint_link.c what has happened.
 */
struct endpoint_ops {
	enum outq_form form;	/* OUTQ_PLAIN stands for both wire forms */
	/* begin: bind, attach or connect; 0, or negative errno: start-up fails */
	int (*open)(struct endpoint *ep);
	/* one read's worth of frames: fill, then endpoint_link_deliver() */
	void (*read)(struct endpoint *ep);
	/* write what is queued until it is gone or the kernel is full */
	void (*write)(struct endpoint *ep);
	/* instead of a queue: hand over one frame at once; or NULL */
	void (*send)(struct endpoint *ep, const struct frame *f);
	/* the wait is over, perhaps no longer needed: try again; or NULL */
	void (*retry)(struct endpoint *ep);
	/* let go of what the kind owns besides fd and poll; or NULL */
	void (*close)(struct endpoint *ep);
};

/* The events of one endpoint: of endpoint_told.c. */
struct endpoint_told {
	char peer[128];		/* who is there, or was last; "" = no events */
	char why[80];		/* it is gone */
	bool is_up;
	uint64_t since_ms;	/* when the present second began */
	unsigned n;		/* events in it */
	unsigned n_left_out;	/* since the last event */
	uv_timer_t *timer;	/* NULL until something was left out */
};

struct endpoint {
	struct endpoint_set *set;
	struct endpoint *next;	/* in it */
	char name[64];
	struct endpoint_spec spec;
	enum endpoint_mode mode;
	struct endpoint_handler handler;
	const struct endpoint_ops *ops;
	struct endpoint_counters count;

	int fd;			/* of the peer, tap or file; -1 when down */
	uv_poll_t *poll;	/* on fd; NULL for regular files */
	int poll_events;	/* what it watches */
	uv_poll_cb on_poll;	/* who is called */
	int fd_flags;		/* of an inherited fd, put back at the end; or -1 */
	bool always_ready;	/* regular files, captures: the pump reads */
	bool one_shot;		/* never comes back: stdio, files, fd:N */
	bool up;
	bool ended;		/* ENDPOINT_END was told */
	bool dead;		/* ENDPOINT_DEAD was told */
	bool closing;
	bool settled;		/* the first attempt to connect is over */
	bool want_write;	/* the kernel's buffer was full */
	bool lossy;		/* gets copies: at the end an absent peer is
				   not waited for */
	bool is_ahead;		/* a capture: what comes next is known */
	bool yields;		/* a capture: others are read before it */
	bool half_closed;	/* an output that must not be read */
	bool full;		/* its feeders are stopped */
	bool has_spoken;	/* this peer has sent something */
	int write_err;		/* a write failed; what the peer sent before
				   that is still to be read */
	unsigned n_stops;	/* endpoint_input_stop() calls outstanding */
	unsigned n_handles;	/* libuv handles not closed yet */

	struct frame_decoder decoder;
	struct outq outq;
	struct endpoint **feeders;	/* who stops while this one is full */
	unsigned n_feeders;

	uv_timer_t *retry;
	bool down_told;		/* the reason of this down time was logged */
	struct endpoint_connect *connect;	/* each private to its kind */
	struct endpoint_listen *listen;
	struct endpoint_rival *rival;	/* a second peer, or NULL */
	struct endpoint_pcap *pcap;
	struct endpoint_carrier *carrier;
	struct endpoint_watch *watches;	/* who looks on; mostly nobody */
	struct endpoint_told told;
};

extern const struct endpoint_ops endpoint_connect_ops;	/* unix, tcp */
extern const struct endpoint_ops endpoint_listen_ops;
extern const struct endpoint_ops endpoint_file_ops;	/* -, fd:N */
extern const struct endpoint_ops endpoint_tap_ops;
extern const struct endpoint_ops endpoint_packet_ops;
extern const struct endpoint_ops endpoint_pcap_ops;
extern const struct endpoint_ops endpoint_null_ops;

static inline void endpoint_tell(struct endpoint *ep, enum endpoint_event ev)
{
	if (ep->handler.on_event)
		ep->handler.on_event(ep, ev, ep->handler.arg);
}

/* Those who look on. */
void endpoint_watch_show(const struct endpoint *ep, bool is_out,
			 const struct frame *v, unsigned n);
void endpoint_watch_forget(struct endpoint *ep);

static inline void endpoint_show(const struct endpoint *ep, bool is_out,
				 const struct frame *v, unsigned n)
{
	if (__builtin_expect(ep->watches != NULL, 0))
		endpoint_watch_show(ep, is_out, v, n);
}

/* Events: a peer came, a peer went. */
void endpoint_told_peer(struct endpoint *ep, const char *text);
void endpoint_told_up(struct endpoint *ep);
void endpoint_told_lost(struct endpoint *ep, int err, const char *what);
void endpoint_told_end(struct endpoint *ep);

/* Handles: memory goes with the last one. */
void endpoint_handle_opened(struct endpoint *ep, uv_handle_t *handle);
void endpoint_handle_close(uv_handle_t *handle);
void endpoint_handle_gone(struct endpoint *ep);

/* What is waited for. */
int endpoint_poll_open(struct endpoint *ep, int fd, uv_poll_cb on_poll);
void endpoint_poll_close(struct endpoint *ep);
void endpoint_poll_update(struct endpoint *ep);
bool endpoint_poll_reads(const struct endpoint *ep);

/* The queue: back-pressure, writing. */
void endpoint_output_set_full(struct endpoint *ep, bool full);
void endpoint_output_flush(struct endpoint *ep);

/* States, moved by the kinds. */
int endpoint_link_up(struct endpoint *ep, int fd, bool pollable);
void endpoint_link_cut(struct endpoint *ep);
void endpoint_link_lost(struct endpoint *ep, int err, const char *what);
void endpoint_link_input_over(struct endpoint *ep, int err, const char *what);
void endpoint_link_output_dead(struct endpoint *ep, int err, const char *what);
void endpoint_link_settled(struct endpoint *ep);
void endpoint_link_deliver(struct endpoint *ep);
void endpoint_link_retry_later(struct endpoint *ep, int err, const char *what);
void endpoint_link_last_words(struct endpoint *ep);

/* Byte streams of any kind: one read or write. */
void endpoint_stream_read(struct endpoint *ep);
void endpoint_stream_write(struct endpoint *ep);

/* Does a device pass frames? NULL, or why not. */
int endpoint_carrier_open(struct endpoint *ep, unsigned ifindex);
void endpoint_carrier_close(struct endpoint *ep);
const char *endpoint_carrier_trouble(const struct endpoint *ep);

/* Devices: one read or write is one frame. */
int endpoint_dev_open(struct endpoint *ep, int (*open_here)(struct endpoint *));
void endpoint_dev_read(struct endpoint *ep,
		       size_t (*read_one)(struct endpoint *ep, uint8_t *room));
void endpoint_dev_write(struct endpoint *ep);
void endpoint_dev_retry(struct endpoint *ep);
void endpoint_dev_read_error(struct endpoint *ep);

/* Sockets: waiting for a peer, giving it the place, sending it away. */
#define ENDPOINT_STRANGER \
	"a process of this host must be root's or our own user's"

struct endpoint_socket {	/* connecting, or listening */
	uv_poll_t *poll;
	int fd;
};

int endpoint_socket_new(int family);
int endpoint_socket_wait(struct endpoint *ep, struct endpoint_socket *s,
			 int events, uv_poll_cb cb);
void endpoint_socket_stop(struct endpoint_socket *s);
bool endpoint_socket_is_tcp(const struct endpoint *ep);
void endpoint_socket_tcp_options(const struct endpoint *ep, int fd);
void endpoint_socket_attach(struct endpoint *ep, int fd,
			    const struct peer *peer);
void endpoint_socket_options(const struct endpoint *ep);
void endpoint_socket_refuse(struct endpoint *ep, const struct peer *peer,
			    const char *why);

/* A second peer, while the place is taken. */
void endpoint_rival_came(struct endpoint *ep, int fd, const struct peer *peer);
void endpoint_rival_end(struct endpoint *ep);

/* Captures: the time of the next frame, UINT64_MAX at the end. */
uint64_t endpoint_pcap_next_ns(const struct endpoint *ep);
void endpoint_pcap_read_until(struct endpoint *ep, uint64_t limit_ns);

#endif
