/* SPDX-License-Identifier: ISC */
#include "mirror.h"

static const char *const queues[] = { "tx", "rx", "all", NULL };
static const char *const when_slow[] = { "drop", "block", NULL };

static const struct option_spec specs[] = {
	FILTER_SPECS(struct mirror_options),
	{ "outdev", OPTION_ENDPOINT, offsetof(struct mirror_options, outdev),
	  "EP", "where the copies go (required)", 0, 0, NULL },
	{ "indev", OPTION_ENDPOINT, offsetof(struct mirror_options, indev),
	  "EP", "frames for the net, e.g. what colo-compare releases", 0, 0,
	  NULL },
	{ "queue", OPTION_CHOICE, offsetof(struct mirror_options, queue),
	  "tx|rx|all", "the direction that is copied (all)", 0, 0, queues },
	{ "status", OPTION_CHOICE, offsetof(struct mirror_options, status),
	  "on|off", "off: nothing is copied (on)", 0, 0, filter_statuses },
	{ "when-slow", OPTION_CHOICE,
	  offsetof(struct mirror_options, when_slow), "drop|block",
	  "outdev is slow or down: lose copies, or let the wire wait (drop)",
	  0, 0, when_slow },
	FAILOVER_SPECS(struct mirror_options),
	{ 0 },
};

static const char *const live[] = { "status", "auto-failover", NULL };

static const struct option_program program = {
	.name = "colo-mirror",
	.summary = "Relay frames, and send a copy of them elsewhere.",
	.usage = "[--net EP] [--guest EP] --outdev EP [--indev EP] [OPTION...]",
	.specs = specs,
	.live = live,
};

int main(int argc, char **argv)
{
	struct mirror_options options = { .queue = QUEUE_ALL - QUEUE_TX };
	struct mirror mirror;

	switch (option_parse(&program, argc, argv, &options)) {
	case OPTION_RUN:
		break;
	case OPTION_DONE:
		return 0;
	case OPTION_USAGE:
		return 2;
	}
	if (options.outdev.kind == ENDPOINT_UNSET)
		return option_bad("--outdev is required: where the copies go");
	options.queue += QUEUE_TX;	/* the choices begin with tx */
	if (options.outdev.queue != QUEUE_UNSET)
		options.queue = options.outdev.queue;
	if (options.indev.queue != QUEUE_UNSET &&
	    options.indev.queue != QUEUE_RX)
		return option_bad("--indev goes to the net: queue=rx");
	if (!filter_check(&options.filter, &options.indev, &options.outdev))
		return 2;
	if (options.common.check_only)
		return 0;
	return mirror_run(&mirror, &options);
}
