/* SPDX-License-Identifier: ISC */
/*
 * The beginning of a line of the log. Lines of several processes and hosts can be
 * put in order by it. There is no state.
 */
#include "stamp.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* systemd.exec(5): the variable has the device and inode of the journal's stream. It
 * is inherited, also by a process whose standard error has become another one. */
static bool is_journal(int fd)
{
	const char *text = getenv("JOURNAL_STREAM");
	uintmax_t dev, ino;
	struct stat st;

	return text && sscanf(text, "%" SCNuMAX ":%" SCNuMAX, &dev, &ino) == 2 &&
	       !fstat(fd, &st) && st.st_dev == dev && st.st_ino == ino;
}

/**
 * stamp_for() - What do lines to a descriptor begin with?
 * @fd:	its reader decides
 */
enum stamp stamp_for(int fd)
{
	if (isatty(fd))
		return STAMP_NONE;
	return is_journal(fd) ? STAMP_JOURNAL : STAMP_TIME;
}

/* RFC 3339, UTC, to the millisecond. */
static size_t time_head(const char *program, char *text, size_t size)
{
	struct timespec now;
	char date[32];
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	return (size_t)snprintf(text, size, "%s.%03ldZ %s[%ld]: ", date,
				now.tv_nsec / 1000000, program, (long)getpid());
}

/**
 * stamp_head() - Begin a line
 * @stamp:	as stamp_for() says
 * @priority:	syslog(3)'s
 * @program:	who writes
 * @text:	gets the beginning
 * @size:	room there
 *
 * Return: its length, as of snprintf(3)
 */
size_t stamp_head(enum stamp stamp, int priority, const char *program,
		  char *text, size_t size)
{
	switch (stamp) {
	case STAMP_TIME:
		return time_head(program, text, size);
	case STAMP_JOURNAL:
		return (size_t)snprintf(text, size, "<%d>%s: ", priority,
					program);
	case STAMP_NONE:
		break;
	}
	return (size_t)snprintf(text, size, "%s: ", program);
}
