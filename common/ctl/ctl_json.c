/* SPDX-License-Identifier: ISC */
/* Between what sockets carry and what shells read. */
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

/* What a process says must not steer a terminal. Return: bytes of the control
 * character there, in UTF-8; 0 if it is none */
static size_t control_len(const unsigned char *at, size_t left)
{
	if (*at < ' ' || *at == 0x7f)
		return 1;
	return left > 1 && *at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0 ? 2 : 0;
}

static void clean(char *bytes, size_t len)
{
	for (size_t i = 0, n; i < len; i += n ? n : 1) {
		n = control_len((unsigned char *)bytes + i, len - i);
		memset(bytes + i, '?', n);
	}
}

/* Bytes that are no UTF-8 become question marks, like control characters. */
static json_t *text_of(const char *bytes, size_t len)
{
	char *copy = calloc(1, len + 1);
	json_t *j;

	if (!copy)
		abort();
	if (len)			/* else there may be no @bytes */
		memcpy(copy, bytes, len);
	clean(copy, len);
	j = json_stringn(copy, len);
	for (size_t i = 0; !j && i < len; i++)
		copy[i] = (char)(copy[i] & 0x80 ? '?' : copy[i]);
	j = j ? j : json_stringn(copy, len);
	free(copy);
	return j;
}

/* JSON has no infinity, and no number that is none. */
static json_t *real_of(double value)
{
	json_t *j = json_real(value);

	return j ? j : json_null();
}

static json_t *array_of(const msgpack_object_array *a)
{
	json_t *j = json_array();

	for (uint32_t i = 0; i < a->size; i++)
		json_array_append_new(j, ctl_json_of(&a->ptr[i]));
	return j;
}

static json_t *object_of(const msgpack_object_map *m)
{
	json_t *j = json_object();

	for (uint32_t i = 0; i < m->size; i++) {
		const msgpack_object *key = &m->ptr[i].key;
		json_t *name = ctl_json_of(key);

		if (json_is_string(name))
			json_object_set_new(j, json_string_value(name),
					    ctl_json_of(&m->ptr[i].val));
		json_decref(name);
	}
	return j;
}

/**
 * ctl_json_of() - The same as JSON
 * @o:	an object of a message
 *
 * Return: a new reference; null for what JSON does not have. Its texts have question
 * marks for control characters
 */
json_t *ctl_json_of(const msgpack_object *o)
{
	switch (o->type) {
	case MSGPACK_OBJECT_BOOLEAN:
		return json_boolean(o->via.boolean);
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		return json_integer((json_int_t)o->via.u64);
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		return json_integer((json_int_t)o->via.i64);
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		return real_of(o->via.f64);
	case MSGPACK_OBJECT_STR:
		return text_of(o->via.str.ptr, o->via.str.size);
	case MSGPACK_OBJECT_BIN:
		return text_of(o->via.bin.ptr, o->via.bin.size);
	case MSGPACK_OBJECT_ARRAY:
		return array_of(&o->via.array);
	case MSGPACK_OBJECT_MAP:
		return object_of(&o->via.map);
	default:
		return json_null();
	}
}

static void pack_integer(msgpack_packer *pk, json_int_t n)
{
	if (n < 0)
		msgpack_pack_int64(pk, n);
	else
		rpc_uint(pk, (uint64_t)n);
}

static void pack_array(msgpack_packer *pk, const json_t *j)
{
	size_t n = json_array_size(j);

	rpc_array(pk, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		ctl_json_pack(pk, json_array_get(j, i));
}

static void pack_object(msgpack_packer *pk, const json_t *j)
{
	const char *key;
	json_t *value;

	rpc_map(pk, (uint32_t)json_object_size(j));
	json_object_foreach((json_t *)j, key, value) {
		rpc_str(pk, key);
		ctl_json_pack(pk, value);
	}
}

/**
 * ctl_json_pack() - Write JSON as an object of a message
 * @pk:	gets it
 * @j:	borrowed
 */
void ctl_json_pack(msgpack_packer *pk, const json_t *j)
{
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		pack_object(pk, j);
		break;
	case JSON_ARRAY:
		pack_array(pk, j);
		break;
	case JSON_STRING:
		rpc_str_n(pk, json_string_value(j), json_string_length(j));
		break;
	case JSON_INTEGER:
		pack_integer(pk, json_integer_value(j));
		break;
	case JSON_REAL:
		msgpack_pack_double(pk, json_real_value(j));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		rpc_bool(pk, json_is_true(j));
		break;
	case JSON_NULL:
		rpc_nil(pk);
		break;
	}
}

/**
 * ctl_json_word() - What a word of the command line means
 * @word:	digits are a number, true and false are switches, all else is text
 *
 * Return: a new reference
 */
json_t *ctl_json_word(const char *word)
{
	json_t *j;

	if (*word && strspn(word, "0123456789") == strlen(word) &&
	    strlen(word) < 19)
		return json_integer(strtoll(word, NULL, 10));
	if (!strcmp(word, "true") || !strcmp(word, "false"))
		return json_boolean(*word == 't');
	j = json_string(word);
	return j ? j : text_of(word, strlen(word));
}
