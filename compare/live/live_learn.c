/* SPDX-License-Identifier: ISC */
/*
 * --learn: before the comparison, the primary's recording is compared with
 * another good one in the secondary's place.
 */
#include <stdlib.h>

#include "../../common/log.h"
#include "live.h"

/* The same options, without what only the comparison itself does. */
static struct live_options options_of(const struct live *l,
				      const struct endpoint_spec *other)
{
	struct live_options o = *l->options;

	o.secondary_in = *other;
	o.outdev = (struct endpoint_spec){ .kind = ENDPOINT_NULL };
	o.notify_dev = (struct endpoint_spec){ .kind = ENDPOINT_UNSET };
	o.report = o.diff_pcap = NULL;
	o.learn.n = 0;
	o.common.state_dir = NULL;
	o.common.notify_fd = OPTION_NO_FD;
	return o;
}

static int learn_from(struct live *l, const char *path)
{
	struct endpoint_spec spec = l->options->secondary_in;
	struct live *pass = calloc(1, sizeof(*pass));
	struct live_options o;
	int status;

	if (!pass)
		abort();
	snprintf(spec.target, sizeof(spec.target), "%s", path);
	o = options_of(l, &spec);
	pass->checkpoint.mode = CHECKPOINT_NONE;
	pass->diff.from = l->diff.from;
	pass->diff.known.ignore = l->diff.known.ignore;
	pass->diff.known.learn = l->diff.known.learn;
	pass->diff.known.is_learning = true;
	status = live_run(pass, &o);
	if (pass->loop.hurried)
		status = 2;
	free(pass);
	return status == 2 ? 2 : 0;
}

/**
 * live_learn - learn what differs between good recordings
 * @l:		its diff gets it; before it runs
 *
 * Return: 0, or 2 when one could not be read, told
 */
int live_learn(struct live *l)
{
	struct learn *learn = &l->learnt;

	l->diff.known.learn = learn;
	for (unsigned i = 0; i < l->options->learn.n; i++)
		if (learn_from(l, l->options->learn.v[i]))
			return 2;
	if (learn->n_lost)
		log_warn("learn", "%llu differences are too many to be "
			 "remembered", (unsigned long long)learn->n_lost);
	return 0;
}
