/* SPDX-License-Identifier: ISC */
#include "live_options.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../../common/failover.h"
#include "../../common/file_use.h"

#define TIMEOUT_MS 3000
#define REORDER_MS 10
#define FLOW_SHARE 8		/* what a flow may hold by default: 1/8 of the */
#define CLIENT_SHARE 2		/* primary's half of the bytes; a client: 1/2 */
#define NOT_SET UINT64_MAX

static const char *const markers[] = {
	[LIVE_MARKERS_OFF] = "off",
	[LIVE_MARKERS_ON] = "on",
	NULL,
};
static const char *const ack_policies[] = { "clamp", "hold", "release", NULL };

static const char *const quarantines[] = { "hold", "off", NULL };
static const char *const non_ips[] = { "release", "compare", NULL };
static const char *const aligns[] = { "start", "absolute", NULL };
static const char *const isns[] = { "own", "translated", NULL };
static const char *const colors[] = {
	[LIVE_COLOR_AUTO] = "auto",
	[LIVE_COLOR_ALWAYS] = "always",
	[LIVE_COLOR_NEVER] = "never",
	NULL,
};
static const char *const pairs[] = { "order", "tuple", NULL };

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
	  "where to ask for a checkpoint, and hear that one was made", 0, 0, NULL },
	{ "notify-plain", OPTION_BOOL,
	  offsetof(struct live_options, notify_plain), NULL,
	  "notify-dev has no vnet headers, either way", 0, 0, NULL },
	{ "checkpoint", OPTION_STRING,
	  offsetof(struct live_options, checkpoint), "MODE",
	  "how to ask for a checkpoint: none, hold, notify, exec:CMD, qmp:PATH "
	  "(notify with a notify-dev, else none)", 0, 0, NULL },
	{ "checkpoint-period", OPTION_UINT,
	  offsetof(struct live_options, pace.period_ms), "MS",
	  "qmp: how often QEMU makes a checkpoint unasked (20000)", 1, UINT32_MAX,
	  NULL },
	{ "checkpoint-retry", OPTION_UINT,
	  offsetof(struct live_options, pace.retry_ms), "MS",
	  "ask again after this time without an answer (5000)", 1,
	  86400000, NULL },
	{ "max-checkpoint-share", OPTION_UINT,
	  offsetof(struct live_options, pace.max_percent), "PERCENT",
	  "how much of the time may go into checkpoints that are asked for, 0 "
	  "for all (25)", 0, 100, NULL },
	{ "max-checkpoint-rate", OPTION_UINT,
	  offsetof(struct live_options, pace.max_per_minute), "N",
	  "how many checkpoints may be asked for in a minute, 0 for any number "
	  "(600)", 0,
	  1000000, NULL },
	{ "quarantine", OPTION_CHOICE,
	  offsetof(struct live_options, quarantine), NULL,
	  "hold: a flow that has asked too often waits for checkpoints that "
	  "others ask for (hold)", 0, 0, quarantines },
	{ "markers", OPTION_CHOICE, offsetof(struct live_options, markers),
	  NULL, "on: the secondary is behind a colo-rewriter that sends markers "
	  "(off)",
	  0, 0, markers },
	{ "ack-policy", OPTION_CHOICE,
	  offsetof(struct live_options, ack_policy), NULL,
	  "what becomes of acknowledgements that the secondary has not given "
	  "(clamp)", 0, 0,
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
	  "how long datagrams may be out of order (10)", 0, 86400000,
	  NULL },
	{ "max-queue-size", OPTION_UINT,
	  offsetof(struct live_options, max_queue), "N",
	  "how many packets of one side of a flow may wait before a checkpoint "
	  "is asked for (1024)", 1, UINT32_MAX, NULL },
	{ "max-queue-bytes", OPTION_UINT,
	  offsetof(struct live_options, max_bytes), "B",
	  "how many bytes may be held, half for each side (67108864)", 1 << 20,
	  (uint64_t)1 << 40, NULL },
	{ "max-flow-bytes", OPTION_UINT,
	  offsetof(struct live_options, max_flow_bytes), "B",
	  "how much of the primary's half one flow may hold, 0 for all (an "
	  "eighth)", 0,
	  (uint64_t)1 << 31, NULL },
	{ "max-client-bytes", OPTION_UINT,
	  offsetof(struct live_options, max_client_bytes), "B",
	  "how much of it all flows to one address may hold, 0 for all (half)", 0,
	  (uint64_t)1 << 40, NULL },
	{ "max-flows", OPTION_UINT, offsetof(struct live_options, max_flows),
	  "N", "how many flows are known at a time (1048576)", 1, 1 << 30, NULL },
	{ "non-ip", OPTION_CHOICE, offsetof(struct live_options, non_ip), NULL,
	  "what becomes of ARP, neighbour discovery, IGMP and what is not IP "
	  "(release)", 0, 0,
	  non_ips },
	{ "dry-run", OPTION_BOOL, offsetof(struct live_options, dry_run), NULL,
	  "hold nothing, report differences on standard output", 0, 0, NULL },
	{ "quiet", OPTION_BOOL, offsetof(struct live_options, is_quiet), NULL,
	  "print no differences and no sums: the exit status tells (-q)", 0, 0,
	  NULL },
	{ "max", OPTION_UINT, offsetof(struct live_options, max_told), "N",
	  "print the first N differences; all are counted (0: all)", 0, 0, NULL },
	{ "hex", OPTION_BOOL, offsetof(struct live_options, has_hex), NULL,
	  "show bytes that differ as hex, too, when they can be read", 0, 0,
	  NULL },
	{ "color", OPTION_CHOICE, offsetof(struct live_options, color), NULL,
	  "colour the text: when standard output is a terminal, or as said "
	  "(auto)", 0, 0, colors },
	{ "report", OPTION_STRING, offsetof(struct live_options, report),
	  "FILE", "write differences as JSON lines, too; - is standard output, "
	  "and the text goes to standard error", 0, 0, NULL },
	{ "diff-pcap", OPTION_STRING, offsetof(struct live_options, diff_pcap),
	  "FILE", "write the packets that differ, as pcapng with comments", 0, 0,
	  NULL },
	{ "ignore", OPTION_LIST, offsetof(struct live_options, ignore), "RULE",
	  "leave out known noise: payload@OFFSET+LEN, header@NAME, or a pcap "
	  "filter of frames; may be given again", 0, 0, NULL },
	{ "learn", OPTION_LIST, offsetof(struct live_options, learn), "FILE",
	  "captures: leave out what differs between the primary's and this "
	  "other good one; may be given again", 0, 0, NULL },
	{ "from", OPTION_STRING, offsetof(struct live_options, from),
	  "[ADDR][:PORT]", "compare only what this service sends", 0, 0, NULL },
	{ "align", OPTION_CHOICE, offsetof(struct live_options, align), NULL,
	  "captures: both begin at time 0, or have their own times (start)", 0, 0,
	  aligns },
	{ "isn", OPTION_CHOICE, offsetof(struct live_options, isn), NULL,
	  "captures: TCP numbers count from each side's SYN, or are equal (own)", 0, 0,
	  isns },
	{ "pair", OPTION_CHOICE, offsetof(struct live_options, pair), NULL,
	  "captures: flows that both have go together and others by their "
	  "order, or all by ports (order)", 0, 0,
	  pairs },
	{ "map-port", OPTION_LIST, offsetof(struct live_options, map_port),
	  "OLD=NEW", "captures: the service on port OLD of the primary's is on "
	  "port NEW of the secondary's; may be given again", 0, 0, NULL },
	{ "l2", OPTION_BOOL, offsetof(struct live_options, l2), NULL,
	  "captures: compare MAC addresses", 0, 0, NULL },
	{ "l3", OPTION_BOOL, offsetof(struct live_options, l3), NULL,
	  "captures: compare IP addresses", 0, 0, NULL },
	FAILOVER_SPECS(struct live_options),
	{ 0 },
};

