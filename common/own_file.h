/* SPDX-License-Identifier: ISC */
#ifndef COLO_OWN_FILE_H
#define COLO_OWN_FILE_H

/* Files in a state directory: what is in them is believed. */
int own_file_open(int dir, const char *name, int flags);

#endif
