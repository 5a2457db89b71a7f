/* SPDX-License-Identifier: ISC */
#ifndef COLO_SCHEDULE_SERVICE_H
#define COLO_SCHEDULE_SERVICE_H

#include <stddef.h>

#include "types.h"

struct service_set {
	struct service v[SERVICES_MAX];
	uint16_t n;
};

bool service_parse(struct service *svc, const char *text, char *why,
		   size_t size);
uint16_t service_find(const struct service_set *set,
		      const struct flow_key *key);
uint16_t service_find_id(const struct service_set *set, uint64_t id);
uint16_t service_of_vmac(const struct service_set *set, uint8_t ip_version,
			 const uint8_t *addr);
bool service_parse_seconds(const char *text, uint32_t *s);
bool service_parse_mac(const char *text, uint8_t mac[6]);

#endif
