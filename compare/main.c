/* SPDX-License-Identifier: ISC */
#include "live/live_learn.h"
#include "live/live_survey.h"

static int run(const struct live_options *options)
{
	struct learn learn = { 0 };
	int status = 2;

	if (live_learn(&learn, options) == 0)
		status = live_survey_run(options, options->learn.n ? &learn : NULL,
				  false);
	learn_fini(&learn);
	return status;
}

int main(int argc, char **argv)
{
	static struct live_options options;

	switch (live_options_parse(&options, argc, argv)) {
	case OPTION_RUN:
		return run(&options);
	case OPTION_DONE:
		return 0;
	default:
		return 2;
	}
}
