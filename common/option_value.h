/* SPDX-License-Identifier: ISC */
#ifndef COLO_OPTION_VALUE_H
#define COLO_OPTION_VALUE_H

#include "option.h"

#define OPTION_VALUE_MAX 32	/* bytes of option_value_print() */

int option_value_set(const struct option_spec *spec, void *config,
		     const char *arg, char *why, size_t size);
void option_value_print(const struct option_spec *spec, const void *config,
			char *text, size_t size);
const char *option_value_word(const struct option_spec *spec);

#endif