static const char *const letters[] = { "quiet", NULL };
static const char *const operands[] = { "primary-in", "secondary-in", NULL };

static const char *const live[] = {
	"compare-timeout", "reorder-window", "max-queue-size",
	"max-queue-bytes", "max-flow-bytes", "max-client-bytes",
	"checkpoint-retry", "checkpoint-period", "max-checkpoint-share",
	"max-checkpoint-rate", "quarantine", "auto-failover", NULL,
};

static const struct option_program program = {
	.name = "colo-compare",
	.summary = "Compare two replicas' output; release what is equal.",
	.usage = "--primary-in EP --secondary-in EP --outdev EP [OPTION...] "
		 "| OLD.pcap NEW.pcap [OPTION...]",
	.specs = specs,
	.operands = operands,
	.letters = letters,
	.live = live,
};

/**
 * live_options_is_capture() - Are both inputs captures?
 * @o:		The options
 *
 * Return: true when two recordings are compared
 */
bool live_options_is_capture(const struct live_options *o)
{
	return o->primary_in.kind == ENDPOINT_PCAP &&
	       o->secondary_in.kind == ENDPOINT_PCAP;
}

/**
 * live_options_ports() - Read a value of --map-port
 * @text:	OLD=NEW
 * @ports:	Set, by side
 *
 * Return: 0, or -EINVAL for other text
 */
