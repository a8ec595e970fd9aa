/* SPDX-License-Identifier: MIT */
/* The metrics file, in a directory of its own, on a disk that can hang. */
#include <config.h>

#include "log_support.h"
#include "server/log/metrics_writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* NOLINTBEGIN(bugprone-reserved-identifier) */
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);

static char fresh[256]; /* the name of the last file before it was renamed */
static atomic_uint renames;
static atomic_bool must_hang;
static atomic_int must_fail; /* an error, or 0 */
static sem_t hangs, released;

int __wrap_rename(const char *from, const char *to)
{
    if (atomic_exchange(&must_hang, false)) {
        sem_post(&hangs);
        sem_wait(&released);
    }
    snprintf(fresh, sizeof fresh, "%s", from);
    int error = atomic_load(&must_fail);
    int rc = error != 0 ? -1 : __real_rename(from, to);
    if (error != 0)
        errno = error;
    atomic_fetch_add(&renames, 1);
    return rc;
}
/* NOLINTEND(bugprone-reserved-identifier) */

static struct file_writer *writer;
static struct stats stats;
static char directory[sizeof "/tmp/sixteend-metrics-XXXXXX"];
static char file[sizeof directory + 16];
static char elsewhere[sizeof directory + 16];

/* For all tests of the case, and removed even if one failed. */
static void make_directory(void)
{
    snprintf(directory, sizeof directory, "/tmp/sixteend-metrics-XXXXXX");
    need(mkdtemp(directory) != NULL, "a directory");
    snprintf(file, sizeof file, "%s/file", directory);
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", directory);
}

/* Call `visit` with the path of each file and whatever else is in the directory. Returns how many
 * there are. */
static unsigned visit_directory(void (*visit)(const char *path))
{
    unsigned count = 0;
    char path[sizeof directory + 256];
    DIR *open_directory = opendir(directory);
    need(open_directory != NULL, "the directory");
    for (const struct dirent *entry; (entry = readdir(open_directory)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        visit(path);
        count++;
    }
    closedir(open_directory);
    return count;
}

static void delete (const char *path)
{
    (void)remove(path);
}

static void keep(const char *path)
{
    (void)path;
}

static void empty_directory(void)
{
    (void)visit_directory(delete);
}

static unsigned entries(void)
{
    return visit_directory(keep);
}

static void remove_directory(void)
{
    empty_directory();
    rmdir(directory);
}

static void begin(void)
{
    empty_directory();
    renames = 0;
    must_fail = 0;
    stats = (struct stats){.started = 1795510502, .lines_lost = 7};
    need(sem_init(&hangs, 0, 0) == 0 && sem_init(&released, 0, 0) == 0, "semaphores");
    writer = metrics_writer_create();
    need(writer != NULL, "a metrics writer");
}

static void put(const char *path, uint64_t lines_lost)
{
    stats.lines_lost = lines_lost;
    metrics_writer_put(writer, path, &stats);
}

static void stop(void)
{
    ck_assert(file_writer_stop(writer, 60));
}

/* Put, wait until it is written or has failed, and go on with a metrics writer that knows nothing
 * of that. */
static void write_stats(const char *path)
{
    put(path, stats.lines_lost);
    stop();
    writer = metrics_writer_create();
    need(writer != NULL, "a metrics writer");
}

static void wait_renames(unsigned count)
{
    while (atomic_load(&renames) < count)
        sched_yield();
}

/* Let the thread hang in what is put first, until release(). */
static void hang(void)
{
    atomic_store(&must_hang, true);
    put(file, 1);
    sem_wait(&hangs);
}

static void release(void)
{
    sem_post(&released);
}

/* Return the text of an open file from its beginning. */
static const char *text_of(int fd)
{
    static char text[65536];
    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    need(length >= 0, "to read the file");
    text[length] = '\0';
    return text;
}

/* Fail unless the open file is complete and reports this number of lost lines. */
static void assert_statistics(int fd, uint64_t lines_lost)
{
    const char *text = text_of(fd);
    char line[64];
    snprintf(line, sizeof line, "\nsixteend_log_lines_lost_total %" PRIu64 "\n", lines_lost);
    const char *last = strstr(text, "\nprocess_threads{program=\"sixteend\"} ");
    ck_assert_int_eq(strncmp(text, "# HELP sixteend_build_info ", 27), 0);
    ck_assert_msg(strstr(text, line) != NULL, "%s", text);
    ck_assert_ptr_nonnull(last);
    ck_assert_str_eq(strchr(last + 1, '\n'), "\n");
}

static void assert_written(const char *path, uint64_t lines_lost)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    assert_statistics(fd, lines_lost);
    close(fd);
}

