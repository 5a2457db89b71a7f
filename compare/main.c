/* SPDX-License-Identifier: ISC */
#include "live.h"

#include <errno.h>
#include <stddef.h>

static const char *const ack_policies[] = { "clamp", "hold", "release", NULL };

static const struct option_spec specs[] = {
	{ "primary-in", OPTION_ENDPOINT,
	  offsetof(struct live_options, primary_in), "EP",
	  "what the primary sends (required)", 0, 0, NULL },
	{ "secondary-in", OPTION_ENDPOINT,
	  offsetof(struct live_options, secondary_in), "EP",
	  "what the secondary sends (required)", 0, 0, NULL },
	{ "outdev", OPTION_ENDPOINT, offsetof(struct live_options, outdev),
	  "EP", "where the primary's packets are released to (required)", 0,
	  0, NULL },
	{ "notify-dev", OPTION_ENDPOINT,
	  offsetof(struct live_options, notify_dev), "EP",
	  "checkpoints are asked for and announced here", 0, 0, NULL },
	{ "notify-plain", OPTION_BOOL,
	  offsetof(struct live_options, notify_plain), NULL,
	  "notify-dev is plain both ways even with vnet headers", 0, 0, NULL },
	{ "checkpoint", OPTION_STRING,
	  offsetof(struct live_options, checkpoint), "none|notify|exec:CMD",
	  "how to ask for one (notify with a notify-dev, else none)", 0, 0,
	  NULL },
	{ "checkpoint-retry", OPTION_UINT,
	  offsetof(struct live_options, retry_ms), "MS",
	  "ask again when there is no answer for so long (5000)", 1,
	  86400000, NULL },
	{ "ack-policy", OPTION_CHOICE,
	  offsetof(struct live_options, ack_policy), NULL,
	  "acknowledgements that the secondary has not given (clamp)", 0, 0,
	  ack_policies },
	{ "compare-timeout", OPTION_UINT,
	  offsetof(struct live_options, timeout_ms), "MS",
	  "how long a packet may wait for its equal (3000)", 1, 86400000,
	  NULL },
	{ "expired-scan-cycle", OPTION_UINT,
	  offsetof(struct live_options, scan_ms), "MS",
	  "how often to look for idle flows (1000)", 1, 86400000, NULL },
	{ "reorder-window", OPTION_UINT,
	  offsetof(struct live_options, reorder_ms), "MS",
	  "how long datagrams may be in another order (10)", 0, 86400000,
	  NULL },
	{ "max-queue-size", OPTION_UINT,
	  offsetof(struct live_options, max_queue), "N",
	  "packets of one flow and side before a checkpoint (1024)", 1,
	  UINT32_MAX, NULL },
	{ "max-queue-bytes", OPTION_UINT,
	  offsetof(struct live_options, max_bytes), "B",
	  "bytes held, half for each side (67108864)", 1 << 20,
	  (uint64_t)1 << 40, NULL },
	{ "max-flows", OPTION_UINT, offsetof(struct live_options, max_flows),
	  "N", "flows known at a time (1048576)", 1, 1 << 30, NULL },
	FAILOVER_SPECS(struct live_options),
	{ 0 },
};

static const struct option_program program = {
	.name = "colo-compare",
	.summary = "Compare two replicas' output; release what is equal.",
	.usage = "--primary-in EP --secondary-in EP --outdev EP [OPTION...]",
	.specs = specs,
};

static int check(struct live_options *o, struct checkpoint *cp)
{
	bool has_notify = o->notify_dev.kind != ENDPOINT_UNSET;

	if (o->primary_in.kind == ENDPOINT_UNSET ||
	    o->secondary_in.kind == ENDPOINT_UNSET ||
	    o->outdev.kind == ENDPOINT_UNSET)
		return option_bad("--primary-in, --secondary-in and --outdev "
				  "are required");
	switch (checkpoint_parse(cp, o->checkpoint, has_notify)) {
	case -EINVAL:
		return option_bad("--checkpoint: %s is none of none, notify, "
				  "exec:CMD", o->checkpoint);
	case -ENODEV:
		return option_bad("--checkpoint notify goes with --notify-dev");
	}
	if (o->notify_plain)
		o->notify_dev.vnet_len = 0;
	o->notify_dev.plain_out = true;
	return 0;
}

int main(int argc, char **argv)
{
	struct live_options options = {
		.timeout_ms = 3000,
		.scan_ms = 1000,
		.reorder_ms = 10,
		.retry_ms = 5000,
		.max_queue = 1024,
		.max_bytes = 64 << 20,
		.max_flows = 1 << 20,
	};
	static struct live live;

	switch (option_parse(&program, argc, argv, &options)) {
	case OPTION_RUN:
		break;
	case OPTION_DONE:
		return 0;
	case OPTION_USAGE:
		return 2;
	}
	if (check(&options, &live.checkpoint))
		return 2;
	if (options.common.check_only)
		return 0;
	return live_run(&live, &options);
}
