/* SPDX-License-Identifier: ISC */
#ifndef COLO_LINK_TYPE_H
#define COLO_LINK_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_TYPE_RESERVED 0xffffu	/* nobody's EtherType: it is not known
					   what follows */

bool link_type_is_known(int linktype);
int link_type_skip(int linktype, const uint8_t *p, size_t len,
		   uint16_t *ethertype);

#endif