static void assert_file_is(const char *path, const char *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_str_eq(text_of(fd), text);
    close(fd);
}

static bool exists(const char *path)
{
    struct stat about;
    return lstat(path, &about) == 0;
}

static void make_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    need(fd >= 0, "a file");
    write_octets(fd, text, strlen(text));
    close(fd);
}

START_TEST(the_file_is_readable_for_others)
{
    struct stat about;
    mode_t mask = umask(022);
    write_stats(file);
    umask(mask);
    assert_written(file, 7);
    need(stat(file, &about) == 0, "the file");
    ck_assert_uint_eq(about.st_mode, S_IFREG | 0644);
    ck_assert_uint_eq(entries(), 1);
    stop();
    assert_logged("");
}
END_TEST

START_TEST(an_open_old_file_stays_complete)
{
    write_stats(file);
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    need(fd >= 0, "the file");
    stats.lines_lost = 8;
    write_stats(file);
    assert_statistics(fd, 7);
    close(fd);
    assert_written(file, 8);
    stop();
}
END_TEST

START_TEST(a_reader_always_sees_a_complete_file)
{
    write_stats(file);
    for (int i = 0; i < 300; i++) {
        put(file, 7);
        assert_written(file, 7);
    }
    stop();
}
END_TEST

static void assert_logged_of_file(const char *before, const char *after)
{
    char line[512];
    snprintf(line, sizeof line, "%s%s%s\n", before, file, after);
    assert_logged(line);
}

START_TEST(each_new_file_has_another_name)
{
    char first[sizeof fresh];
    write_stats(file);
    snprintf(first, sizeof first, "%s", fresh);
    write_stats(file);
    ck_assert_str_ne(fresh, first);
    ck_assert_uint_eq(entries(), 1);
    stop();
}
END_TEST

static void make_link(const char *path)
{
    need(symlink(elsewhere, path) == 0, "a link");
}

static void make_fifo(const char *path)
{
    need(mkfifo(path, 0666) == 0, "a FIFO");
}

static void make_subdirectory(const char *path)
{
    need(mkdir(path, 0700) == 0, "a directory");
}

static void make_other(const char *path)
{
    make_file(path, "theirs");
}

static void make_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(bind(fd, (const struct sockaddr *)&address, sizeof address) == 0, "a socket");
    close(fd);
}

/* Nearly what the daemon writes, but cut off or changed. */
static void make_beginning(const char *path)
{
    make_file(path, "# HELP sixteend");
}

static void make_metrics_of_others(const char *path)
{
    make_file(path, "# HELP sixteens_total Others.\n");
}

/* While the clock stands still, the name can be guessed. */
START_TEST(what_others_put_in_its_way_is_left_alone)
{
    static void (*const make[])(const char *path) = {make_link, make_fifo, make_subdirectory,
                                                     make_other};
    make_file(elsewhere, "precious");
    clock_stop();
    write_stats(file);
    make[_i](fresh);
    stats.lines_lost = 8;
    write_stats(file);
    assert_logged_of_file("warning metrics.file: cannot write ", ": File exists");
    assert_written(file, 7);
    assert_file_is(elsewhere, "precious");
    ck_assert_uint_eq(entries(), 3);
    if (_i == 3)
        assert_file_is(fresh, "theirs");
    io_reset();
    write_stats(file);
    assert_written(file, 8);
    stop();
}
END_TEST

#define NOT_REPLACED                                                                         \
    " exists and is not a metrics file of sixteend; it is not replaced: remove it, or name " \
    "another file"

