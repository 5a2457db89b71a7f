/* SPDX-License-Identifier: ISC */
/*
 * The destinations of a director and their sockets: added at the start and over
 * the control socket, closed when the scheduler has forgotten them. The state is
 * struct director_dest; the scheduler has the rest under the same index.
 */
#include "director_dest.h"

#include <errno.h>
#include <string.h>

#include "director_relay.h"
#include "schedule/dest.h"

static bool is_up(const struct director_dest *dest, unsigned k)
{
	return k < dest->n && dest->sockets[k] &&
	       endpoint_is_up(dest->sockets[k]);
}

/* Frames go where the last one came from, else to the first socket that is up: the
 * other host of the pair may be one that takes nothing before a failover. */
static void on_dest_event(struct endpoint *ep, enum endpoint_event ev,
			  void *arg)
{
	struct director_dest *dest = arg;
	struct director *d = dest->director;

	(void)ep;
	if (ev == ENDPOINT_DRAINED)
		return;
	dest->live = dest->spoke;
	for (unsigned k = 0; !is_up(dest, dest->live) && k < dest->n; k++)
		dest->live = k;
	schedule_set_up(d->schedule, dest->index, is_up(dest, dest->live),
			clock_now_ns(&d->loop.clock));
}

static int open_socket(struct director_dest *dest, const char *name,
		       const struct endpoint_spec *parsed)
{
	const struct endpoint_handler handler = { director_relay_dest,
						  on_dest_event, dest };
	struct director *d = dest->director;
	struct endpoint **ep = &dest->sockets[dest->n];
	int err;

	err = endpoint_open(ep, &d->loop.endpoints, name, parsed,
			    ENDPOINT_DUPLEX, &handler);
	if (err < 0)
		return err;
	if (d->net_out)
		endpoint_output_couple(*ep, d->net_out);
	dest->n++;
	on_dest_event(*ep, ENDPOINT_UP, dest);
	return 0;
}

static void apply(struct director *d, const struct director_spec *spec,
		  uint16_t i)
{
	if (spec->has_weight)
		schedule_set_weight(d->schedule, i, spec->weight);
	if (spec->has_limits)
		schedule_set_limits(d->schedule, i, spec->max_conn,
				    spec->min_conn);
	if (spec->has_mac)
		schedule_set_mac(d->schedule, i, spec->learns_mac ? NULL :
								    spec->mac);
}

static int parse_endpoint(const struct director *d,
			  struct endpoint_spec *parsed, const char *text,
			  char *why, size_t size)
{
	int err = endpoint_spec_parse(parsed, text, why, size);

	if (err < 0)
		return err;
	if (parsed->kind == ENDPOINT_STDIO) {
		snprintf(why, size, "a destination is no standard input");
		return -EINVAL;
	}
	if (!parsed->vnet_set && d->options->common->vnet_hdr_support)
		parsed->vnet_len = FRAME_VNET_LEN_MAX;
	return 0;
}

static uint16_t add(struct director *d, const char *name)
{
	return schedule_add_dest(d->schedule, name,
				 clock_now_ns(&d->loop.clock));
}

/* The place for another socket: of a new destination, which is added; of one that
 * was removed and lingers, which is added again when the socket is open; or the
 * second one. */
static struct director_dest *place_of(struct director *d, const char *name,
				      bool *is_new)
{
	uint16_t i = dest_find(schedule_dests(d->schedule), name);
	struct director_dest *dest;

	*is_new = i == DEST_NONE;
	if (*is_new)
		i = add(d, name);
	if (i == DEST_NONE)
		return NULL;
	dest = &d->dests[i];
	dest->director = d;
	dest->index = i;
	return dest->n < DIRECTOR_SOCKETS ? dest : NULL;
}

static int open_spec(struct director_dest *dest, const struct director_spec *spec,
		     struct endpoint_spec *parsed)
{
	char name[DEST_NAME_MAX + 16], *kept = dest->texts[dest->n];

	snprintf(kept, DIRECTOR_TEXT_MAX, "%s", spec->endpoint);
	parsed->text = kept;			/* the endpoint borrows it */
	snprintf(name, sizeof(name), dest->n ? "dest-%s-%u" : "dest-%s",
		 spec->name, dest->n + 1);
	return open_socket(dest, name, parsed);
}

/**
 * director_dest_add() - Add a destination, or the second socket of one
 * @d:		director
 * @text:	as --dest takes it; copied
 * @index:	set: the destination's
 * @why:	set to what is wrong
 * @size:	of @why, bytes
 *
 * Return: 0 or a negative errno: then nothing has changed
 */
int director_dest_add(struct director *d, const char *text, uint16_t *index,
		      char *why, size_t size)
{
	struct endpoint_spec parsed;
	struct director_spec spec;
	struct director_dest *dest;
	bool is_new;
	int err;

	if (!director_spec_parse(&spec, text, why, size))
		return -EINVAL;
	err = parse_endpoint(d, &parsed, spec.endpoint, why, size);
	if (err < 0)
		return err;
	dest = place_of(d, spec.name, &is_new);
	if (!dest) {
		snprintf(why, size, "\"%s\" has %u sockets, or there are %u "
			 "destinations", spec.name, DIRECTOR_SOCKETS,
			 DESTS_MAX);
		return -EEXIST;
	}
	err = open_spec(dest, &spec, &parsed);
	if (err < 0) {
		snprintf(why, size, "%s: %s", spec.name, uv_strerror(err));
		if (is_new)
			schedule_remove_dest(d->schedule, dest->index,
					     clock_now_ns(&d->loop.clock));
		return err;
	}
	if (!schedule_dests(d->schedule)->v[dest->index].is_member)
		add(d, spec.name);
	apply(d, &spec, dest->index);
	*index = dest->index;
	return 0;
}

/**
 * director_dest_close_gone() - Those that were removed and have ended leave
 * @d:	director, whose scheduler has forgotten them
 */
void director_dest_close_gone(struct director *d)
{
	const struct dest_set *set = schedule_dests(d->schedule);

	for (unsigned i = 0; i < DESTS_MAX; i++) {
		struct director_dest *dest = &d->dests[i];

		if (set->v[i].name[0])
			continue;
		while (dest->n)
			endpoint_close(dest->sockets[--dest->n]);
		dest->spoke = dest->live = 0;
		dest->rate.at_ns = 0;
	}
}
