/* SPDX-License-Identifier: ISC */
#ifndef COLO_LINK_WIFI_H
#define COLO_LINK_WIFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int link_wifi_skip(bool has_radiotap, const uint8_t *p, size_t len,
		   uint16_t *ethertype);

#endif
