/* SPDX-License-Identifier: ISC */
/* What the options say, in the terms of the comparison and of the report. */
#include <sys/random.h>

#include "../../common/time.h"
#include "live.h"

/**
 * live_is_capture - are both inputs captures?
 * @options:	as given
 *
 * Return: true when this is a diff of two recordings
 */
bool live_is_capture(const struct live_options *options)
{
	return options->primary_in.kind == ENDPOINT_PCAP &&
	       options->secondary_in.kind == ENDPOINT_PCAP;
}

static uint64_t ns_of(uint64_t ms)
{
	return ms == LIVE_AT_END_MS ? COMPARE_AT_END_NS : ms * NS_PER_MS;
}

/**
 * live_compare_config - what the comparison is told
 * @o:		the options
 *
 * Return: its configuration, with a seed of its own
 */
struct compare_config live_compare_config(const struct live_options *o)
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
		.report_only = o->dry_run || live_is_capture(o),
		.ack_policy = (enum compare_ack_policy)o->ack_policy,
	};

	if (live_is_capture(o)) {
		config.ignore_mac = !o->l2;
		config.ignore_addr = !o->l3;
		config.own_isn = o->isn == LIVE_ISN_OWN;
		config.pair_order = o->pair == LIVE_PAIR_ORDER;
	}
	if (getrandom(&config.seed, sizeof(config.seed), 0) < 0)
		config.seed = 1;
	return config;
}
