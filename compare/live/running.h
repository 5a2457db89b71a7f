/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_RUNNING_H
#define COLO_COMPARE_RUNNING_H

/*
 * The file `RUNNING` in --state-dir is there from the start of a process to its
 * clean end. A process that finds it when it starts knows that the last one lost
 * the packets that it held. A process that runs has it locked. live.c calls this; the
 * file is empty.
 */
int running_begin(const char *state_dir, int *lock);
void running_end(const char *state_dir);

#endif
