/* SPDX-License-Identifier: ISC */
#ifndef COLO_NOWAIT_STREAM_H
#define COLO_NOWAIT_STREAM_H

#include <stdio.h>

FILE *nowait_stream(int fd, const char *name);

#endif
