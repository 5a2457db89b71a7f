/* SPDX-License-Identifier: ISC */
#include "rpc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "rpc_check.h"

#define WRITE_ROOM 512u		/* bytes; it doubles */

/* --- reading --- */

static bool is_uint(const msgpack_object *o)
{
	return o->type == MSGPACK_OBJECT_POSITIVE_INTEGER;
}

static int parse_array(struct rpc_message *m, const msgpack_object_array *a)
{
	const msgpack_object *o = a->ptr;
	uint64_t kind = a->size && is_uint(o) ? o->via.u64 : UINT64_MAX;
	bool has_id = kind != RPC_NOTIFICATION;

	if (kind > RPC_NOTIFICATION || a->size != (has_id ? 4 : 3))
		return -EPROTO;
	m->kind = (enum rpc_kind)kind;
	o++;
	if (has_id) {
		if (!is_uint(o) && !(kind == RPC_RESPONSE &&
				     o->type == MSGPACK_OBJECT_NIL))
			return -EPROTO;
		m->id = is_uint(o) ? o->via.u64 : UINT64_MAX;
		o++;
	}
	if (kind == RPC_RESPONSE) {
		m->error = o[0];
		m->result = o[1];
		return 0;
	}
	if (o[0].type != MSGPACK_OBJECT_STR ||
	    o[1].type != MSGPACK_OBJECT_ARRAY)
		return -EPROTO;
	m->method = o[0].via.str;
	m->params = o[1].via.array;
	return 0;
}

/**
 * rpc_parse() - Read a message
 * @m:		set on success; for rpc_message_fini(). Its texts lie in @bytes,
 *		which must live as long. The id of an answer to what could not be
 *		read is UINT64_MAX
 * @bytes:	the message, without its length
 * @len:	how many
 * @why:	set to what is wrong; static text
 *
 * Return: 0; -EPROTO; -ENOMEM
 */
int rpc_parse(struct rpc_message *m, const uint8_t *bytes, size_t len,
	      const char **why)
{
	int err = rpc_check(bytes, len, why);
	size_t off = 0;

	if (err < 0)
		return err;
	memset(m, 0, sizeof(*m));
	msgpack_unpacked_init(&m->unpacked);
	switch (msgpack_unpack_next(&m->unpacked, (const char *)bytes, len,
				    &off)) {
	case MSGPACK_UNPACK_SUCCESS:
		break;
	case MSGPACK_UNPACK_NOMEM_ERROR:
		err = -ENOMEM;
		*why = "out of memory";
		break;
	default:
		err = -EPROTO;
		*why = "no msgpack";
		break;
	}
	if (err == 0 && m->unpacked.data.type == MSGPACK_OBJECT_ARRAY)
		err = parse_array(m, &m->unpacked.data.via.array);
	else if (err == 0)
		err = -EPROTO;
	if (err == -EPROTO && !*why)
		*why = "not [0, id, method, [params]], [1, id, error, result] "
		       "or [2, method, [params]]";
	if (err < 0)
		rpc_message_fini(m);
	return err;
}

/**
 * rpc_message_fini() - Free what rpc_parse() has made
 * @m:	message
 */
void rpc_message_fini(struct rpc_message *m)
{
	msgpack_unpacked_destroy(&m->unpacked);
}

/**
 * rpc_is() - Is this the text?
 * @s:		of a message
 * @text:	NUL-terminated
 *
 * Return: true if they are the same bytes
 */
bool rpc_is(const msgpack_object_str *s, const char *text)
{
	return s->size == strlen(text) && !memcmp(s->ptr, text, s->size);
}

/**
 * rpc_text() - Copy a text
 * @text:	set to the text with a NUL behind it
 * @size:	room there, bytes
 * @s:		of a message
 *
 * Return: false when it does not fit, or has a NUL in it: nothing is cut
 */
bool rpc_text(char *text, size_t size, const msgpack_object_str *s)
{
	if (s->size >= size || memchr(s->ptr, '\0', s->size))
		return false;
	memcpy(text, s->ptr, s->size);
	text[s->size] = '\0';
	return true;
}

/* --- writing --- */

static int grow(struct rpc_writer *w, size_t need)
{
	size_t room = w->room ? w->room : WRITE_ROOM;
	uint8_t *bytes;

	while (room < need)
		room *= 2;
	bytes = realloc(w->bytes, room);
	if (!bytes)
		return -ENOMEM;
	w->bytes = bytes;
	w->room = room;
	return 0;
}

/* msgpack-c's way to write. */
static int put(void *data, const char *bytes, size_t len)
{
	struct rpc_writer *w = data;

	if (w->is_over || len > w->max - w->len ||
	    (w->len + len > w->room && grow(w, w->len + len) < 0)) {
		w->is_over = true;
		return -1;
	}
	memcpy(w->bytes + w->len, bytes, len);
	w->len += len;
	return 0;
}

/**
 * rpc_writer_init() - Get ready for one message
 * @w:		embedded by the caller; for rpc_writer_fini()
 * @max:	bytes, the prefix included, that the message may have
 */
void rpc_writer_init(struct rpc_writer *w, size_t max)
{
	static const char prefix[RPC_PREFIX_LEN];

	memset(w, 0, sizeof(*w));
	w->max = max;
	msgpack_packer_init(&w->pk, w, put);
	put(w, prefix, sizeof(prefix));
}

/**
 * rpc_writer_fini() - Free what rpc_take() did not take
 * @w:	writer
 */
void rpc_writer_fini(struct rpc_writer *w)
{
	free(w->bytes);
	w->bytes = NULL;
}

