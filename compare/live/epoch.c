/* SPDX-License-Identifier: ISC */
/*
 * A checkpoint makes the secondary another one. Its old frames, still under
 * way, must not be compared with what the primary says afterwards, nor its new
 * ones with what the primary said before. Of the primary the line is drawn by
 * STOP and RESUME, of the secondary by a marker, and either may come first:
 *
 *	STOP, marker, RESUME	what follows the marker is kept until RESUME
 *	STOP, RESUME, marker	what comes before the marker is discarded
 *
 * QEMU lets the secondary go on before the primary: the first is the rule.
 * A marker counts when it is not the last one repeated: another epoch, or a
 * sender that has begun anew and whose frames are all new. The first one after
 * a checkpoint belongs to that, even if the primary stands still for the next.
 * A peer that has sent none is not waited for, and one that stops sending them
 * is waited for once: epoch_forget().
 */
#include "epoch.h"

#include <stdlib.h>

/**
 * epoch_drop() - Let go of what was kept
 * @e:		It is counted as discarded
 */
void epoch_drop(struct epoch *e)
{
	for (unsigned i = 0; i < e->n_kept; i++)
		chunk_unref(e->kept[i].chunk);
	e->n_discarded += e->n_kept;
	e->n_kept = 0;
}

/**
 * epoch_fini() - The end
 * @e:		Zeroed or used
 */
void epoch_fini(struct epoch *e)
{
	epoch_drop(e);
	free(e->kept);
}

/**
 * epoch_stop() - The primary stands still
 * @e:		The state
 */
void epoch_stop(struct epoch *e)
{
	e->is_stopped = true;
}

/**
 * epoch_marker() - The secondary's stream has a marker here
 * @e:		The state; @e->fate is that of what follows
 * @m:		The marker
 */
void epoch_marker(struct epoch *e, const struct marker *m)
{
	bool is_new = !e->has_marker || m->epoch != e->last ||
		      m->kind == MARKER_START;

	e->n_markers++;
	e->has_marker = true;
	e->last = m->epoch;
	if (!is_new)
		return;
	epoch_drop(e);
	e->fate = e->is_stopped && e->fate != EPOCH_DISCARD ? EPOCH_KEEP :
							      EPOCH_COMPARE;
}

/**
 * epoch_checkpoint() - The primary goes on, and was made the secondary's equal
 * @e:		The state; what is kept is to be taken now, after the flush
 */
void epoch_checkpoint(struct epoch *e)
{
	e->is_stopped = false;
	if (e->fate == EPOCH_KEEP || !e->has_marker)
		e->fate = EPOCH_COMPARE;
	else
		e->fate = EPOCH_DISCARD;
}

/**
 * epoch_continue() - The primary goes on as it was
 * @e:		The state; what is kept is to be taken now
 */
void epoch_continue(struct epoch *e)
{
	e->is_stopped = false;
	if (e->fate == EPOCH_KEEP)
		e->fate = EPOCH_COMPARE;
}

/**
 * epoch_forget() - No marker has come in time: the peer sends none
 * @e:		The state
 */
void epoch_forget(struct epoch *e)
{
	if (e->fate != EPOCH_DISCARD)
		return;
	e->has_marker = false;
	e->fate = EPOCH_COMPARE;
}

/**
 * epoch_keep() - Frames whose fate is EPOCH_KEEP
 * @e:		The state
 * @v:		The frames; references on their chunks are taken
 * @n:		How many. The caller stops the input, so that no more than what
 *		was read already comes
 */
void epoch_keep(struct epoch *e, const struct frame *v, unsigned n)
{
	while (e->n_kept + n > e->cap) {
		e->cap = e->cap ? e->cap * 2 : 256;
		e->kept = realloc(e->kept, e->cap * sizeof(*e->kept));
		if (!e->kept)
			abort();
	}
	for (unsigned i = 0; i < n; i++) {
		chunk_ref(v[i].chunk);
		e->kept[e->n_kept++] = v[i];
	}
}

/**
 * epoch_take() - Get what was kept, to be compared
 * @e:		The state
 * @v:		Gets the frames; valid until the next epoch_keep(); the caller
 *		drops a reference of each chunk
 *
 * Return: how many
 */
unsigned epoch_take(struct epoch *e, struct frame **v)
{
	unsigned n = e->n_kept;

	*v = e->kept;
	e->n_kept = 0;
	return n;
}
