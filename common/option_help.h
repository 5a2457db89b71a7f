/* SPDX-License-Identifier: ISC */
#ifndef COLO_OPTION_HELP_H
#define COLO_OPTION_HELP_H

#include "option_rows.h"

enum option_result option_help_print(const struct option_program *program,
				     const struct option_rows *rows);
enum option_result option_help_version(const struct option_program *program);

#endif