/* Wait until something is logged. */
static void wait_logged(void)
{
    struct stat about = {.st_size = 0};
    while (about.st_size == 0 && fstat(STDERR_FILENO, &about) == 0)
        sched_yield();
}

START_TEST(what_is_not_a_metrics_file_is_not_replaced)
{
    static void (*const make[])(const char *path) = {
        make_link,   make_fifo,      make_subdirectory,     make_other,
        make_socket, make_beginning, make_metrics_of_others};
    struct stat before;
    struct stat after;
    make_file(elsewhere, "precious");
    make[_i](file);
    need(lstat(file, &before) == 0, "it");
    write_stats(file);
    assert_logged_of_file("warning metrics.file: ", NOT_REPLACED);
    ck_assert(lstat(file, &after) == 0);
    ck_assert_uint_eq(after.st_ino, before.st_ino);
    ck_assert_uint_eq(after.st_mode, before.st_mode);
    ck_assert_int_eq(after.st_size, before.st_size);
    ck_assert_uint_eq(entries(), 2);
    assert_file_is(elsewhere, "precious");
    ck_assert_uint_eq(renames, 0);
    put(file, 7);
    wait_logged();
    assert_logged_of_file("warning metrics.file: ", NOT_REPLACED);
    put(file, 7);
    stop();
    assert_logged("");
}
END_TEST

START_TEST(a_path_that_is_free_again_is_written)
{
    make_other(file);
    put(file, 7);
    wait_logged();
    assert_logged_of_file("warning metrics.file: ", NOT_REPLACED);
    need(remove(file) == 0, "to remove it");
    put(file, 8);
    stop();
    assert_logged_of_file("notice metrics.file: ", " is written again");
    assert_written(file, 8);
}
END_TEST

START_TEST(an_empty_file_and_one_of_a_daemon_are_replaced)
{
    make_file(file, _i == 0 ? "" : "# HELP sixteend_of_another_version\n");
    write_stats(file);
    assert_written(file, 7);
    assert_logged("");
    stop();
}
END_TEST

START_TEST(a_failure_is_logged_once_and_its_end_too)
{
    atomic_store(&must_fail, ENOSPC);
    for (unsigned i = 1; i <= 3; i++) {
        put(file, 7);
        wait_renames(i);
    }
    stop();
    assert_logged_of_file("warning metrics.file: cannot write ", ": No space left on device");
    ck_assert_uint_eq(entries(), 0);
    writer = metrics_writer_create();
    put(file, 7);
    wait_renames(4);
    atomic_store(&must_fail, 0);
    for (unsigned i = 5; i <= 7; i++) {
        put(file, 8);
        wait_renames(i);
    }
    stop();
    ck_assert_ptr_nonnull(strstr(logged_text(), "left on device\nnotice metrics.file: "));
    assert_written(file, 8);
}
END_TEST

/* systemd's ProtectSystem= makes file systems read-only. */
START_TEST(a_read_only_file_system_is_logged_with_a_hint)
{
    atomic_store(&must_fail, EROFS);
    write_stats(file);
    assert_logged_of_file(
        "warning metrics.file: cannot write ",
        ": the file system is read-only; under systemd, use /run/sixteend, or name the "
        "directory in ReadWritePaths= of a drop-in");
    stop();
}
END_TEST

START_TEST(a_failure_of_another_file_is_logged_too)
{
    char missing[sizeof elsewhere + 16];
    char line[2 * 512];
    snprintf(missing, sizeof missing, "%s/file", elsewhere);
    atomic_store(&must_fail, ENOSPC);
    put(file, 7);
    wait_renames(1);
    put(missing, 7);
    stop();
    snprintf(line, sizeof line,
             "warning metrics.file: cannot write %s: No space left on device\n"
             "warning metrics.file: cannot write %s: No such file or directory\n",
             file, missing);
    assert_logged(line);
}
END_TEST

