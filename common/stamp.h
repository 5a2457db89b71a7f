/* SPDX-License-Identifier: ISC */
#ifndef COLO_STAMP_H
#define COLO_STAMP_H

#include <stddef.h>

/* How a line of the log begins: that depends on who reads it. */
enum stamp {
	STAMP_NONE,	/* `PROGRAM: `: a terminal */
	STAMP_TIME,	/* `2026-01-31T12:00:00.000Z PROGRAM[PID]: ` */
	STAMP_JOURNAL,	/* `<4>PROGRAM: `: systemd adds time and process */
};

enum stamp stamp_for(int fd);
size_t stamp_head(enum stamp stamp, int priority, const char *program,
		  char *text, size_t size);

#endif
