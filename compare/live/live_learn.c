/* SPDX-License-Identifier: ISC */
#include "live_learn.h"

#include <errno.h>
#include <stdio.h>

#include "../../common/log.h"

/* The options of a pass over another good recording. */
static struct live_options options_of(const struct live_options *options,
				      const char *path)
{
	struct live_options o = live_options_quiet(options);

	snprintf(o.secondary_in.target, sizeof(o.secondary_in.target), "%s",
		 path);
	o.secondary_name = "learn";
	return o;
}

/**
 * live_learn() - Learn what differs between good recordings
 * @learn:	Zeroed; gets it. The caller frees it with learn_fini()
 * @options:	Of the comparison that will follow
 *
 * Return: 0, or -EIO when a recording could not be read, logged
 */
int live_learn(struct learn *learn, const struct live_options *options)
{
	for (unsigned i = 0; i < options->learn.n; i++) {
		struct live_options o = options_of(options,
						   options->learn.v[i]);

		if (live_survey_run(&o, learn, true) == 2)
			return -EIO;
	}
	if (learn->n_lost)
		log_warn("learn", "%llu differences were not learnt, for "
			 "there are too many", (unsigned long long)learn->n_lost);
	return 0;
}
