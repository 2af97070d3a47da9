// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* rpc.c - JSON-RPC 2.0: one line in, one line out */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <base/log.h>
#include <daemon/rpc.h>
#include <model/json_value.h>

int rpc_fail(struct rpc_error *error, int code, const char *fmt, ...)
{
	va_list args;
	char *text;

	error->code = code;
	buf_clear(&error->message);
	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		abort();
	va_end(args);
	buf_str(&error->message, text);
	free(text);
	return -1;
}

void rpc_findings(struct jsonw *w, const char *key, const struct diags *diags)
{
	unsigned int i;

	jsonw_array(w, key);
	for (i = 0; i < diags->n; i++) {
		const struct diag *diag = &diags->v[i];

		jsonw_object(w, NULL);
		jsonw_str(w, "path", diag->path);
		jsonw_bool(w, "key", diag->key);
		jsonw_i64(w, "offset", diag->offset);
		jsonw_i64(w, "length", diag->len);
		jsonw_i64(w, "line", diag->line);
		jsonw_i64(w, "column", diag->column);
		jsonw_str(w, "code", diag->code);
		jsonw_str(w, "message", diag->message);
		jsonw_str(w, "hint", diag->hint);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

int rpc_fail_diags(struct rpc_error *error, const struct diags *diags)
{
	struct jsonw w;

	buf_clear(&error->findings);
	jsonw_init(&w, &error->findings, false);
	rpc_findings(&w, NULL, diags);
	if (diags->total > 1)
		return rpc_fail(error, SHUNT_CLIENT_INVALID, "%s: %s, and %u more",
				diags->v[0].path, diags->v[0].message, diags->total - 1);
	return rpc_fail(error, SHUNT_CLIENT_INVALID, "%s: %s", diags->v[0].path,
			diags->v[0].message);
}

int rpc_fail_err(struct rpc_error *error, int code, const struct err *err)
{
	struct diag diag = { .path = err->path, .offset = -1, .code = "refused",
			     .message = err->text };
	struct diags diags = { .n = 1, .total = 1, .v = { diag } };
	struct jsonw w;

	if (*err->path) {
		buf_clear(&error->findings);
		jsonw_init(&w, &error->findings, false);
		rpc_findings(&w, NULL, &diags);
	}
	return rpc_fail(error, code, "%s", err->text);
}

int rpc_text(const struct rpc_call *call, const char *name, const char **ret_text,
	     struct rpc_error *error)
{
	const json_t *value = json_object_get(call->params, name);

	if (!json_is_string(value))
		return rpc_fail(error, RPC_BAD_PARAMS, "'%s' wants '%s', a string", call->method,
				name);
	*ret_text = json_string_value(value);
	return 0;
}

const char *rpc_text_or(const struct rpc_call *call, const char *name, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(call->params, name));

	return text ? text : otherwise;
}

json_int_t rpc_number_or(const struct rpc_call *call, const char *name, json_int_t otherwise)
{
	const json_t *value = json_object_get(call->params, name);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

int rpc_cursor(const struct rpc_call *call, uint64_t *ret_cursor, struct rpc_error *error)
{
	const char *text = rpc_text_or(call, "cursor", "0");
	char *end;

	errno = 0;
	*ret_cursor = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno)
		return rpc_fail(error, RPC_BAD_PARAMS, "'%s' wants 'cursor', as an answer had it",
				call->method);
	return 0;
}

bool rpc_flag(const struct rpc_call *call, const char *name)
{
	return json_is_true(json_object_get(call->params, name));
}

int rpc_words(const struct rpc_call *call, const char *name, const char ***ret_word,
	      unsigned int *ret_n, struct rpc_error *error)
{
	const json_t *list = json_object_get(call->params, name), *item;
	const char **word;
	size_t i;

	if (!json_is_array(list) || !json_array_size(list))
		return rpc_fail(error, RPC_BAD_PARAMS, "'%s' wants '%s', a list of strings",
				call->method, name);
	word = calloc(json_array_size(list) + 1, sizeof(*word));
	if (!word)
		abort();
	json_array_foreach(list, i, item) {
		word[i] = json_string_value(item);
		if (!word[i]) {
			free(word);
			return rpc_fail(error, RPC_BAD_PARAMS,
					"'%s': item %zu of '%s' is no string", call->method, i,
					name);
		}
	}
	*ret_word = word;
	*ret_n = json_array_size(list);
	return 0;
}

static const struct rpc_method *rpc_method_find(const char *name)
{
	const struct rpc_method *method;

	for (method = rpc_methods; method->name; method++)
		if (!strcmp(method->name, name))
			return method;
	return NULL;
}

/* A parameter of one name has one type, whatever the method */
static const struct rpc_type {
	const char *name;
	json_type type;
	const char *what;
} rpc_types[] = {
	{ "add", JSON_TRUE, "true or false" },
	{ "all", JSON_TRUE, "true or false" },
	{ "before", JSON_STRING, "a string" },
	{ "chain", JSON_STRING, "a string" },
	{ "comment", JSON_STRING, "a string" },
	{ "config", JSON_OBJECT, "an object" },
	{ "confirm_s", JSON_INTEGER, "a number from 0 to 4294967295" },
	{ "cursor", JSON_STRING, "a string" },
	{ "dev", JSON_STRING, "a string" },
	{ "dry_run", JSON_TRUE, "true or false" },
	{ "elements", JSON_ARRAY, "a list of strings" },
	{ "filter", JSON_STRING, "a string" },
	{ "generation", JSON_INTEGER, "a number from 0 to 4294967295" },
	{ "graph", JSON_STRING, "a string" },
	{ "hook", JSON_STRING, "a string" },
	{ "id", JSON_STRING, "a string" },
	{ "index", JSON_INTEGER, "a number from 0 to 4294967295" },
	{ "key", JSON_ARRAY, "a list of strings" },
	{ "limit", JSON_INTEGER, "a number from 0 to 4294967295" },
	{ "module", JSON_STRING, "a string" },
	{ "node", JSON_STRING, "a string" },
	{ "packet", JSON_STRING, "a string" },
	{ "rule", JSON_STRING, "a string" },
	{ "set", JSON_STRING, "a string" },
	{ "steps", JSON_INTEGER, "a number from 0 to 4294967295" },
	{ "table", JSON_STRING, "a string" },
	{ "text", JSON_STRING, "a string" },
	{ "timeout", JSON_STRING, "a string" },
	{ "to", JSON_INTEGER, "a number from 0 to 4294967295" },
	{ "value", JSON_ARRAY, "a list of strings" },
	{}
};

static bool rpc_is_of(const struct rpc_type *type, const json_t *value)
{
	if (type->type == JSON_TRUE)
		return json_is_boolean(value);
	if (json_typeof(value) != type->type)
		return false;
	return !json_is_integer(value) ||
	       (json_integer_value(value) >= 0 && json_integer_value(value) <= UINT32_MAX);
}

/* What is of another type is refused, never taken for absent: "dry_run":"true" must not apply */
static int rpc_check_type(const struct rpc_method *method, const char *name, const json_t *value,
			  struct rpc_error *error)
{
	const struct rpc_type *type;

	for (type = rpc_types; type->name; type++)
		if (!strcmp(type->name, name) && !json_is_null(value) && !rpc_is_of(type, value))
			return rpc_fail(error, RPC_BAD_PARAMS, "'%s' wants '%s', %s", method->name,
					name, type->what);
	return 0;
}

static int rpc_check_params(const struct rpc_method *method, const struct rpc_call *call,
			    struct rpc_error *error)
{
	const char *key;
	json_t *value;
	unsigned int i;

	json_object_foreach(call->params, key, value) {
		for (i = 0; i < 8 && method->params[i]; i++)
			if (!strcmp(method->params[i], key))
				break;
		if (i == 8 || !method->params[i])
			return rpc_fail(error, RPC_BAD_PARAMS, "'%s' has no parameter '%s'",
					method->name, key);
		if (rpc_check_type(method, key, value, error) < 0)
			return -1;
	}
	return 0;
}

static int rpc_dispatch(struct daemon *daemon, const struct rpc_call *call, struct jsonw *w,
			struct rpc_error *error)
{
	const struct rpc_method *method = rpc_method_find(call->method);

	if (!method)
		return rpc_fail(error, RPC_NO_METHOD, "no method '%s'", call->method);
	if (call->peer->offline && !(method->flags & RPC_OFFLINE))
		return rpc_fail(error, RPC_NO_METHOD, "'%s' needs a running daemon", call->method);
	if (call->peer->read_only && !(method->flags & RPC_READ))
		return rpc_fail(error, RPC_NO_METHOD,
				"'%s' changes things: not on the read-only socket", call->method);
	if (rpc_check_params(method, call, error) < 0)
		return -1;
	if (!(method->flags & RPC_READ))
		log_info("%s by pid %d uid %u gid %u", call->method, call->peer->pid,
			 call->peer->uid, call->peer->gid);
	return method->handler(daemon, call, w, error);
}

static int rpc_request(struct daemon *daemon, const struct rpc_peer *peer, const json_t *request,
		       struct jsonw *w, struct rpc_error *error)
{
	const char *version = json_string_value(json_object_get(request, "jsonrpc"));
	const char *method = json_string_value(json_object_get(request, "method"));
	json_t *params = json_object_get(request, "params"), *none = NULL;
	struct rpc_call call = { .peer = peer, .method = method };
	int r;

	if (!json_is_object(request))
		return rpc_fail(error, RPC_INVALID_REQUEST,
				"a request is one JSON object; no batches");
	if (!version || strcmp(version, "2.0") || !method)
		return rpc_fail(error, RPC_INVALID_REQUEST, "no JSON-RPC 2.0 request");
	if (!json_object_get(request, "id"))
		return rpc_fail(error, RPC_INVALID_REQUEST, "a request needs an id");
	if (params && !json_is_object(params))
		return rpc_fail(error, RPC_BAD_PARAMS, "'%s': parameters go by name", method);
	call.params = params ? params : (none = json_object());
	r = rpc_dispatch(daemon, &call, w, error);
	json_decref(none);
	return r;
}

static void rpc_write_error(struct jsonw *w, const struct rpc_error *error)
{
	jsonw_object(w, "error");
	jsonw_i64(w, "code", error->code);
	jsonw_str(w, "message", error->message.data ? error->message.data : "");
	if (error->findings.len) {
		jsonw_object(w, "data");
		jsonw_raw(w, "errors", error->findings.data);
		jsonw_object_end(w);
	}
	jsonw_object_end(w);
}

static void rpc_write_id(struct jsonw *w, const json_t *request)
{
	json_t *id = json_is_object(request) ? json_object_get(request, "id") : NULL;
	char *text;

	if (!json_is_string(id) && !json_is_integer(id)) {
		jsonw_null(w, "id");
		return;
	}
	text = json_dumps(id, JSON_COMPACT | JSON_ENCODE_ANY);
	jsonw_raw(w, "id", text ? text : "null");
	free(text);
}

void rpc_serve(struct daemon *daemon, const struct rpc_peer *peer, const char *line, size_t len,
	       struct buf *answer)
{
	struct rpc_error error = {};
	struct buf result = {};
	json_error_t why;
	json_t *request;
	struct jsonw w;
	int r;

	request = json_value_read(line, len);
	if (!request)
		request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);
	jsonw_init(&w, &result, false);
	jsonw_object(&w, NULL);
	jsonw_u64(&w, "schema", 1);
	if (request)
		r = rpc_request(daemon, peer, request, &w, &error);
	else
		r = rpc_fail(&error, RPC_PARSE_ERROR, "no JSON at column %d: %s", why.column,
			     why.text);
	jsonw_object_end(&w);
	jsonw_init(&w, answer, false);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "jsonrpc", "2.0");
	rpc_write_id(&w, request);
	if (r < 0)
		rpc_write_error(&w, &error);
	else
		jsonw_raw(&w, "result", result.data);
	jsonw_object_end(&w);
	buf_char(answer, '\n');
	json_decref(request);
	buf_fini(&result);
	buf_fini(&error.message);
	buf_fini(&error.findings);
}
