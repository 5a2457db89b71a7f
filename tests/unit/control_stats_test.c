/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "../../common/control_stats.h"
#include "test.h"

static const char *metric(const struct stats_def *def, const char *of)
{
	static char text[CONTROL_STATS_METRIC_MAX];
	const struct stats_row row = { def, of, 1, NULL };

	control_stats_metric(&row, text, sizeof(text));
	return text;
}

#define CHECK_METRIC(of, expected, ...)                                 \
	do {                                                            \
		const struct stats_def def_ = { __VA_ARGS__ };          \
		CHECK(!strcmp(metric(&def_, of), expected));            \
	} while (0)

static void a_metric_has_its_unit_and_kind(void)
{
	CHECK_METRIC(NULL, "colo_ack_lowered_segments_total", "ack", "lowered",
		     "segments", "Help.", .label = NULL);
	CHECK_METRIC(NULL, "colo_flows_half_open", "flows", "half-open",
		     "flows", "Help.", .is_gauge = true);
	CHECK_METRIC(NULL, "colo_held_pinned_bytes", "held", "pinned-bytes",
		     "bytes", "Help.", .is_gauge = true);
	/* a unit that is in the name already is not said twice */
	CHECK_METRIC(NULL, "colo_checkpoint_asked_total", "checkpoint", "asked",
		     "checkpoints", "Help.", .label = NULL);
}

static void time_is_in_seconds(void)
{
	CHECK_METRIC(NULL, "colo_checkpoint_spent_seconds_total", "checkpoint",
		     "spent-ms", "ms", "Help.", .label = NULL);
	CHECK_METRIC(NULL, "colo_checkpoint_last_seconds", "checkpoint",
		     "last-ms", "ms", "Help.", .is_gauge = true);
}

static void rows_with_a_label_are_one_metric(void)
{
	CHECK_METRIC(NULL, "colo_dropped_frames_total", "dropped", "full",
		     "frames", "Help.", .label = "reason");
	CHECK_METRIC("tcp/10.0.0.1:80", "colo_blame_checkpoints_total", "blame",
		     NULL, "checkpoints", "Help.", .label = "service");
	CHECK_METRIC("net-in", "colo_endpoint_in_frames_total", NULL, "in",
		     "frames", "Help.", .label = "endpoint");
	CHECK_METRIC("net-in", "colo_endpoint_queued_frames", NULL, "queued",
		     "frames", "Help.", .label = "endpoint", .is_gauge = true);
}

static void a_histogram_is_of_seconds(void)
{
	const struct stats_def def = { "hold", "time", "frames", "Help.",
				       .label = NULL };
	struct histogram h = { 0 };
	const struct stats_row row = { &def, NULL, 0, &h };
	char text[CONTROL_STATS_METRIC_MAX];

	control_stats_metric(&row, text, sizeof(text));
	CHECK(!strcmp(text, "colo_hold_time_seconds"));
}

int main(void)
{
	TEST(a_metric_has_its_unit_and_kind);
	TEST(time_is_in_seconds);
	TEST(rows_with_a_label_are_one_metric);
	TEST(a_histogram_is_of_seconds);
	return TEST_END();
}
