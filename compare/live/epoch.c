/* SPDX-License-Identifier: ISC */
/*
 * A checkpoint gives the secondary the primary's state. The secondary's older
 * frames, still on their way, must not be compared with the primary's later
 * ones, nor the other way round. The primary's frames are divided by QEMU's STOP
 * and RESUME, the secondary's by a marker among them (common/marker.h). Either
 * may arrive first:
 *
 *	STOP, marker, RESUME	frames behind the marker are kept until RESUME
 *	STOP, RESUME, marker	frames before the marker are discarded
 *
 * QEMU lets the secondary go on before the primary, so the first is the rule.
 *
 * A marker is new when its epoch is not that of the last marker, or when its
 * sender has just started: then all that follows is new. A marker repeated is
 * ignored. The first new marker after a checkpoint belongs to that checkpoint,
 * even if the primary already stands still for the next one. A peer that has
 * never sent a marker is not waited for. A peer that stops sending them is
 * waited for once: epoch_forget().
 */
#include "epoch.h"

#include <stdlib.h>

/**
 * epoch_drop() - Discard the frames that were kept
 * @e:		The state; they are counted as discarded
 */
void epoch_drop(struct epoch *e)
{
	for (unsigned i = 0; i < e->n_kept; i++)
		chunk_unref(e->kept[i].chunk);
	e->n_discarded += e->n_kept;
	e->n_kept = 0;
}

/**
 * epoch_fini() - Free the frames that were kept
 * @e:		The state, zeroed or used
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
 * epoch_marker() - There is a marker among the secondary's frames
 * @e:		The state; @e->fate is set for the frames that follow
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
 * epoch_checkpoint() - The primary goes on after a checkpoint
 * @e:		The state. The caller, who has flushed, calls epoch_take() next
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
 * @e:		The state. The caller calls epoch_take() next
 */
void epoch_continue(struct epoch *e)
{
	e->is_stopped = false;
	if (e->fate == EPOCH_KEEP)
		e->fate = EPOCH_COMPARE;
}

/**
 * epoch_forget() - No marker has come in time: take it that the peer sends none
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
 * epoch_keep() - Keep frames whose fate is EPOCH_KEEP
 * @e:		The state
 * @v:		The frames; it takes references of their chunks
 * @n:		How many. The caller has stopped the input, so that only frames
 *		that were read already can come
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
 * epoch_take() - Take the frames that were kept, to be compared
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
