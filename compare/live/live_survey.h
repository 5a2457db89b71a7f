/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_LIVE_SURVEY_H
#define COLO_COMPARE_LIVE_SURVEY_H

#include "../diff/learn.h"
#include "live_options.h"

int live_survey_run(const struct live_options *options, struct learn *learn,
		    bool is_learning);

#endif
