/* SPDX-License-Identifier: ISC */
#ifndef COLO_LOG_H
#define COLO_LOG_H

#include <stdbool.h>
#include <stdint.h>

/*
 * One line each on standard error: `PROGRAM: warn: WHERE: text`, with a time in
 * front where no terminal reads it. Warnings and
 * infos are rate limited per call site (five in five seconds, then a count).
 * Nothing waits for whoever reads them: while standard error is full, lines
 * are lost, and the next one says how many.
 */
enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_site {		/* one call site's rate limit */
	uint64_t since_ms;
	uint32_t n_lines;
	uint32_t n_lost;
};

void log_init(const char *program, enum log_level level);
void log_open(void);
bool log_shows(enum log_level level);

void log_line(struct log_site *site, enum log_level level, const char *where,
	      const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* WHERE is an endpoint's or module's name, or NULL. */
#define log_at(level, where, ...)                                      \
	do {                                                           \
		static struct log_site log_site_;                      \
		log_line(&log_site_, (level), (where), __VA_ARGS__);   \
	} while (0)
#define log_error(where, ...) log_line(NULL, LOG_ERROR, (where), __VA_ARGS__)
#define log_warn(where, ...) log_at(LOG_WARN, (where), __VA_ARGS__)
#define log_info(where, ...) log_at(LOG_INFO, (where), __VA_ARGS__)
#define log_debug(where, ...) log_at(LOG_DEBUG, (where), __VA_ARGS__)

/* Something the cluster manager wants to know: `PROGRAM: event: NAME: text`,
 * shown at every level, never rate limited. */
void log_event(const char *name, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

void log_watch(void (*on_event)(void *arg, const char *name, const char *text),
	       void *arg);
const char *log_program(void);

/* A line of the counters: `PROGRAM: stats: text`, likewise. */
void log_stats(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
