/* SPDX-License-Identifier: ISC */
/*
 * Says why a directory of --state-dir cannot be used, in the same words whatever file
 * in it is wanted. There is no state.
 */
#include "state_dir.h"

#include <errno.h>
#include <uv.h>

#include "log.h"

/**
 * state_dir_refuse() - Log why a file of --state-dir cannot be used
 * @dir:	the directory
 * @name:	of the file
 * @err:	what opening it has returned: -EWOULDBLOCK when another process has
 *		it, -EPERM when somebody else may have written it, or another
 *		negative errno
 */
void state_dir_refuse(const char *dir, const char *name, int err)
{
	if (err == -EWOULDBLOCK)
		log_error("state-dir", "%s: another process uses it", dir);
	else if (err == -EPERM)
		log_error("state-dir", "%s/%s: not a file that only we can "
			  "have written", dir, name);
	else
		log_error("state-dir", "%s: %s", dir, uv_strerror(err));
}
