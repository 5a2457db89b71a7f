/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_DIFF_PCAP_H
#define COLO_COMPARE_DIFF_PCAP_H

#include "diff_clock.h"
#include "diff_found.h"

/*
 * --diff-pcap: a pcapng file of the packets that differ, for Wireshark. Its two
 * interfaces are the two sides; the comments of a packet say what differs.
 * Two packets that differ in many places are written once: the last pair is
 * kept in memory until another one comes. As a ring, only the last differences
 * are on the disk, each at once, in two files.
 */
struct diff_pcap;

int diff_pcap_open(struct diff_pcap **out, const char *path,
		   uint64_t ring_bytes);
int diff_pcap_add(struct diff_pcap *p, const struct diff_clock *clock,
		  const struct diff_found *f);
int diff_pcap_close(struct diff_pcap *p);

#endif
