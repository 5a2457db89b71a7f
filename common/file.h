/* SPDX-License-Identifier: ISC */
#ifndef COLO_FILE_H
#define COLO_FILE_H

int file_create(const char *path);

#endif
