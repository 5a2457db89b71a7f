/* SPDX-License-Identifier: ISC */
#include "redirector.h"

#include <string.h>

#include "director.h"

static const char *const queues[] = { "tx", "rx", "all", NULL };
static const char *const when_down[] = { "block", "pass", "drop", NULL };

static const struct option_spec specs[] = {
	FILTER_SPECS(struct redirector_options),
	{ "indev", OPTION_ENDPOINT, offsetof(struct redirector_options, indev),
	  "EP", "frames to inject; queue= says in which direction", 0, 0,
	  NULL },
	{ "outdev", OPTION_ENDPOINT,
	  offsetof(struct redirector_options, outdev), "EP",
	  "where the direction that queue= names is diverted to", 0, 0, NULL },
	{ "queue", OPTION_CHOICE, offsetof(struct redirector_options, queue),
	  "tx|rx|all", "the default of both queue= (all)", 0, 0, queues },
	{ "status", OPTION_CHOICE,
	  offsetof(struct redirector_options, status), "on|off",
	  "off: nothing is diverted, and indev is not read (on)", 0, 0,
	  filter_statuses },
	{ "exclusive", OPTION_BOOL,
	  offsetof(struct redirector_options, exclusive), NULL,
	  "the secondary's: cut the net side off until a failover", 0, 0,
	  NULL },
	{ "announce", OPTION_UINT,
	  offsetof(struct redirector_options, announce), "N",
	  "rounds of announcing the guest after a failover (5)", 0, 1000,
	  NULL },
	{ "when-down", OPTION_CHOICE,
	  offsetof(struct redirector_options, when_down), "block|pass|drop",
	  "outdev has no peer: hold, pass or drop frames (block)", 0, 0,
	  when_down },
	{ "when-down-grace", OPTION_UINT,
	  offsetof(struct redirector_options, grace_s), "SECONDS",
	  "how long block holds before it passes (2)", 0, 86400, NULL },
	FAILOVER_SPECS(struct redirector_options),
	DIRECTOR_SPECS(struct redirector_options),
	{ 0 },
};

static const char *const live[] = {
	"status", "when-down", "when-down-grace", "announce", "auto-failover", NULL,
};

static const struct option_program program = {
	.name = "colo-redirector",
	.summary = "Divert frames of one direction, inject frames into one; or "
		   "schedule connections.",
	.usage = "[--net EP] [--guest EP] [--indev EP] [--outdev EP] "
		 "[OPTION...]\n"
		 "--net EP --dest NAME=EP... "
		 "--service PROTO:ADDR:PORT...",
	.specs = specs,
	.live = live,
};

/* A director while it runs: nothing of a filter can be changed. */
static const struct option_program running_director = {
	.name = "colo-redirector",
	.specs = specs,
};

/* A director has a net and destinations, and nothing of a filter. */
static int check_director(const struct redirector_options *o)
{
	if (o->indev.kind || o->outdev.kind || o->exclusive || o->status ||
	    o->auto_failover_s || o->filter.guest.kind ||
	    o->filter.guest_in.kind || o->filter.guest_out.kind)
		return option_bad("--dest goes without --guest, --indev, "
				  "--outdev, --status, --exclusive and "
				  "--auto-failover");
	return director_options_check(&o->director) ? 0 : 2;
}

static int check(struct redirector_options *o)
{
	bool has_indev = o->indev.kind != ENDPOINT_UNSET;
	bool has_outdev = o->outdev.kind != ENDPOINT_UNSET;

	if (!filter_check(&o->filter, &o->indev, &o->outdev))
		return 2;
	if (o->director.dests.n)
		return check_director(o);
	if (o->director.services.n)
		return option_bad("--service needs --dest");
	if (!has_indev && !has_outdev)
		return option_bad("--indev or --outdev is required, or "
				  "--dest and --service");
	/* `-` is standard input here and standard output there */
	if (has_indev && has_outdev && o->indev.kind != ENDPOINT_STDIO &&
	    !strcmp(o->indev.text, o->outdev.text))
		return option_bad("--indev and --outdev must differ");
	return 0;
}

int main(int argc, char **argv)
{
	struct redirector_options options = {
		.queue = QUEUE_ALL - QUEUE_TX,
		.announce = 5,
		.grace_s = 2,
		.director = DIRECTOR_DEFAULTS(&options),
	};
	static struct redirector redirector;
	static struct director director;

	switch (option_parse(&program, argc, argv, &options)) {
	case OPTION_RUN:
		break;
	case OPTION_DONE:
		return 0;
	case OPTION_USAGE:
		return 2;
	}
	options.queue += QUEUE_TX;	/* the choices begin with tx */
	if (check(&options))
		return 2;
	if (options.common.check_only)
		return 0;
	if (!options.director.dests.n)
		return redirector_run(&redirector, &options);
	options.common.program = &running_director;
	return director_run(&director, &options.director);
}
