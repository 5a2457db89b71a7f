/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_LIVE_H
#define COLO_COMPARE_LIVE_H

#include "../../common/failover.h"
#include "../../common/flow.h"
#include "../../common/option.h"
#include "blame.h"
#include "checkpoint.h"
#include "../core/compare.h"
#include "../diff/diff.h"
#include "epoch.h"
#include "progress.h"

struct live_options {
	struct option_common common;
	struct endpoint_spec primary_in, secondary_in, outdev, notify_dev;
	bool notify_plain;
	uint64_t timeout_ms, scan_ms, reorder_ms;
	struct checkpoint_pace pace;
	unsigned quarantine;		/* enum live_quarantine */
	uint64_t max_queue, max_bytes, max_flows;
	uint64_t max_flow_bytes, max_client_bytes;
	unsigned ack_policy;		/* enum compare_ack_policy */
	uint64_t auto_failover_s;
	const char *checkpoint;
	unsigned markers;		/* LIVE_MARKERS_* */
	bool dry_run;
	unsigned non_ip;		/* enum live_non_ip */
	/* of captures */
	unsigned align, isn, pair;	/* enum live_align, _isn, _pair */
	bool l2, l3;
	bool timeout_is_set;
	const char *from, *report, *diff_pcap;
	struct option_list ignore, learn;
};

#define LIVE_AT_END_MS UINT64_MAX	/* of captures: timeout_ms, reorder_ms */

#define LIVE_QUARANTINE_MS 10000	/* until a flow in it may ask once */

enum live_quarantine { LIVE_QUARANTINE_HOLD, LIVE_QUARANTINE_OFF };
enum live_non_ip { LIVE_NON_IP_RELEASE, LIVE_NON_IP_COMPARE };
enum live_markers { LIVE_MARKERS_OFF, LIVE_MARKERS_ON };
enum live_align { LIVE_ALIGN_START, LIVE_ALIGN_ABSOLUTE };
enum live_isn { LIVE_ISN_OWN, LIVE_ISN_TRANSLATED };
enum live_pair { LIVE_PAIR_ORDER, LIVE_PAIR_TUPLE };

/* A request of a flow in quarantine: it goes out when no other one does. */
struct live_deferred {
	struct clock_timer timer;
	bool is_armed;
	enum compare_reason reason;
	struct flow_key key;
	char flow[FLOW_TEXT_MAX];
};

/* What has left uncompared since that was told. */
struct live_uncompared {
	uint64_t frames, bytes;
	const char *why;		/* it left lastly; static text */
	uint64_t told_ns;
};

/* The process: endpoints and a clock around the comparison. */
struct live {
	const struct live_options *options;
	struct loop loop;
	struct failover failover;
	struct checkpoint checkpoint;
	struct compare *compare;
	struct endpoint *primary_in, *secondary_in, *outdev;
	struct clock_timer scan, due, marker_wait;
	uint64_t due_ns;		/* what `due` is armed for */
	uint64_t timeout_ns;
	bool is_stopped;		/* primary-in, for compare_is_full() */
	struct epoch epoch;
	bool is_ahead;			/* secondary-in is stopped for EPOCH_KEEP */
	bool is_reading;		/* frames are being handed to us */
	bool has_lost[2];		/* by side: its input, and it is not back */
	bool asks_again;		/* behind the checkpoint that is being made */
	uint64_t stop_bytes;		/* of primary-in, when the primary stopped */
	uint64_t n_markers;		/* that were not believed */
	struct blame blame;
	struct live_deferred deferred;
	struct live_uncompared uncompared;
	uint64_t put_off_ns;		/* when it was told of */
	bool wants_checkpoint;		/* compare asked during this call */
	enum compare_reason reason;
	char flow[FLOW_TEXT_MAX];
	bool is_report;			/* the primary passes */
	struct diff diff;
	enum diff_cause cause;		/* why waiting packets are given up now */
	struct learn learnt;
	struct progress progress;
	uint64_t n_looks;		/* at whether progress is to be told */
	uint64_t n_uncompared;		/* of the secondary: by --from, --ignore */
};

enum option_result live_options_parse(struct live_options *o,
				      struct live *live, int argc, char **argv);
bool live_is_capture(const struct live_options *options);
int live_run(struct live *l, const struct live_options *options);

/* Between the files of this module. */
struct compare_config live_compare_config(const struct live_options *o);
int live_learn(struct live *l);
int live_report_open(struct live *l);
int live_report_ready(struct live *l);
void live_report_input(struct live *l, enum compare_side side, struct frame *v,
		       unsigned n, uint64_t now_ns);
void live_report_balance(struct live *l);
void live_report_differ(struct live *l, const struct compare_difference *d);
void live_report_midstream(struct live *l, const struct compare_midstream *m);
void live_report_end(struct live *l);
int live_report_close(struct live *l);
void live_compare(struct live *l, enum compare_side side, struct frame *v,
		  unsigned n);
void live_apply_pressure(struct live *l);
void live_flush(struct live *l, const char *why);
void live_on_waits(void *arg, const struct compare_wait *w);
void live_on_over_share(void *arg, const struct compare_over_share *s);
bool live_may_ask(void *arg, const struct compare_difference *d);
void live_on_put_off(void *arg);
void live_quarantine_init(struct live *l);
void live_quarantine_over(struct live *l);
void live_policy_stats(const struct live *l, struct stats *s);
void live_note_uncompared(struct live *l, const struct compare_left *left,
			  const char *why);
void live_tell_uncompared(struct live *l);
int feed_open(struct live *l, const struct compare_config *config);
void feed_end(struct live *l);
void live_epoch_init(struct live *l);
void live_epoch_primary(struct live *l, struct frame *v, unsigned n);
void live_epoch_secondary(struct live *l, struct frame *v, unsigned n);
void live_epoch_stop(void *arg);
void live_epoch_continue(void *arg);
void live_epoch_checkpoint(struct live *l);
void live_epoch_end(struct live *l);

#endif
