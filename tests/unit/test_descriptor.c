/* SPDX-License-Identifier: MIT */
/* Helpers for close(2) and write(2). */
#include <config.h>

#include "common/descriptor.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

START_TEST(close_after_error_keeps_errno)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    need(fd >= 0, "a descriptor");
    errno = EXDEV;
    ck_assert_int_eq(close_after_error(fd), -1);
    ck_assert_int_eq(errno, EXDEV);
    ck_assert(!is_open(fd));
    errno = EXDEV;
    ck_assert_int_eq(close_after_error(-1), -1);
    ck_assert_int_eq(errno, EXDEV);
}
END_TEST

/* More than a pipe holds, so that write(2) cannot take all at once. */
#define LENGTH 200000

struct reading {
    int fd;
    char *octets;
    size_t count;
    int end;
};

static void *read_slowly(void *argument)
{
    struct reading *reading = argument;
    reading->count = read_to_end(reading->fd, reading->octets, LENGTH + 1, &reading->end);
    return NULL;
}

static void open_pipe(int fds[2])
{
    need(pipe2(fds, O_CLOEXEC) == 0 && fcntl(fds[1], F_SETPIPE_SZ, PIPE_SIZE) >= 0, "a pipe");
}

START_TEST(write_all_writes_every_octet)
{
    int fds[2];
    pthread_t thread;
    char *octets = malloc(LENGTH);
    struct reading reading = {.octets = malloc(LENGTH + 1)};
    need(octets != NULL && reading.octets != NULL, "memory");
    for (size_t i = 0; i < LENGTH; i++)
        octets[i] = (char)(i % 251);
    open_pipe(fds);
    reading.fd = fds[0];
    need(pthread_create(&thread, NULL, read_slowly, &reading) == 0, "a thread");
    int result = write_all(fds[1], octets, LENGTH);
    close(fds[1]);
    need(pthread_join(thread, NULL) == 0, "the end of a thread");
    close(fds[0]);
    ck_assert_int_eq(result, 0);
    ck_assert_uint_eq(reading.count, LENGTH);
    ck_assert_int_eq(reading.end, 0);
    ck_assert(memcmp(reading.octets, octets, LENGTH) == 0);
    free(octets);
    free(reading.octets);
}
END_TEST

START_TEST(write_all_of_nothing_writes_nothing)
{
    int fds[2];
    char octet;
    open_pipe(fds);
    ck_assert_int_eq(write_all(fds[1], "x", 0), 0);
    close(fds[1]);
    ck_assert_int_eq(read(fds[0], &octet, 1), 0);
    close(fds[0]);
}
END_TEST

START_TEST(write_all_reports_an_error)
{
    int fds[2];
    open_pipe(fds);
    close(fds[0]);
    void (*handler)(int) = signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(write_all(fds[1], "x", 1), -1);
    ck_assert_int_eq(errno, EPIPE);
    need(signal(SIGPIPE, handler) == SIG_IGN, "the former handler");
    close(fds[1]);
    ck_assert_int_eq(write_all(-1, "x", 1), -1);
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

/* A pipe holds 65536 octets. */
START_TEST(a_text_is_written_in_pieces_until_there_is_no_room)
{
    static char text[70001];
    static char octets[LENGTH];
    int fds[2], end;
    memset(text, 'x', sizeof text - 1);
    open_pipe(fds);
    ck_assert_int_eq(write_text_when_ready(fds[1], text + 60000, 0), 0);
    ck_assert_int_eq(write_text_when_ready(fds[1], text, 10), -1);
    ck_assert_int_eq(errno, ETIMEDOUT);
    close(fds[1]);
    ck_assert_uint_gt(read_to_end(fds[0], octets, sizeof octets, &end), 60000);
    close(fds[0]);
    ck_assert_int_eq(write_text_when_ready(-1, "", 0), 0);
    ck_assert_int_eq(write_text_when_ready(fds[1], "x", 0), -1);
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

Suite *descriptor_suite(void)
{
    Suite *suite = suite_create("descriptor");
    TCase *tcase = add_case(suite, "descriptor", NULL);
    tcase_add_test(tcase, close_after_error_keeps_errno);
    tcase_add_test(tcase, write_all_writes_every_octet);
    tcase_add_test(tcase, write_all_of_nothing_writes_nothing);
    tcase_add_test(tcase, write_all_reports_an_error);
    tcase_add_test(tcase, a_text_is_written_in_pieces_until_there_is_no_room);
    return suite;
}
