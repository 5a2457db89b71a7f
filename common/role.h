/* SPDX-License-Identifier: ISC */
#ifndef COLO_ROLE_H
#define COLO_ROLE_H

/*
 * What a process is at the moment, kept in `ROLE` in --state-dir: written and
 * synced before a change is answered, read at the start.
 */
enum role { ROLE_COLO, ROLE_FAILOVER };

int role_check_dir(const char *state_dir);
int role_read(const char *state_dir, enum role *role);
int role_write(const char *state_dir, enum role role);
const char *role_text(enum role role);

#endif
