/* SPDX-License-Identifier: ISC */
#ifndef COLO_RPC_H
#define COLO_RPC_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Messages of msgpack-RPC, pure: [0, id, method, params] asks, [1, id, error,
 * result] answers, [2, method, params] tells. On a control socket each stands
 * behind its length, as frames do on a data socket.
 */
#define RPC_LEN_MAX	65536u	/* bytes of a message that asks */
#define RPC_DEPTH_MAX	8u	/* arrays and maps within each other */
#define RPC_PREFIX_LEN	4u	/* bytes of the length before a message */

enum rpc_kind { RPC_REQUEST, RPC_RESPONSE, RPC_NOTIFICATION };

struct rpc_message {
	enum rpc_kind kind;
	uint64_t id;			/* not of a notification */
	msgpack_object_str method;	/* not of a response */
	msgpack_object_array params;	/* likewise */
	msgpack_object error, result;	/* of a response */
	msgpack_unpacked unpacked;	/* owns all of the above */
};

int rpc_parse(struct rpc_message *m, const uint8_t *bytes, size_t len,
	      const char **why);
void rpc_message_fini(struct rpc_message *m);
bool rpc_is(const msgpack_object_str *s, const char *text);
bool rpc_text(char *text, size_t size, const msgpack_object_str *s);

/* A message that is being written, its prefix included. */
struct rpc_writer {
	msgpack_packer pk;
	uint8_t *bytes;			/* rpc_take() gives them away */
	size_t len, room, max;
	bool is_over;			/* more than max, or no memory */
};

void rpc_writer_init(struct rpc_writer *w, size_t max);
void rpc_writer_fini(struct rpc_writer *w);
void rpc_request(struct rpc_writer *w, uint64_t id, const char *method,
		 uint32_t n_params);
void rpc_result(struct rpc_writer *w, uint64_t id);
void rpc_error(struct rpc_writer *w, const uint64_t *id, const char *code,
	       const char *text);
void rpc_notification(struct rpc_writer *w, const char *method,
		      uint32_t n_params);
uint8_t *rpc_take(struct rpc_writer *w, size_t *len);

/* Objects, one each. */
void rpc_str(msgpack_packer *pk, const char *text);
void rpc_str_n(msgpack_packer *pk, const char *text, size_t len);
void rpc_bin(msgpack_packer *pk, const void *bytes, size_t len);
void rpc_map(msgpack_packer *pk, uint32_t n);
void rpc_array(msgpack_packer *pk, uint32_t n);
void rpc_uint(msgpack_packer *pk, uint64_t n);
void rpc_bool(msgpack_packer *pk, bool b);
void rpc_nil(msgpack_packer *pk);

/* Of a map: a key and what belongs to it. */
void rpc_put_uint(msgpack_packer *pk, const char *key, uint64_t n);
void rpc_put_uint_if(msgpack_packer *pk, const char *key, bool is_known,
		     uint64_t n);
void rpc_put_time(msgpack_packer *pk, const char *key, uint64_t us);
void rpc_put_str(msgpack_packer *pk, const char *key, const char *text);

#endif