/**
 * rpc_request() - Begin a message that asks
 * @w:		a new writer
 * @id:		comes back with the answer
 * @method:	what to call
 * @n_params:	how many objects the caller writes next
 */
void rpc_request(struct rpc_writer *w, uint64_t id, const char *method,
		 uint32_t n_params)
{
	rpc_array(&w->pk, 4);
	rpc_uint(&w->pk, RPC_REQUEST);
	rpc_uint(&w->pk, id);
	rpc_str(&w->pk, method);
	rpc_array(&w->pk, n_params);
}

/**
 * rpc_result() - Begin an answer
 * @w:		a new writer; the caller writes one object next
 * @id:		of the request
 */
void rpc_result(struct rpc_writer *w, uint64_t id)
{
	rpc_array(&w->pk, 4);
	rpc_uint(&w->pk, RPC_RESPONSE);
	rpc_uint(&w->pk, id);
	rpc_nil(&w->pk);
}

/**
 * rpc_error() - Write an answer that says why there is no result
 * @w:		a new writer
 * @id:		of the request; NULL if it could not be read
 * @code:	one word, for programs
 * @text:	a line, for people
 */
void rpc_error(struct rpc_writer *w, const uint64_t *id, const char *code,
	       const char *text)
{
	rpc_array(&w->pk, 4);
	rpc_uint(&w->pk, RPC_RESPONSE);
	if (id)
		rpc_uint(&w->pk, *id);
	else
		rpc_nil(&w->pk);
	rpc_map(&w->pk, 2);
	rpc_str(&w->pk, "code");
	rpc_str(&w->pk, code);
	rpc_str(&w->pk, "text");
	rpc_str(&w->pk, text);
	rpc_nil(&w->pk);
}

/**
 * rpc_notification() - Begin a message that tells
 * @w:		a new writer
 * @method:	what it tells of
 * @n_params:	how many objects the caller writes next
 */
void rpc_notification(struct rpc_writer *w, const char *method,
		      uint32_t n_params)
{
	rpc_array(&w->pk, 3);
	rpc_uint(&w->pk, RPC_NOTIFICATION);
	rpc_str(&w->pk, method);
	rpc_array(&w->pk, n_params);
}

/**
 * rpc_take() - The message is complete
 * @w:		writer
 * @len:	set to its bytes, the prefix included
 *
 * Return: the bytes, for free(); NULL if they were too many, or memory has
 * ended
 */
uint8_t *rpc_take(struct rpc_writer *w, size_t *len)
{
	uint8_t *bytes = w->bytes;

	if (w->is_over)
		return NULL;
	bytes_put32(bytes, (uint32_t)(w->len - RPC_PREFIX_LEN));
	*len = w->len;
	w->bytes = NULL;
	return bytes;
}

/** rpc_str() - Write a text @text that ends with a NUL */
void rpc_str(msgpack_packer *pk, const char *text)
{
	rpc_str_n(pk, text, strlen(text));
}

/** rpc_str_n() - Write a text of @len bytes */
void rpc_str_n(msgpack_packer *pk, const char *text, size_t len)
{
	msgpack_pack_str(pk, len);
	msgpack_pack_str_body(pk, text, len);
}

/** rpc_bin() - Write @len bytes that are no text */
void rpc_bin(msgpack_packer *pk, const void *bytes, size_t len)
{
	msgpack_pack_bin(pk, len);
	msgpack_pack_bin_body(pk, bytes, len);
}

/** rpc_map() - Write the head of a map: @n keys and values follow */
void rpc_map(msgpack_packer *pk, uint32_t n)
{
	msgpack_pack_map(pk, n);
}

/** rpc_array() - Write the head of an array: @n objects follow */
void rpc_array(msgpack_packer *pk, uint32_t n)
{
	msgpack_pack_array(pk, n);
}

/** rpc_uint() - Write a number */
void rpc_uint(msgpack_packer *pk, uint64_t n)
{
	msgpack_pack_uint64(pk, n);
}

/** rpc_bool() - Write true or false */
void rpc_bool(msgpack_packer *pk, bool b)
{
	if (b)
		msgpack_pack_true(pk);
	else
		msgpack_pack_false(pk);
}

/** rpc_nil() - Write that there is nothing */
void rpc_nil(msgpack_packer *pk)
{
	msgpack_pack_nil(pk);
}

/** rpc_put_uint() - Write a key of a map and a number */
void rpc_put_uint(msgpack_packer *pk, const char *key, uint64_t n)
{
	rpc_str(pk, key);
	rpc_uint(pk, n);
}

/** rpc_put_uint_if() - The same; nil for a number that is not known */
void rpc_put_uint_if(msgpack_packer *pk, const char *key, bool is_known,
		     uint64_t n)
{
	rpc_str(pk, key);
	if (is_known)
		rpc_uint(pk, n);
	else
		rpc_nil(pk);
}

/** rpc_put_time() - Write a key and a time, given in us since 1970, as seconds; nil
 * for 0. Nothing else is a floating point number */
void rpc_put_time(msgpack_packer *pk, const char *key, uint64_t us)
{
	rpc_str(pk, key);
	if (us)
		msgpack_pack_double(pk, (double)us / 1e6);
	else
		rpc_nil(pk);
}

/** rpc_put_str() - Write a key of a map and a text, NULL for nil */
void rpc_put_str(msgpack_packer *pk, const char *key, const char *text)
{
	rpc_str(pk, key);
	if (text)
		rpc_str(pk, text);
	else
		rpc_nil(pk);
}
