/* SPDX-License-Identifier: ISC */
#ifndef COLO_GZIP_IN_H
#define COLO_GZIP_IN_H

#include <stdio.h>

#define GZIP_IN_FIRST_BYTE 0x1f	/* of what is compressed, and of no capture */

FILE *gzip_in_open(FILE *file);

#endif
