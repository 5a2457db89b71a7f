/* SPDX-License-Identifier: ISC */
#ifndef COLO_PROCESS_H
#define COLO_PROCESS_H

int process_init(void);

#endif