int live_options_ports(const char *text, uint16_t ports[2])
{
	unsigned old, new;
	int len = 0;

	if (sscanf(text, "%5u=%5u%n", &old, &new, &len) != 2 || text[len] ||
	    strspn(text, "0123456789=") != strlen(text) || !old || !new ||
	    old > UINT16_MAX || new > UINT16_MAX)
		return -EINVAL;
	ports[0] = (uint16_t)old;
	ports[1] = (uint16_t)new;
	return 0;
}

static int check_map_port(const struct live_options *o)
{
	uint16_t ports[2];

	for (unsigned i = 0; i < o->map_port.n; i++)
		if (live_options_ports(o->map_port.v[i], ports) < 0)
			return option_bad("--map-port: %s is not OLD=NEW, two "
					  "ports from 1 to 65535",
					  o->map_port.v[i]);
	if (o->map_port.n && o->pair != LIVE_PAIR_ORDER)
		return option_bad("--map-port goes without --pair tuple");
	return 0;
}

/**
 * live_options_quiet() - The options of a pass over captures before the last one
 * @o:		The options
 *
 * Return: the same, but nothing is written
 */
struct live_options live_options_quiet(const struct live_options *o)
{
	struct live_options quiet = *o;

	quiet.outdev = (struct endpoint_spec){ .kind = ENDPOINT_NULL };
	quiet.notify_dev = (struct endpoint_spec){ .kind = ENDPOINT_UNSET };
	quiet.choice = (struct checkpoint_choice){ .mode = CHECKPOINT_NONE };
	quiet.report = quiet.diff_pcap = NULL;
	quiet.common.state_dir = NULL;
	quiet.common.notify_fd = OPTION_NO_FD;
	return quiet;
}

static bool is_file(const struct endpoint_spec *spec)
{
	struct stat st;

	return strcmp(spec->target, "-") && stat(spec->target, &st) == 0 &&
	       S_ISREG(st.st_mode);
}

/**
 * live_options_is_rereadable() - Can both captures be read more than once?
 * @o:		The options, for which live_options_is_capture()
 */
bool live_options_is_rereadable(const struct live_options *o)
{
	return is_file(&o->primary_in) && is_file(&o->secondary_in);
}

static int check_report(struct live_options *o)
{
	char why[512];

	if (o->from && diff_from_parse(&o->service, o->from) < 0)
		return option_bad("--from: %s is not [ADDR][:PORT], as in :80 "
				  "or 192.0.2.1:80", o->from);
	for (unsigned i = 0; i < o->ignore.n; i++)
		if (ignore_add(&o->noise, o->ignore.v[i], why,
			       sizeof(why)) < 0)
			return option_bad("--ignore: %s", why);
	for (unsigned i = 0; i < o->learn.n; i++)
		if (strlen(o->learn.v[i]) >= sizeof(o->primary_in.target))
			return option_bad("--learn: the path is too long: %s",
					  o->learn.v[i]);
	if ((o->from || o->ignore.n || o->report || o->is_quiet ||
	     o->max_told) &&
	    !o->dry_run && !live_options_is_capture(o))
		return option_bad("--from, --ignore, --report, --quiet and "
				  "--max need captures or --dry-run");
	if (o->report && !strcmp(o->report, "-") &&
	    o->outdev.kind == ENDPOINT_STDIO)
		return option_bad("--report - and --outdev - are both standard "
				  "output");
	return 0;
}

static int check_files(const struct live_options *o)
{
	struct file_uses files = { .n = 0 };

	file_use_add_spec(&files, "primary-in", &o->primary_in, false);
	file_use_add_spec(&files, "secondary-in", &o->secondary_in, false);
	for (unsigned i = 0; i < o->learn.n; i++)
		file_use_add(&files, "learn", o->learn.v[i], false);
	file_use_add_spec(&files, "outdev", &o->outdev, true);
	file_use_add(&files, "report", o->report, true);
	file_use_add(&files, "diff-pcap", o->diff_pcap, true);
	return file_use_check(&files);
}

/* A packet of a capture waits for its equal to the end of the captures, unless
 * a timeout was given: two recordings need not have had the same pace. */
static void prepare_capture(struct live_options *o)
{
	o->timeout_is_set = o->timeout_ms != NOT_SET;
	if (!o->timeout_is_set)
		o->timeout_ms = LIVE_OPTIONS_AT_END_MS;
	if (o->reorder_ms == NOT_SET)
		o->reorder_ms = LIVE_OPTIONS_AT_END_MS;
	if (o->outdev.kind == ENDPOINT_UNSET)
		o->outdev.kind = ENDPOINT_NULL;
	o->primary_in.from_start = o->align == LIVE_ALIGN_START;
	o->secondary_in.from_start = o->align == LIVE_ALIGN_START;
	o->primary_in.takes_any = o->secondary_in.takes_any = true;
}

