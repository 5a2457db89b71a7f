/* SPDX-License-Identifier: ISC */
/*
 * A harness without a fuzzer: runs each input of a directory once. So the
 * seeds, and what the fuzzers have found, are tests that need no clang. Each
 * input has a process of its own: one that fails is named, and the rest are run.
 *
 * usage: replay DIRECTORY
 */
#include <dirent.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

#define INPUT_MAX (1u << 20)

static void die(const char *what, const char *name)
{
	fprintf(stderr, "replay: %s: %s\n", name, what);
	exit(1);
}

/* In memory of its own length, so that a sanitizer sees the end of it. */
static void replay(const char *path)
{
	static uint8_t room[INPUT_MAX];
	FILE *file = fopen(path, "rb");
	uint8_t *input;
	size_t len;

	if (!file)
		die("cannot be read", path);
	len = fread(room, 1, sizeof(room), file);
	if (ferror(file) || len == sizeof(room))
		die("cannot be read, or is too long", path);
	fclose(file);
	input = malloc(len ? len : 1);
	if (!input)
		die("no memory for it", path);
	memcpy(input, room, len);
	LLVMFuzzerTestOneInput(input, len);
	free(input);
}

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Return: did the harness survive it? */
static bool survives(const char *path)
{
	int status = 0;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child < 0)
		die("no process for it", path);
	if (child == 0) {
		replay(path);
		exit(0);
	}
	waitpid(child, &status, 0);
	return status == 0;
}

int main(int argc, char *argv[])
{
	struct dirent **entries;
	char path[4096];
	int n, n_failed = 0;

	if (argc != 2)
		die("usage: replay DIRECTORY", argv[0]);
	n = scandir(argv[1], &entries, is_input, alphasort);
	if (n <= 0)
		die("no inputs there", argv[1]);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", argv[1],
			 entries[i]->d_name);
		if (!survives(path)) {
			printf("# failed: %s\n", path);
			n_failed++;
		}
		free(entries[i]);
	}
	free(entries);
	printf("%s 1 - %d inputs of %s\n1..1\n", n_failed ? "not ok" : "ok", n,
	       argv[1]);
	return n_failed > 0;
}
