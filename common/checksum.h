/* SPDX-License-Identifier: ISC */
#ifndef COLO_CHECKSUM_H
#define COLO_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/*
 * The Internet checksum (RFC 1071) and its incremental update (RFC 1624,
 * equation 3). Values are in host order; fields in packets are big-endian.
 * checksum_fold() complements: it gives what belongs in the field.
 * And the one of SCTP, CRC-32C, whose field is little-endian.
 */
uint32_t checksum_add(uint32_t sum, const void *data, size_t len);
uint16_t checksum_fold(uint32_t sum);
uint32_t checksum_pseudo(uint8_t ip_version, const uint8_t *src,
			 const uint8_t *dst, uint8_t proto, uint32_t len);
uint32_t checksum_crc32c(const void *data, size_t len);
void checksum_update16(uint8_t *field, uint16_t from, uint16_t to);
void checksum_update32(uint8_t *field, uint32_t from, uint32_t to);
void checksum_update32_at(uint8_t *field, size_t off, uint32_t from,
			  uint32_t to);

#endif
