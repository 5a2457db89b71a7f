/* SPDX-License-Identifier: ISC */
#ifndef COLO_ENDPOINT_SPEC_H
#define COLO_ENDPOINT_SPEC_H

#include "endpoint_types.h"

bool endpoint_spec_is_lasting(const struct endpoint_spec *spec);
int endpoint_spec_parse(struct endpoint_spec *spec, const char *text,
			char *err, size_t err_len);
int endpoint_spec_capture(struct endpoint_spec *spec, const char *path);
bool endpoint_spec_allows(const struct endpoint_spec *spec,
			  const uint8_t addr[16]);

#endif
