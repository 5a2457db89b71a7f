/* SPDX-License-Identifier: ISC */
#ifndef COLO_STATE_DIR_H
#define COLO_STATE_DIR_H

void state_dir_refuse(const char *dir, const char *name, int err);

#endif
