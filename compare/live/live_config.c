/* SPDX-License-Identifier: ISC */
#include "live_config.h"

#include <sys/random.h>

#include "../../common/time.h"

#define GAP_SHARE 10		/* of compare-timeout, for a gap */

static uint64_t ns_of(uint64_t ms)
{
	return ms == LIVE_OPTIONS_AT_END_MS ? COMPARE_AT_END_NS :
					      ms * NS_PER_MS;
}

/* What of the comparison depends on whether a checkpoint is to be had. */
static void set_checkpoint(struct compare_config *c, enum checkpoint_mode mode)
{
	c->holds = mode == CHECKPOINT_HOLD;
	c->full_waits = mode == CHECKPOINT_NONE;
	if (mode != CHECKPOINT_NONE)
		c->gap_ns = c->timeout_ns / GAP_SHARE;
}

static void set_captures(struct compare_config *c, const struct live_options *o)
{
	c->compare_unknown = c->repeats = true;
	c->ignore_mac = !o->l2;
	c->ignore_addr = !o->l3;
	c->own_isn = o->isn == LIVE_ISN_OWN;
	c->pair_order = o->pair == LIVE_PAIR_ORDER;
}

/**
 * live_config_of() - Configure the comparison as the options say
 * @o:		The options
 * @roster:	Of both captures, borrowed by the comparison; or NULL
 *
 * Return: the configuration, with a random seed
 */
struct compare_config live_config_of(const struct live_options *o,
				     struct roster *roster)
{
	struct compare_config config = {
		.timeout_ns = ns_of(o->timeout_ms),
		.reorder_ns = ns_of(o->reorder_ms),
		.max_queue = (uint32_t)o->max_queue,
		.max_bytes = o->max_bytes,
		.max_flow_bytes = o->max_flow_bytes,
		.max_client_bytes = o->max_client_bytes,
		.max_flows = (uint32_t)o->max_flows,
		.compare_non_ip = o->non_ip == LIVE_NON_IP_COMPARE,
		.roster = roster,
		.report_only = o->dry_run || live_options_is_capture(o),
		.ack_policy = (enum compare_ack_policy)o->ack_policy,
	};

	set_checkpoint(&config, o->choice.mode);
	if (live_options_is_capture(o))
		set_captures(&config, o);
	if (getrandom(&config.seed, sizeof(config.seed), 0) < 0)
		config.seed = 1;
	return config;
}
