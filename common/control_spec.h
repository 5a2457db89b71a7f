/* SPDX-License-Identifier: ISC */
#ifndef COLO_CONTROL_SPEC_H
#define COLO_CONTROL_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The argument of --control: `PATH[,mode=OCTAL][,group=NAME]`. */
struct control_spec {
	char path[108];		/* as much as sockaddr_un has; empty: none */
	mode_t mode;
	bool has_group;
	gid_t gid;
};

int control_spec_parse(struct control_spec *s, const char *text, char *why,
		       size_t size);

#endif
