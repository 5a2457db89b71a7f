/* SPDX-License-Identifier: ISC */
#include <assert.h>

#include "../../common/endpoint_spec.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct endpoint_spec spec;
	char err[64] = "";
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	if (endpoint_spec_parse(&spec, text, err, sizeof(err)))
		assert(*err);
	else
		assert(spec.kind != ENDPOINT_UNSET);
	free(text);
	return 0;
}