/* The kernel writes a part of the text, and no more. */
START_TEST(a_full_disk_leaves_the_old_file)
{
    struct rlimit before;
    need(getrlimit(RLIMIT_FSIZE, &before) == 0, "a limit");
    const struct rlimit little = {1024, before.rlim_max};
    make_file(file, "# HELP sixteend_old");
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    need(handler != SIG_ERR && setrlimit(RLIMIT_FSIZE, &little) == 0, "a smaller limit");
    put(file, 7);
    stop();
    need(setrlimit(RLIMIT_FSIZE, &before) == 0 && signal(SIGXFSZ, handler) == SIG_IGN,
         "the former limit");
    assert_logged_of_file("warning metrics.file: cannot write ", ": File too large");
    assert_file_is(file, "# HELP sixteend_old");
    ck_assert_uint_eq(entries(), 1);
}
END_TEST

START_TEST(without_a_thread_there_is_no_metrics_writer)
{
    threads_left = 0;
    ck_assert_ptr_null(metrics_writer_create());
    io_reset();
    stop();
}
END_TEST

START_TEST(newer_statistics_replace_those_that_wait)
{
    hang();
    put(file, 2);
    put(elsewhere, 3);
    put(file, 4);
    ck_assert(!exists(file));
    release();
    stop();
    assert_written(file, 4);
    ck_assert(!exists(elsewhere));
    ck_assert_uint_eq(renames, 2);
    assert_logged("");
}
END_TEST

START_TEST(a_disk_that_hangs_is_logged_once_and_its_end_too)
{
    clock_stop();
    hang();
    clock_move(1);
    put(file, 2);
    assert_logged("");
    clock_move(0.1);
    put(file, 3);
    assert_logged_of_file("warning metrics.file: cannot write ", ": its disk does not answer");
    put(file, 4);
    release();
    stop();
    assert_logged_of_file("notice metrics.file: ", " is written again");
    assert_written(file, 4);
}
END_TEST

START_TEST(stop_gives_up_when_its_time_is_over)
{
    hang();
    put(file, 2);
    ck_assert(!file_writer_stop(writer, 0.05));
    assert_logged_of_file("warning metrics.file: cannot write ", ": its disk does not answer");
    release();
    stop();            /* now the thread has ended, */
    assert_logged(""); /* and did not say so */
    assert_written(file, 1);
}
END_TEST

START_TEST(to_stop_no_metrics_writer_does_nothing)
{
    ck_assert(file_writer_stop(NULL, 0));
    stop();
}
END_TEST

Suite *metrics_writer_suite(void)
{
    Suite *suite = suite_create("metrics_writer");
    TCase *tcase = add_case(suite, "metrics_writer", NULL);
    tcase_add_unchecked_fixture(tcase, make_directory, remove_directory);
    tcase_add_checked_fixture(tcase, log_capture, log_release);
    tcase_add_checked_fixture(tcase, begin, empty_directory);
    tcase_add_test(tcase, the_file_is_readable_for_others);
    tcase_add_test(tcase, an_open_old_file_stays_complete);
    tcase_add_test(tcase, a_reader_always_sees_a_complete_file);
    tcase_add_test(tcase, each_new_file_has_another_name);
    tcase_add_loop_test(tcase, what_others_put_in_its_way_is_left_alone, 0, 4);
    tcase_add_loop_test(tcase, what_is_not_a_metrics_file_is_not_replaced, 0, 7);
    tcase_add_test(tcase, a_path_that_is_free_again_is_written);
    tcase_add_loop_test(tcase, an_empty_file_and_one_of_a_daemon_are_replaced, 0, 2);
    tcase_add_test(tcase, a_failure_is_logged_once_and_its_end_too);
    tcase_add_test(tcase, a_read_only_file_system_is_logged_with_a_hint);
    tcase_add_test(tcase, a_failure_of_another_file_is_logged_too);
    tcase_add_test(tcase, a_full_disk_leaves_the_old_file);
    tcase_add_test(tcase, without_a_thread_there_is_no_metrics_writer);
    tcase_add_test(tcase, newer_statistics_replace_those_that_wait);
    tcase_add_test(tcase, a_disk_that_hangs_is_logged_once_and_its_end_too);
    tcase_add_test(tcase, stop_gives_up_when_its_time_is_over);
    tcase_add_test(tcase, to_stop_no_metrics_writer_does_nothing);
    return suite;
}
