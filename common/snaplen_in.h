/* SPDX-License-Identifier: ISC */
#ifndef COLO_SNAPLEN_IN_H
#define COLO_SNAPLEN_IN_H

#include <stdio.h>

#define SNAPLEN_IN_BEGIN 16u	/* of the length, in the file's header */
#define SNAPLEN_IN_END 20u

FILE *snaplen_in_open(FILE *file);

#endif
