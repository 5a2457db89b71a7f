/* SPDX-License-Identifier: ISC */
#ifndef COLO_ENDPOINT_TYPES_H
#define COLO_ENDPOINT_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cidr.h"

/* What the text of an endpoint says: KIND:ARGUMENTS[,OPTION...], socat's grammar. */
enum endpoint_kind {
	ENDPOINT_UNSET,		/* no such endpoint was given */
	ENDPOINT_UNIX,		/* unix:PATH */
	ENDPOINT_UNIX_LISTEN,	/* unix-listen:PATH */
	ENDPOINT_TCP,		/* tcp:HOST:PORT */
	ENDPOINT_TCP_LISTEN,	/* tcp-listen:HOST:PORT */
	ENDPOINT_FD,		/* fd:N */
	ENDPOINT_TAP,		/* tap:IFNAME */
	ENDPOINT_PACKET,	/* packet:IFNAME */
	ENDPOINT_PCAP,		/* pcap:FILE */
	ENDPOINT_NULL,		/* null: */
	ENDPOINT_STDIO,		/* - */
};

enum endpoint_queue {		/* QEMU's netfilter property "queue" */
	QUEUE_UNSET,
	QUEUE_TX,		/* towards the guest */
	QUEUE_RX,		/* from the guest */
	QUEUE_ALL,
};

#define ENDPOINT_ALLOW_MAX 16

struct endpoint_spec {
	const char *text;	/* as given; borrowed */
	enum endpoint_kind kind;
	char target[256];	/* path, file, host or interface */
	char port[32];		/* TCP */
	int fd;			/* fd:N */
	enum endpoint_queue queue;
	bool vnet_set;		/* vnet-hdr was given; else the tool's default */
	uint8_t vnet_len;	/* 0 = plain, else 10 or 12 */
	bool plain_out;		/* written plain all the same: notify_dev */
	bool from_start;	/* pcap: 1 s is the time of its first packet */
	bool takes_any;		/* pcap: what is no frame is handed on, too */
	uint32_t reconnect_ms;	/* 0 = never */
	size_t send_buffer;	/* bytes queued before its feeders stop */
	mode_t mode;		/* of a unix-listen path */
	char netns[64];		/* tap, packet */
	struct cidr allow[ENDPOINT_ALLOW_MAX];
	unsigned n_allow;
	unsigned keepalive_s;	/* TCP */
	unsigned user_timeout_s;
};

#endif
