/* SPDX-License-Identifier: ISC */
#ifndef COLO_TEST_H
#define COLO_TEST_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The whole unit test harness: TEST(f) runs `static void f(void)`; CHECK()
 * ends the program at the first thing that is not so. main() ends with
 * TEST_END(), which prints what `make check` counts.
 */
static unsigned test_count;

#define CHECK(cond)                                                          \
	do {                                                                 \
		if (!(cond)) {                                               \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__,     \
				__LINE__, #cond);                            \
			exit(1);                                             \
		}                                                            \
	} while (0)

#define CHECK_EQ(a, b)                                                       \
	do {                                                                 \
		unsigned long long a_ = (unsigned long long)(a);             \
		unsigned long long b_ = (unsigned long long)(b);             \
		if (a_ != b_) {                                              \
			fprintf(stderr, "%s:%d: %s is %llu (%#llx), not "    \
				"%llu (%#llx)\n", __FILE__, __LINE__, #a,    \
				a_, a_, b_, b_);                             \
			exit(1);                                             \
		}                                                            \
	} while (0)

/* AddressSanitizer keeps what was freed, and its shadow is memory, too. */
#if defined(__SANITIZE_ADDRESS__)
#define IS_ASAN true
#elif defined(__has_feature)
#define IS_ASAN __has_feature(address_sanitizer)
#else
#define IS_ASAN false
#endif

#define TEST(f)                                                              \
	do {                                                                 \
		f();                                                         \
		test_count++;                                                \
		printf("ok %u - %s\n", test_count, #f);                      \
	} while (0)

#define TEST_END() (printf("1..%u\n", test_count), 0)

#endif
