/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_LIVE_OPTIONS_H
#define COLO_COMPARE_LIVE_OPTIONS_H

#include "../../common/endpoint_spec.h"
#include "../../common/option.h"
#include "../diff/diff_from.h"
#include "../diff/ignore.h"
#include "checkpoint.h"

/*
 * The command line: what options there are, and which go together. main.c has
 * it read; after that only `set` over the control socket changes some numbers.
 * live_learn.c changes a copy.
 */
enum live_quarantine { LIVE_QUARANTINE_HOLD, LIVE_QUARANTINE_OFF };
enum live_non_ip { LIVE_NON_IP_RELEASE, LIVE_NON_IP_COMPARE };
enum live_markers { LIVE_MARKERS_OFF, LIVE_MARKERS_ON };
enum live_align { LIVE_ALIGN_START, LIVE_ALIGN_ABSOLUTE };
enum live_isn { LIVE_ISN_OWN, LIVE_ISN_TRANSLATED };
enum live_pair { LIVE_PAIR_ORDER, LIVE_PAIR_TUPLE };

enum live_color { LIVE_COLOR_AUTO, LIVE_COLOR_ALWAYS, LIVE_COLOR_NEVER };

#define LIVE_OPTIONS_AT_END_MS UINT64_MAX	/* a packet waits to the end of
						   the captures */

struct live_options {
	struct option_common common;
	struct endpoint_spec primary_in, secondary_in, outdev, notify_dev;
	bool notify_plain;
	uint64_t timeout_ms, reorder_ms;	/* or LIVE_OPTIONS_AT_END_MS */
	uint64_t scan_ms;
	struct checkpoint_pace pace;
	unsigned quarantine;		/* enum live_quarantine */
	uint64_t max_queue, max_bytes, max_flows;
	uint64_t max_flow_bytes, max_client_bytes;
	unsigned ack_policy;		/* enum compare_ack_policy */
	uint64_t auto_failover_s;
	unsigned markers;		/* enum live_markers */
	unsigned non_ip;		/* enum live_non_ip */
	bool dry_run;

	/* for captures only */
	unsigned align, isn, pair;	/* enum live_align, _isn, _pair */
	bool l2, l3;
	bool is_quiet;
	uint64_t max_told;	/* differences; 0: all */
	bool has_hex;
	unsigned color;		/* enum live_color */
	bool timeout_is_set;
	struct option_list map_port;

	const char *secondary_name;	/* of the endpoint, in messages */

	/* of a report */
	const char *report, *diff_pcap;
	struct option_list learn;

	/* text that is read once more, and what it says */
	const char *checkpoint, *from;
	struct option_list ignore;
	struct checkpoint_choice choice;
	struct diff_from service;
	struct ignore noise;
};

enum option_result live_options_parse(struct live_options *o, int argc,
				      char **argv);
bool live_options_is_capture(const struct live_options *o);
struct live_options live_options_quiet(const struct live_options *o);
bool live_options_is_rereadable(const struct live_options *o);
int live_options_ports(const char *text, uint16_t ports[2]);

#endif
