/* SPDX-License-Identifier: ISC */
#include "diff_flows.h"

#include <inttypes.h>
#include <stdlib.h>

#include "../../common/flow.h"

#define SHOWN_MAX 10u		/* flows in the summary */
#define TLS_RECORD_MAX (16384u + 2048u)	/* RFC 5246, 6.2.3 */

struct diff_flow {
	uint64_t n, bytes;	/* differences, and what they are long */
	bool is_tls;
};

/* Does what a side says there begin with the header of a TLS record? */
static bool begins_record(const struct diff_side *s)
{
	const uint8_t *b = diff_found_bytes(s, s->begin);

	return b && s->end - s->begin >= 5 && b[0] >= 20 &&
	       b[0] <= 23 && b[1] == 3 && b[2] <= 4 &&
	       ((uint32_t)b[3] << 8 | b[4]) <= TLS_RECORD_MAX;
}

static bool is_tls(const struct diff_found *f)
{
	const struct packet *p = &diff_found_side(f)->packet;

	return f->kind == DIFF_PAYLOAD && p->proto == PACKET_TCP &&
	       begins_record(&f->side[0]) && begins_record(&f->side[1]);
}

static uint64_t bytes_of(const struct diff_found *f)
{
	const struct diff_side *p = &f->side[0], *s = &f->side[1];

	if (f->kind == DIFF_PAYLOAD)
		return p->len > s->len ? p->len : s->len;
	p = diff_found_side(f);
	return !p->is_there ? 0 : p->len ? p->len : p->end - p->at;
}

/* Return: the flow of a difference; NULL for none, or when there is no room */
static struct diff_flow *flow_of(struct diff_flows *d,
				 const struct diff_found *f)
{
	const struct diff_side *s = diff_found_side(f);
	struct flow_key key;
	struct diff_flow *flow;

	if (s->is_there ? flow_key_of(&key, &s->packet, false) < 0 :
			  !f->key || !f->key->ip_version)
		return NULL;
	if (!s->is_there)
		key = *f->key;
	if (!d->table)
		d->table = flow_table_new(DIFF_FLOWS_MAX, sizeof(*flow),
					  d->seed);
	if (!d->table)
		abort();
	flow = flow_find(d->table, &key);
	return flow ? flow : flow_add(d->table, &key, 0, 0);
}

/**
 * diff_flows_add() - Count a difference for its flow
 * @d:		The flows
 * @f:		The difference
 *
 * Return: whether it is told
 */
enum diff_flows_say diff_flows_add(struct diff_flows *d,
				   const struct diff_found *f)
{
	struct diff_flow *flow = flow_of(d, f);
	bool begins_tls = flow && !flow->is_tls && is_tls(f);

	if (!flow)
		return DIFF_FLOWS_TELL;
	if (flow->is_tls && f->kind == DIFF_PAYLOAD)
		return DIFF_FLOWS_NOT;
	flow->n++;
	if (!begins_tls) {
		flow->bytes += bytes_of(f);
		return DIFF_FLOWS_TELL;
	}
	flow->is_tls = true;
	d->n_tls++;
	return DIFF_FLOWS_TELL_TLS;
}

static int is_worse(const void *a, const void *b)
{
	const struct diff_flow *x = *(struct diff_flow *const *)a;
	const struct diff_flow *y = *(struct diff_flow *const *)b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return x < y ? -1 : x > y;	/* the first one first */
}

/**
 * diff_flows_print() - Print which flows differ most, at the end of a report
 * @d:		The flows
 * @out:	Gets a table, if there is more than one flow
 */
void diff_flows_print(const struct diff_flows *d, FILE *out)
{
	uint32_t n = d->table ? flow_count(d->table) : 0, end, k = 0;
	struct diff_flow **v;
	char text[FLOW_TEXT_MAX];

	if (d->n_tls)
		fprintf(out, "\nflows that look like TLS: %" PRIu64 "\n",
			d->n_tls);
	if (n < 2)
		return;
	v = calloc(n, sizeof(struct diff_flow *));
	if (!v)
		abort();
	end = flow_end(d->table);
	for (uint32_t i = 0; i < end && k < n; i++)
		if ((v[k] = flow_at(d->table, i)))
			k++;
	qsort(v, k, sizeof(*v), is_worse);
	fprintf(out, "\n%-14s %12s  %s\n", "differences", "bytes",
		"of the flow, worst first");
	for (uint32_t i = 0; i < k && i < SHOWN_MAX; i++) {
		flow_key_text(flow_get_key(d->table, v[i]), text, sizeof(text));
		fprintf(out, "%-14" PRIu64 " %12" PRIu64 "  %s%s\n", v[i]->n,
			v[i]->bytes, text, v[i]->is_tls ? " (TLS)" : "");
	}
	if (k > SHOWN_MAX)
		fprintf(out, "and %u more flows\n", (unsigned)(k - SHOWN_MAX));
	free(v);
}

/** diff_flows_fini() - Forget all of them */
void diff_flows_fini(struct diff_flows *d)
{
	flow_table_free(d->table);
	d->table = NULL;
}
