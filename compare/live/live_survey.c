/* SPDX-License-Identifier: ISC */
/*
 * Captures that are files are read twice: first to see which connections and
 * services they have in common (core/roster.c), then to be compared.
 */
#include "live_survey.h"

#include <stdlib.h>

#include "../../common/log.h"
#include "../core/roster.h"
#include "live.h"

static void tell_mapped(const uint16_t port[2])
{
	log_warn("pair", "port %u of the secondary is taken for port %u of the "
		 "primary: say --map-port %u=%u, or --pair tuple", port[1],
		 port[0], port[0], port[1]);
}

/* What is wrong with single packets is said when they are compared. */
static int run_quietly(const struct live_options *quiet,
		       const struct live_pass *pass, enum log_level level)
{
	int status;

	log_init(log_program(), LOG_ERROR);
	status = live_run(quiet, pass);
	log_init(log_program(), level);
	return status;
}

/* Return: 2 when a capture cannot be read, logged, else 0 */
static int survey(const struct live_options *options,
		  const struct live_pass *pass)
{
	struct live_options quiet = live_options_quiet(options);
	const struct live_pass first = { .roster = pass->roster,
					 .is_survey = true };
	uint16_t ports[2];

	for (unsigned i = 0; i < options->map_port.n; i++)
		if (live_options_ports(options->map_port.v[i], ports) == 0)
			roster_map(pass->roster, ports[0], ports[1]);
	if (!live_options_is_rereadable(options))
		return 0;
	quiet.common.log_level = LOG_ERROR;
	if (run_quietly(&quiet, &first,
			(enum log_level)options->common.log_level) == 2)
		return 2;
	if (roster_settle(pass->roster, ports) && !pass->is_learning &&
	    !options->is_quiet)
		tell_mapped(ports);
	return 0;
}

/**
 * live_survey_run() - Compare, captures with a look at what they have in common
 * @options:	Checked; borrowed
 * @learn:	What was learnt of captures, borrowed; NULL for nothing
 * @is_learning: Differences are added to @learn, and told to nobody
 *
 * Return: the exit status
 */
int live_survey_run(const struct live_options *options, struct learn *learn,
		    bool is_learning)
{
	struct live_pass pass = { .learn = learn, .is_learning = is_learning };
	int status = 0;

	if (live_options_is_capture(options) &&
	    options->pair == LIVE_PAIR_ORDER) {
		pass.roster = roster_new((uint32_t)options->max_flows, 1);
		if (!pass.roster)
			abort();
		status = survey(options, &pass);
	}
	if (!status)
		status = live_run(options, &pass);
	roster_free(pass.roster);
	return status;
}
