/* SPDX-License-Identifier: ISC */
#include "live/live.h"

int main(int argc, char **argv)
{
	static struct live_options options;
	static struct live live;

	switch (live_options_parse(&options, &live, argc, argv)) {
	case OPTION_RUN:
		break;
	case OPTION_DONE:
		return 0;
	case OPTION_USAGE:
		return 2;
	}
	return live_run(&live, &options);
}
