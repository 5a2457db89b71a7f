/* SPDX-License-Identifier: ISC */
#include "notify.h"

#include <string.h>

#include "../../common/log.h"

/* The words of QEMU's colo-compare. */
#define ASK "DO_CHECKPOINT"
#define MADE "COLO_CHECKPOINT"
#define INIT "COLO_USERSPACE_PROXY_INIT"
#define INIT_REPLY "COLO_COMPARE_GET_XEN_INIT"

static void send_message(struct notify *n, const char *text)
{
	size_t len = strlen(text);
	struct chunk *chunk = chunk_new(len);
	struct frame f = { .chunk = chunk, .data = chunk->bytes,
			   .len = (uint32_t)len };

	memcpy(chunk->bytes, text, len);
	endpoint_output_send(n->ep, &f, 1);
	chunk_unref(chunk);
	n->n_sent++;
}

static bool is_message(const struct frame *f, const char *text)
{
	size_t len = strlen(text);

	return f->len == len && !memcmp(f->data, text, len);
}

static void on_message(struct notify *n, const struct frame *f)
{
	n->n_received++;
	if (is_message(f, MADE))
		n->on_made(n->arg);
	else if (is_message(f, INIT))
		send_message(n, INIT_REPLY);
	else
		log_warn(endpoint_name(n->ep),
			 "unknown message of %u bytes ignored", f->len);
}

static void on_frames(struct endpoint *ep, struct frame *v, unsigned n_frames,
		      void *arg)
{
	(void)ep;
	for (unsigned i = 0; i < n_frames; i++)
		on_message(arg, &v[i]);
}

/**
 * notify_open() - Open notify-dev
 * @n:		Its on_made and arg are set
 * @set:	The endpoints of the process, which it belongs to
 * @spec:	Where it is; its kind is ENDPOINT_UNSET without a notify-dev
 *
 * Return: 0 or a negative errno, logged
 */
int notify_open(struct notify *n, struct endpoint_set *set,
		const struct endpoint_spec *spec)
{
	const struct endpoint_handler handler = { on_frames, NULL, n };

	if (spec->kind == ENDPOINT_UNSET)
		return 0;
	return endpoint_open(&n->ep, set, "notify-dev", spec,
			     ENDPOINT_DUPLEX, &handler);
}

/**
 * notify_ask() - Ask for a checkpoint
 * @n:		Opened. A message that cannot be sent is lost: the caller asks again
 */
void notify_ask(struct notify *n)
{
	send_message(n, ASK);
}
