/* SPDX-License-Identifier: ISC */
#ifndef COLO_TIME_H
#define COLO_TIME_H

#include <stdint.h>

/* Times are nanoseconds in a uint64_t. */
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

#endif
