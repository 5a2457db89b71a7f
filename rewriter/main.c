/* SPDX-License-Identifier: ISC */
/* The command line of colo-rewriter. */
#include "rewriter.h"

static const char *const unknown[] = { "pass", "drop", NULL };

static const char *const translate[] = {
	[REWRITE_ALL] = "on",
	[REWRITE_NOTHING] = "off",
	[REWRITE_NO_SEQ] = "no-seq",
	[REWRITE_NO_ACK] = "no-ack",
	[REWRITE_NO_SACK] = "no-sack",
	[REWRITE_NO_TSVAL] = "no-tsval",
	[REWRITE_NO_TSECR] = "no-tsecr",
	[REWRITE_NO_RST] = "no-rst",
	[REWRITE_NO_ICMP] = "no-icmp",
	[REWRITE_NO_HOLD] = "no-hold",
	[REWRITE_NO_LOWER] = "no-lower",
	NULL,
};

static const struct option_spec specs[] = {
	FILTER_SPECS(struct rewriter_options),
	{ "max-flows", OPTION_UINT,
	  offsetof(struct rewriter_options, max_flows), "N",
	  "connections that are tracked (1048576)", 1, 1u << 28, NULL },
	{ "max-held", OPTION_UINT,
	  offsetof(struct rewriter_options, max_held), "BYTES",
	  "bytes of segments that wait for an offset (16777216)", 0,
	  UINT32_MAX, NULL },
	{ "unknown", OPTION_CHOICE,
	  offsetof(struct rewriter_options, unknown), "pass|drop",
	  "segments of connections whose SYN was not seen (pass)", 0, 0,
	  unknown },
	{ "translate", OPTION_CHOICE,
	  offsetof(struct rewriter_options, translate), "WHAT",
	  "for tests and comparison: on, off, no-seq, no-ack, no-sack, "
	  "no-tsval, no-tsecr, no-rst, no-icmp, no-hold, no-lower (on)", 0, 0,
	  translate },
	{ "qmp", OPTION_STRING, offsetof(struct rewriter_options, qmp), "PATH",
	  "QMP socket of the secondary's QEMU, which tells of checkpoints",
	  0, 0, NULL },
	{ 0 },
};

static const char *const live[] = { "max-held", "unknown", NULL };

static const struct option_program program = {
	.name = "colo-rewriter",
	.summary = "Let the secondary's TCP connections speak the primary's "
		   "sequence numbers.",
	.usage = "[--net EP] [--guest EP] [OPTION...]",
	.specs = specs,
	.live = live,
};

int main(int argc, char **argv)
{
	struct rewriter_options options = {
		.max_flows = 1u << 20,
		.max_held = 16u << 20,
	};
	static struct rewriter rewriter;

	switch (option_parse(&program, argc, argv, &options)) {
	case OPTION_RUN:
		break;
	case OPTION_DONE:
		return 0;
	case OPTION_USAGE:
		return 2;
	}
	if (!filter_check(&options.filter, NULL, NULL) ||
	    (options.qmp && !qmp_link_check("--qmp", options.qmp)))
		return 2;
	if (options.common.check_only)
		return 0;
	return rewriter_run(&rewriter, &options);
}
