/* SPDX-License-Identifier: ISC */
#ifndef COLO_RUNNING_H
#define COLO_RUNNING_H

/*
 * `RUNNING` in --state-dir: there from the start to a clean end. Who finds it
 * at the start knows that the last run lost what it held.
 */
int running_begin(const char *state_dir);
void running_end(const char *state_dir);

#endif
