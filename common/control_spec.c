/* SPDX-License-Identifier: ISC */
#include "control_spec.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>

#include "quantity.h"

static int set_group(struct control_spec *s, const char *name)
{
	const struct group *g = getgrnam(name);

	if (!g)
		return -ENOENT;
	s->has_group = true;
	s->gid = g->gr_gid;
	return 0;
}

static int parse_option(struct control_spec *s, const char *text, char *why,
			size_t size)
{
	if (!strncmp(text, "mode=", 5)) {
		if (quantity_mode(&s->mode, text + 5) == 0)
			return 0;
		snprintf(why, size, "%s is no mode such as mode=660", text);
	} else if (!strncmp(text, "group=", 6)) {
		if (set_group(s, text + 6) == 0)
			return 0;
		snprintf(why, size, "there is no group \"%s\"", text + 6);
	} else {
		snprintf(why, size, "\"%s\" is none of mode=OCTAL, group=NAME",
			 text);
	}
	return -EINVAL;
}

/**
 * control_spec_parse() - Read the argument of --control
 * @s:		set; of mode 0600 unless @text says otherwise
 * @text:	`PATH[,mode=OCTAL][,group=NAME]`
 * @why:	set to what is wrong
 * @size:	of @why, bytes
 *
 * Return: 0 or -EINVAL
 */
int control_spec_parse(struct control_spec *s, const char *text, char *why,
		       size_t size)
{
	size_t len = strcspn(text, ",");
	char options[128], *option, *rest = NULL;

	*s = (struct control_spec){ .mode = 0600 };
	if (!len || len >= sizeof(s->path)) {
		snprintf(why, size, "%s", len ? "the path is too long" :
						"there is no path");
		return -EINVAL;
	}
	if (strlen(text + len) >= sizeof(options)) {
		snprintf(why, size, "the options are too long");
		return -EINVAL;
	}
	memcpy(s->path, text, len);
	snprintf(options, sizeof(options), "%s", text + len);
	for (option = strtok_r(options, ",", &rest); option;
	     option = strtok_r(NULL, ",", &rest)) {
		if (parse_option(s, option, why, size) < 0)
			return -EINVAL;
	}
	return 0;
}
