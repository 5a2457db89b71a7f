/* SPDX-License-Identifier: ISC */
#include "blame.h"

#include <stdio.h>
#include <string.h>

/* FNV-1a, without a seed: a client that makes two of its flows share a place
 * takes them out of quarantine, which a new flow would do, too. */
static uint32_t hash_of(const struct flow_key *key)
{
	const uint8_t *at = (const uint8_t *)key;
	uint32_t h = UINT32_C(2166136261);

	for (size_t i = 0; i < sizeof(*key); i++)
		h = (h ^ at[i]) * UINT32_C(16777619);
	return h ^ h >> 16;
}

/* The place in the table where a flow is, unless its key is another one's. */
static struct blame_flow *place_of(struct blame *b, const struct flow_key *key)
{
	return &b->flows[hash_of(key) & (BLAME_FLOWS - 1)];
}

static bool is_same(const struct flow_key *a, const struct flow_key *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* Is even the oldest of the last BLAME_REQUESTS requests within the window? */
static bool is_in_quarantine(const struct blame_flow *f, uint64_t now_ns)
{
	uint64_t oldest = f->asked_ns[f->next];

	return oldest && now_ns - oldest < BLAME_WINDOW_NS;
}

/**
 * blame_refuses() - Is the flow that wants to ask in quarantine?
 * @b:		The tables; zeroed at first
 * @key:	The flow
 * @now_ns:	The time, not 0
 * @is_new:	Set to true the first time in this quarantine
 *
 * Return: true when it is: the request must not go out
 */
bool blame_refuses(struct blame *b, const struct flow_key *key, uint64_t now_ns,
		   bool *is_new)
{
	struct blame_flow *f = place_of(b, key);

	if (!is_same(&f->key, key) || !is_in_quarantine(f, now_ns)) {
		*is_new = false;
		return false;
	}
	*is_new = !f->is_told;
	f->is_told = true;
	b->n_refused++;
	return true;
}

static void note_flow(struct blame *b, const struct flow_key *key,
		      uint64_t now_ns)
{
	struct blame_flow *f = place_of(b, key);

	if (!is_same(&f->key, key))
		*f = (struct blame_flow){ .key = *key };
	if (!is_in_quarantine(f, now_ns))
		f->is_told = false;
	f->asked_ns[f->next] = now_ns;
	f->next = (uint8_t)((f->next + 1) % BLAME_REQUESTS);
}

/* Write a service as "tcp/10.0.0.1:80". */
static void name_service(struct blame_service *s, const struct flow_key *key)
{
	char text[FLOW_TEXT_MAX], *end, *space;

	flow_key_text(key, text, sizeof(text));
	end = strstr(text, " > ");
	if (end)
		*end = '\0';
	space = strrchr(text, ' ');
	if (space)
		*space = '/';
	snprintf(s->text, sizeof(s->text), "%.*s", (int)sizeof(s->text) - 1,
		 text);
}

static void note_service(struct blame *b, const struct flow_key *key)
{
	struct flow_key service = *key;
	struct blame_service *s;

	memset(service.dst, 0, sizeof(service.dst));
	service.dport = 0;
	for (unsigned i = 0; i < b->n_services; i++) {
		if (is_same(&b->services[i].key, &service)) {
			b->services[i].n++;
			return;
		}
	}
	if (b->n_services == BLAME_SERVICES) {
		b->n_others++;
		return;
	}
	s = &b->services[b->n_services++];
	*s = (struct blame_service){ .key = service, .n = 1 };
	name_service(s, key);
}

/**
 * blame_asked() - Count that a request goes out
 * @b:		The tables
 * @key:	The flow that differs; NULL when no flow in particular does
 * @now_ns:	The time, not 0
 */
void blame_asked(struct blame *b, const struct flow_key *key, uint64_t now_ns)
{
	if (!key) {
		b->n_others++;
		return;
	}
	note_flow(b, key, now_ns);
	note_service(b, key);
}

/**
 * blame_most() - Find the service that has asked most often
 * @b:		The tables
 *
 * Return: the service, borrowed; NULL when none has asked
 */
const struct blame_service *blame_most(const struct blame *b)
{
	const struct blame_service *most = NULL;

	for (unsigned i = 0; i < b->n_services; i++)
		if (!most || b->services[i].n > most->n)
			most = &b->services[i];
	return most;
}
