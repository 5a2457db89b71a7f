/* SPDX-License-Identifier: ISC */
#ifndef COLO_CAPTURE_PIPE_H
#define COLO_CAPTURE_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * What has come through a pipe that a capture is read from. Whoever parses it
 * reads from a FILE, and would wait there with all else: so it asks first
 * whether enough has come.
 */
struct capture_pipe;

struct capture_pipe *capture_pipe_new(int fd);
FILE *capture_pipe_file(struct capture_pipe *p);
bool capture_pipe_fill(struct capture_pipe *p);
bool capture_pipe_has(const struct capture_pipe *p, size_t len);
void capture_pipe_clear(struct capture_pipe *p, size_t begin, size_t end);
const uint8_t *capture_pipe_peek(const struct capture_pipe *p, size_t len);

#endif
