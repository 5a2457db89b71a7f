/* SPDX-License-Identifier: ISC */
/*
 * The kind null: it takes every frame and has none.
 */
#include "endpoint_impl.h"

static int null_open(struct endpoint *ep)
{
	ep->one_shot = true;
	ep->up = true;
	ep->ended = true;
	endpoint_link_settled(ep);
	return 0;
}

static void null_read(struct endpoint *ep)
{
	(void)ep;
}

static void null_write(struct endpoint *ep)
{
	(void)ep;
}

static void null_send(struct endpoint *ep, const struct frame *f)
{
	ep->count.out++;
	ep->count.out_bytes += f->len;
}

const struct endpoint_ops endpoint_null_ops = {
	.form = OUTQ_PLAIN,
	.open = null_open,
	.read = null_read,
	.write = null_write,
	.send = null_send,
};
