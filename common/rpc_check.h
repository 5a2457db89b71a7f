/* SPDX-License-Identifier: ISC */
#ifndef COLO_RPC_CHECK_H
#define COLO_RPC_CHECK_H

#include <stddef.h>
#include <stdint.h>

/*
 * Is it safe to give a message to msgpack-c? rpc_parse() asks that first.
 */
int rpc_check(const uint8_t *bytes, size_t len, const char **why);

#endif
