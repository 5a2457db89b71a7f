/* SPDX-License-Identifier: ISC */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The programs under test: started together, accounted for as one. */
#define PROCESS_MAX 8u

struct process_group {
	pid_t pids[PROCESS_MAX];
	unsigned n;
};

int process_start(struct process_group *g, char **argv, bool pinned);
void process_pin_self(void);
uint64_t process_cpu_ns(const struct process_group *g);
uint64_t process_rss_kib(const struct process_group *g, const char *field);
bool process_is_asleep(const struct process_group *g);
bool process_is_alive(const struct process_group *g);
int process_stop(struct process_group *g);

#endif
