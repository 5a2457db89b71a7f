/* SPDX-License-Identifier: ISC */
#ifndef COLO_STARTER_H
#define COLO_STARTER_H

/* What whoever started this process wants to know of it. */
void starter_tell(const char *text);
void starter_ready(int fd);

#endif
