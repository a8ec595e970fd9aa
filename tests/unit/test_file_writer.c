/* SPDX-License-Identifier: MIT */
/* The thread that replaces a file, with contents that are their own text. test_metrics_writer.c has
 * what a disk and other users can do. */
#include <config.h>

#include "common/file_writer.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[sizeof "/tmp/sixteen-writer-XXXXXX"];
static char file[sizeof directory + 16];
static int reported[8];
static unsigned reports;

static char *format(void *content)
{
    return content;
}

static char *format_nothing(void *content)
{
    (void)content;
    errno = ENOMEM;
    return NULL;
}

static void report(const char *path, int error)
{
    ck_assert_str_eq(path, file);
    need(reports < COUNT(reported), "room for reports");
    reported[reports++] = error;
}

static const struct file_kind kind = {"# mine", format, report};
static const struct file_kind formless = {"# mine", format_nothing, report};

static void begin(void)
{
    snprintf(directory, sizeof directory, "/tmp/sixteen-writer-XXXXXX");
    need(mkdtemp(directory) != NULL, "a directory");
    snprintf(file, sizeof file, "%s/file", directory);
    reports = 0;
}

static void end(void)
{
    (void)unlink(file);
    need(rmdir(directory) == 0, "an empty directory");
}

static char *copy(const char *text)
{
    char *content = strdup(text);
    need(content != NULL, "memory");
    return content;
}

static void put_and_stop(const struct file_kind *of_kind, const char *text)
{
    struct file_writer *writer = file_writer_create(of_kind);
    need(writer != NULL, "a writer");
    file_writer_put(writer, file, copy(text));
    ck_assert(file_writer_stop(writer, 60));
}

static void assert_file_is(const char *expected)
{
    char text[64];
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    need(fd >= 0, "the file");
    ssize_t length = read(fd, text, sizeof text - 1);
    need(length >= 0, "to read the file");
    text[length] = '\0';
    ck_assert_str_eq(text, expected);
    close(fd);
}

START_TEST(a_content_can_be_its_own_text)
{
    put_and_stop(&kind, "# mine, 1\n");
    put_and_stop(&kind, "# mine, 2\n");
    assert_file_is("# mine, 2\n");
    ck_assert_uint_eq(reports, 0);
}
END_TEST

START_TEST(the_beginning_decides_what_is_replaced)
{
    put_and_stop(&kind, "# theirs\n");
    ck_assert_int_eq(replace_file(file, "# mine", "# mine\n"), REPLACE_FOREIGN);
    assert_file_is("# theirs\n");
    ck_assert_int_eq(replace_file(file, "# their", "# mine\n"), 0);
    assert_file_is("# mine\n");
}
END_TEST

START_TEST(a_failure_to_format_is_reported)
{
    put_and_stop(&formless, "anything");
    ck_assert_uint_eq(reports, 1);
    ck_assert_int_eq(reported[0], ENOMEM);
    ck_assert_int_lt(open(file, O_RDONLY | O_CLOEXEC), 0);
}
END_TEST

START_TEST(a_content_that_cannot_be_made_is_reported_once)
{
    struct file_writer *writer = file_writer_create(&kind);
    need(writer != NULL, "a writer");
    for (int i = 0; i < 3; i++) {
        errno = ENOMEM;
        file_writer_put(writer, file, NULL);
    }
    file_writer_put(writer, file, copy("# mine\n"));
    ck_assert(file_writer_stop(writer, 60));
    ck_assert_uint_eq(reports, 2);
    ck_assert_int_eq(reported[0], ENOMEM);
    ck_assert_int_eq(reported[1], 0);
    assert_file_is("# mine\n");
}
END_TEST

START_TEST(without_memory_there_is_no_writer)
{
    io_fail(FAULT_MEMORY, 0, 1, ENOMEM);
    ck_assert_ptr_null(file_writer_create(&kind));
}
END_TEST

Suite *file_writer_suite(void)
{
    Suite *suite = suite_create("file_writer");
    TCase *tcase = add_case(suite, "file_writer", NULL);
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, a_content_can_be_its_own_text);
    tcase_add_test(tcase, the_beginning_decides_what_is_replaced);
    tcase_add_test(tcase, a_failure_to_format_is_reported);
    tcase_add_test(tcase, a_content_that_cannot_be_made_is_reported_once);
    tcase_add_test(tcase, without_memory_there_is_no_writer);
    return suite;
}
