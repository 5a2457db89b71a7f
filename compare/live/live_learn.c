/* SPDX-License-Identifier: ISC */
#include "live_learn.h"

#include <errno.h>
#include <stdio.h>

#include "../../common/log.h"

/* The options of a pass over another good recording. Only the comparison itself
 * writes anything. */
static struct live_options options_of(const struct live_options *options,
				      const char *path)
{
	struct live_options o = *options;

	snprintf(o.secondary_in.target, sizeof(o.secondary_in.target), "%s",
		 path);
	o.outdev = (struct endpoint_spec){ .kind = ENDPOINT_NULL };
	o.notify_dev = (struct endpoint_spec){ .kind = ENDPOINT_UNSET };
	o.choice = (struct checkpoint_choice){ .mode = CHECKPOINT_NONE };
	o.report = o.diff_pcap = NULL;
	o.common.state_dir = NULL;
	o.common.notify_fd = OPTION_NO_FD;
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

		if (live_run(&o, learn, true) == 2)
			return -EIO;
	}
	if (learn->n_lost)
		log_warn("learn", "%llu differences were not learnt, for "
			 "there are too many", (unsigned long long)learn->n_lost);
	return 0;
}
