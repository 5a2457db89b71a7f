/* SPDX-License-Identifier: ISC */
#ifndef COLO_CAPTURE_IN_H
#define COLO_CAPTURE_IN_H

#include <stdio.h>

#include "pcapng_in.h"

#define CAPTURE_IN_ERROR_MAX 320	/* PCAP_ERRBUF_SIZE and more */

struct capture_in;

struct capture_in *capture_in_open(const char *path, char *err);
int capture_in_fd(const struct capture_in *in);
void capture_in_fill(struct capture_in *in);
int capture_in_next(struct capture_in *in, struct pcapng_in_packet *packet);
const char *capture_in_error(const struct capture_in *in);
int capture_in_linktype(const struct capture_in *in);
FILE *capture_in_file(const struct capture_in *in);
void capture_in_close(struct capture_in *in);

#endif
