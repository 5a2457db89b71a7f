/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_LIVE_CONFIG_H
#define COLO_COMPARE_LIVE_CONFIG_H

#include "../core/compare.h"
#include "live_options.h"

/* The comparison is pure and knows no options: this says in its terms what the
 * options say. */
struct compare_config live_config_of(const struct live_options *o,
				     struct roster *roster);

#endif
