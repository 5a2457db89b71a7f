/* SPDX-License-Identifier: ISC */
#ifndef COLO_DIRECTOR_DEST_H
#define COLO_DIRECTOR_DEST_H

#include "director.h"

int director_dest_add(struct director *d, const char *text, uint16_t *index,
		      char *why, size_t size);
void director_dest_close_gone(struct director *d);

#endif
