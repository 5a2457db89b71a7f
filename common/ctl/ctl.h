/* SPDX-License-Identifier: ISC */
#ifndef COLO_CTL_H
#define COLO_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../rpc.h"

/*
 * colo-ctl: the shell's hand on the control sockets. It knows no method and no
 * program by name but status, stats and subscribe: whatever a process says it
 * can be asked, can be asked.
 */
enum ctl_exit {
	CTL_OK,			/* status: protected */
	CTL_NOT,		/* status: not protected; else: refused */
	CTL_USAGE,
	CTL_UNREACHABLE,
};

#define CTL_SOCKETS_MAX 64u

struct ctl_options {
	const char *sockets[CTL_SOCKETS_MAX];
	unsigned n_sockets;
	bool is_found;		/* nobody has said which: more may come */
	bool has_too_many;	/* found: for some there was no room */
	bool is_json;
	json_t *metrics;	/* gathered for Prometheus; NULL: not wanted */
	unsigned timeout_s;
};

/* A process at the other end of a socket. */
struct ctl {
	const char *path;
	char name[64];		/* the file's, without .ctl */
	int fd;			/* -1: unreachable */
	char error[224];	/* then: why, and what its runner says */
	uint64_t last_id;
	uint8_t *in;		/* of what the process says */
	size_t in_len, in_room;
};

/* ctl_find.c */
int ctl_find(struct ctl_options *o, bool waits);
unsigned ctl_find_more(struct ctl_options *o, struct ctl *v);
json_t *ctl_find_others(const struct ctl_options *o);

/* ctl_runner.c */
json_t *ctl_runner_line(const char *socket);
json_t *ctl_runner_lines(const char *dir);
char *ctl_runner_text(const json_t *line);

/* ctl_link.c */
int ctl_link_open(struct ctl *c, const char *path);
void ctl_link_reopen(struct ctl *c);
void ctl_link_close(struct ctl *c);
int ctl_link_send(struct ctl *c, const char *method, const json_t *params);
int ctl_link_read(struct ctl *c, struct rpc_message *m, int timeout_ms);
void ctl_link_next(struct ctl *c, struct rpc_message *m);

/* ctl_json.c */
json_t *ctl_json_of(const msgpack_object *o);
void ctl_json_pack(msgpack_packer *pk, const json_t *j);
json_t *ctl_json_word(const char *word);

/* ctl_print.c */
void ctl_print_json(const char *name, const char *key, const json_t *value);
void ctl_print_time(char *text, size_t size, double seconds);
void ctl_print_text(const char *name, const json_t *value);
void ctl_print_error(const struct ctl *c, const struct ctl_options *o,
		     const json_t *error);
void ctl_print_unreachable(const struct ctl *c, const struct ctl_options *o);

/* ctl_prometheus.c */
void ctl_prometheus_add(json_t *metrics, const char *name, const json_t *stats);
void ctl_prometheus_print(const json_t *metrics);

/* ctl_signal.c */
int ctl_signal_open(void);
bool ctl_signal_wait(int fd, int more, const struct ctl *v, unsigned n,
		     int timeout_ms);
uint64_t ctl_signal_now_ms(void);

/* ctl_status.c */
#define CTL_STATUS_UNREACHABLE "UNREACHABLE"

unsigned ctl_status_rank(const char *state);
int ctl_status(struct ctl *v, unsigned n, const struct ctl_options *o);
int ctl_status_wait(struct ctl *v, struct ctl_options *o, const char *state);
int ctl_status_watch(struct ctl *v, struct ctl_options *o);

/* ctl_watch.c */
int ctl_watch(struct ctl *v, struct ctl_options *o);

/* ctl_top.c */
int ctl_top(struct ctl *v, struct ctl_options *o);

/* ctl_ask.c */
json_t *ctl_ask(struct ctl *c, const char *method, const json_t *params,
		const struct ctl_options *o);
int ctl_ask_all(struct ctl *v, unsigned n, const struct ctl_options *o,
		int argc, char **argv);
int ctl_ask_capture(struct ctl *c, const struct ctl_options *o, int argc,
		    char **argv);
int ctl_ask_bridge(struct ctl *c, const struct ctl_options *o);

#endif
