/* SPDX-License-Identifier: MIT */
/* The thread that reads the configuration for a reload, and one that hangs. */
#include <config.h>

#include "server/process/config_reader.h"
#include "settings_support.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sysexits.h>
#include <unistd.h>

/* Reading that hangs until it is released. NOLINTBEGIN(bugprone-reserved-identifier) */
static bool must_hang;
static sem_t hangs, released;
int __real_options_load(const struct options *options, const struct settings *running,
                        struct settings **loaded, char message[ERROR_SIZE]);
int __wrap_options_load(const struct options *options, const struct settings *running,
                        struct settings **loaded, char message[ERROR_SIZE]);

int __wrap_options_load(const struct options *options, const struct settings *running,
                        struct settings **loaded, char message[ERROR_SIZE])
{
    if (must_hang) {
        sem_post(&hangs);
        sem_wait(&released);
    }
    return __real_options_load(options, running, loaded, message);
}
/* NOLINTEND(bugprone-reserved-identifier) */

static struct options options;
static struct settings *running, *loaded;
static char message[ERROR_SIZE];
static struct listeners listeners;
static struct loop *loop;
static int signal_fd;

static void begin(void)
{
    must_hang = false;
    need(sem_init(&hangs, 0, 0) == 0 && sem_init(&released, 0, 0) == 0, "semaphores");
    options = (struct options){.config = "/dev/null"};
    running = new_settings();
    loaded = NULL;
    listeners.count = 0;
    signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    loop = loop_create(&listeners, signal_fd);
    need(signal_fd >= 0 && loop != NULL, "a main loop");
}

static void end(void)
{
    loop_drain(loop, 0);
    while (loop_run(loop, NEVER) != LOOP_DRAINED)
        continue;
    loop_destroy(loop);
    close(signal_fd);
    settings_unref(running);
    settings_unref(loaded);
    need(sem_destroy(&hangs) == 0 && sem_destroy(&released) == 0, "semaphores");
}

static struct config_reader *start(void)
{
    struct config_reader *reader = config_reader_start(&options, running, loop);
    need(reader != NULL, "a thread");
    return reader;
}

START_TEST(it_calls_the_loop_and_has_the_settings)
{
    struct config_reader *reader = start();
    ck_assert_int_eq(loop_run(loop, NEVER), LOOP_CALLED);
    ck_assert_int_eq(config_reader_finish(reader, &loaded, message), EX_OK);
    ck_assert_str_eq(message, "");
    ck_assert_ptr_ne(loaded, running);
    ck_assert_str_eq(loaded->reply, running->reply);
    ck_assert_int_eq(loop_run(loop, clock_nanoseconds()), LOOP_TIMER);
}
END_TEST

START_TEST(it_has_what_is_wrong)
{
    strcpy(options.config, "/dev/zero");
    struct config_reader *reader = start();
    ck_assert_int_eq(loop_run(loop, NEVER), LOOP_CALLED);
    ck_assert_int_eq(config_reader_finish(reader, &loaded, message), EX_CONFIG);
    ck_assert_str_eq(message, "/dev/zero: cannot read: File too large");
    ck_assert_ptr_null(loaded);
}
END_TEST

static void assert_dropped(void)
{
    while (atomic_load(&running->references) > 1)
        sched_yield();
    ck_assert_int_eq(loop_run(loop, clock_nanoseconds()), LOOP_TIMER);
}

START_TEST(one_that_hangs_is_left_and_calls_nobody)
{
    must_hang = true;
    struct config_reader *reader = start();
    sem_wait(&hangs);
    config_reader_abandon(reader);
    sem_post(&released);
    assert_dropped();
}
END_TEST

START_TEST(one_that_is_done_can_be_abandoned_too)
{
    struct config_reader *reader = start();
    ck_assert_int_eq(loop_run(loop, NEVER), LOOP_CALLED);
    config_reader_abandon(reader);
    assert_dropped();
    config_reader_abandon(NULL);
}
END_TEST

Suite *config_reader_suite(void)
{
    Suite *suite = suite_create("config_reader");
    TCase *tcase = add_case(suite, "config_reader", NULL);
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, it_calls_the_loop_and_has_the_settings);
    tcase_add_test(tcase, it_has_what_is_wrong);
    tcase_add_test(tcase, one_that_is_done_can_be_abandoned_too);
    /* The last, because nothing joins its thread, which has a static buffer. */
    tcase_add_test(tcase, one_that_hangs_is_left_and_calls_nobody);
    return suite;
}
