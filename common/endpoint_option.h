/* SPDX-License-Identifier: ISC */
#ifndef COLO_ENDPOINT_OPTION_H
#define COLO_ENDPOINT_OPTION_H

#include "parser.h"

int endpoint_option_parse(struct parser *p, char *text);

#endif