static void prepare_live(struct live_options *o)
{
	if (o->timeout_ms == NOT_SET)
		o->timeout_ms = TIMEOUT_MS;
	if (o->reorder_ms == NOT_SET)
		o->reorder_ms = REORDER_MS;
	if (o->max_flow_bytes == NOT_SET)
		o->max_flow_bytes = o->max_bytes / 2 / FLOW_SHARE;
	if (o->max_client_bytes == NOT_SET)
		o->max_client_bytes = o->max_bytes / 2 / CLIENT_SHARE;
}

static int check_checkpoint(struct live_options *o)
{
	struct checkpoint_choice *c = &o->choice;
	bool has_notify = o->notify_dev.kind != ENDPOINT_UNSET;

	switch (checkpoint_parse(c, o->checkpoint, has_notify)) {
	case -EINVAL:
		return option_bad("--checkpoint: %s is not one of none, "
				  "hold, notify, exec:CMD, qmp:PATH", o->checkpoint);
	case -ENODEV:
		return option_bad("--checkpoint notify needs --notify-dev");
	}
	if (c->path && !qmp_link_check("--checkpoint", c->path))
		return -EINVAL;
	return 0;
}

static int check_endpoints(const struct live_options *o)
{
	const char *missing =
		o->primary_in.kind == ENDPOINT_UNSET ? "primary-in" :
		o->secondary_in.kind == ENDPOINT_UNSET ? "secondary-in" :
		o->outdev.kind == ENDPOINT_UNSET ? "outdev" : NULL;

	/* a capture may be compared with itself, and null: is nobody's */
	if (!missing && o->primary_in.kind != ENDPOINT_PCAP &&
	    o->primary_in.kind != ENDPOINT_NULL &&
	    !strcmp(o->primary_in.text, o->secondary_in.text))
		return option_bad("--primary-in and --secondary-in must "
				  "differ");
	if (!missing)
		return 0;
	return option_bad("--%s is missing: --primary-in, --secondary-in and "
			  "--outdev are required, or two captures, OLD.pcap "
			  "NEW.pcap", missing);
}

/* What is about two recordings, and is asked for of two replicas that run. */
static int check_captures_only(const struct live_options *o)
{
	const char *name = o->l2 ? "l2" : o->l3 ? "l3" :
			   o->align != LIVE_ALIGN_START ? "align absolute" :
			   o->isn != LIVE_ISN_OWN ? "isn translated" :
			   o->pair != LIVE_PAIR_ORDER ? "pair tuple" :
			   o->learn.n ? "learn" :
			   o->map_port.n ? "map-port" : NULL;

	if (!name || live_options_is_capture(o))
		return 0;
	return option_bad("--%s is for two captures: --primary-in and "
			  "--secondary-in are not both pcap:FILE", name);
}

/* Return: 0, or not 0 for bad usage, told */
static int check(struct live_options *o)
{
	if (live_options_is_capture(o))
		prepare_capture(o);
	else
		prepare_live(o);
	if (check_endpoints(o) || check_captures_only(o))
		return -EINVAL;
	if (o->notify_plain)
		o->notify_dev.vnet_len = 0;
	o->notify_dev.plain_out = true;
	return check_checkpoint(o) || check_report(o) || check_map_port(o) ||
			       check_files(o) ? -EINVAL : 0;
}

/**
 * live_options_parse() - Read the command line
 * @o:		Filled, with defaults for options that were not given
 * @argc:	main's
 * @argv:	main's; borrowed as long as the process runs
 *
 * Return: as option_parse()
 */
enum option_result live_options_parse(struct live_options *o, int argc,
				      char **argv)
{
	enum option_result result;

	*o = (struct live_options){
		.secondary_name = "secondary-in",
		.scan_ms = 1000,
		.timeout_ms = NOT_SET,
		.reorder_ms = NOT_SET,
		.pace = { .retry_ms = 5000, .period_ms = 20000,
			  .max_percent = 25, .max_per_minute = 600 },
		.max_queue = 1024,
		.max_bytes = 64 << 20,
		.max_flow_bytes = NOT_SET,
		.max_client_bytes = NOT_SET,
		.max_flows = 1 << 20,
	};
	result = option_parse(&program, argc, argv, o);
	if (result != OPTION_RUN)
		return result;
	if (check(o))
		return OPTION_USAGE;
	return o->common.check_only ? OPTION_DONE : OPTION_RUN;
}
