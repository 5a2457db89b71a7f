/* SPDX-License-Identifier: ISC */
#include "../../common/role.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

static char dir[PATH_MAX];
static unsigned n_fsync, fsync_fails_at;

/* In the place of libc's: counts, and fails where the test wants it to. */
int fsync(int fd)
{
	CHECK(fd >= 0);
	if (++n_fsync != fsync_fails_at)
		return 0;
	errno = EIO;
	return -1;
}

static const char *in_dir(const char *name)
{
	static char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void dir_make(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%s/role_test.XXXXXX", tmp ? tmp : "/tmp");
	CHECK(mkdtemp(dir));
}

static unsigned dir_count(void)
{
	struct dirent *entry;
	DIR *d = opendir(dir);
	unsigned n = 0;

	CHECK(d);
	while ((entry = readdir(d)))
		n += entry->d_name[0] != '.';
	closedir(d);
	return n;
}

static void file_put(const char *bytes, size_t len)
{
	FILE *f = fopen(in_dir("ROLE"), "w");

	CHECK(f);
	CHECK_EQ(fwrite(bytes, 1, len, f), len);
	CHECK_EQ(fclose(f), 0);
}

static void file_is(const char *text)
{
	char buf[32] = { 0 };
	FILE *f = fopen(in_dir("ROLE"), "r");

	CHECK(f);
	CHECK_EQ(fread(buf, 1, sizeof(buf) - 1, f), strlen(text));
	fclose(f);
	CHECK(!strcmp(buf, text));
}

static void test_text(void)
{
	CHECK(!strcmp(role_text(ROLE_COLO), "colo"));
	CHECK(!strcmp(role_text(ROLE_FAILOVER), "failover"));
}

static void test_nothing_written(void)
{
	enum role role = ROLE_FAILOVER;

	CHECK_EQ(role_read(dir, &role), 0);
	CHECK_EQ(role, ROLE_COLO);
	CHECK_EQ(dir_count(), 0);
}

static void test_write_then_read(void)
{
	enum role role = ROLE_COLO;

	CHECK_EQ(role_write(dir, ROLE_FAILOVER), 0);
	file_is("failover\n");
	CHECK_EQ(role_read(dir, &role), 0);
	CHECK_EQ(role, ROLE_FAILOVER);

	CHECK_EQ(role_write(dir, ROLE_COLO), 0);
	file_is("colo\n");
	CHECK_EQ(role_read(dir, &role), 0);
	CHECK_EQ(role, ROLE_COLO);
	CHECK_EQ(dir_count(), 1);
}

static void test_temp_left_behind(void)
{
	enum role role = ROLE_COLO;
	FILE *f = fopen(in_dir("ROLE.tmp"), "w");

	CHECK(f && fputs("a longer text than any role has\n", f) >= 0);
	CHECK_EQ(fclose(f), 0);
	CHECK_EQ(role_write(dir, ROLE_FAILOVER), 0);
	CHECK_EQ(role_read(dir, &role), 0);
	CHECK_EQ(role, ROLE_FAILOVER);
	CHECK_EQ(dir_count(), 1);
}

static void test_garbage(void)
{
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
		{ "", 0 }, { "\n", 1 }, { "colo", 4 }, { "failover", 8 },
		{ "colo\n\n", 6 }, { "colo\nfailover\n", 14 },
		{ "COLO\n", 5 }, { "colo\0", 5 }, { "failover\nfailover\n", 18 },
		{ "fail\n", 5 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		enum role role = ROLE_FAILOVER;

		file_put(bad[i].bytes, bad[i].len);
		CHECK_EQ(role_read(dir, &role), -EINVAL);
		CHECK_EQ(role, ROLE_FAILOVER);
	}
}

static void test_missing_directory(void)
{
	enum role role = ROLE_FAILOVER;

	CHECK_EQ(role_read("/nonexistent/state", &role), -ENOENT);
	CHECK_EQ(role_write("/nonexistent/state", ROLE_COLO), -ENOENT);
	CHECK_EQ(role_read("/dev/null", &role), -ENOTDIR);
	CHECK_EQ(role_write("", ROLE_COLO), -ENOENT);
	CHECK_EQ(role, ROLE_FAILOVER);
}

/* A rename that fails leaves the old state and no temporary file. */
static void test_write_fails(void)
{
	enum role role = ROLE_FAILOVER;

	CHECK_EQ(unlink(in_dir("ROLE")), 0);
	CHECK_EQ(mkdir(in_dir("ROLE"), 0700), 0);
	CHECK_EQ(role_write(dir, ROLE_FAILOVER), -EISDIR);
	CHECK_EQ(dir_count(), 1);
	CHECK_EQ(role_read(dir, &role), -EPERM);
	CHECK_EQ(role, ROLE_FAILOVER);
	CHECK_EQ(rmdir(in_dir("ROLE")), 0);
}

/* What was left by one that lost its power there is no hindrance. */
static void test_check_dir(void)
{
	char name[32];
	FILE *f;

	CHECK_EQ(role_check_dir(dir), 0);
	CHECK_EQ(dir_count(), 0);
	snprintf(name, sizeof(name), ".check-%ld", (long)getpid());
	f = fopen(in_dir(name), "w");
	CHECK(f && fclose(f) == 0);
	CHECK_EQ(role_check_dir(dir), 0);
	CHECK_EQ(dir_count(), 0);
	CHECK_EQ(role_check_dir("/nonexistent/state"), -ENOENT);
}

/* First the file's bytes, then its name; either may fail. */
static void test_sync(void)
{
	enum role role = ROLE_FAILOVER;

	CHECK_EQ(role_write(dir, ROLE_COLO), 0);
	n_fsync = 0;
	CHECK_EQ(role_write(dir, ROLE_COLO), 0);
	CHECK_EQ(n_fsync, 2);

	n_fsync = 0;
	fsync_fails_at = 1;
	CHECK_EQ(role_write(dir, ROLE_FAILOVER), -EIO);
	CHECK_EQ(role_read(dir, &role), 0);
	CHECK_EQ(role, ROLE_COLO);
	CHECK_EQ(dir_count(), 1);

	n_fsync = 0;
	fsync_fails_at = 2;
	CHECK_EQ(role_write(dir, ROLE_FAILOVER), -EIO);
	CHECK_EQ(n_fsync, 2);
	CHECK_EQ(dir_count(), 1);
	fsync_fails_at = 0;
	CHECK_EQ(unlink(in_dir("ROLE")), 0);
}

int main(void)
{
	dir_make();
	TEST(test_text);
	TEST(test_nothing_written);
	TEST(test_write_then_read);
	TEST(test_temp_left_behind);
	TEST(test_garbage);
	TEST(test_missing_directory);
	TEST(test_write_fails);
	TEST(test_check_dir);
	TEST(test_sync);
	CHECK_EQ(rmdir(dir), 0);
	return TEST_END();
}
