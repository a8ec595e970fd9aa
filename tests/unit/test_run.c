/* SPDX-License-Identifier: MIT */
/* The client as a whole on a host that lacks something, and what happens around a look-up. Each run
 * is in a process of its own. */
#include <config.h>

#include "client/run.h"
#include "names_support.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 20

static int listening;
static struct address address;
static char port[8];
static char directory[sizeof "/tmp/sixteen-run-XXXXXX"];
static char metrics[sizeof directory + 8]; /* the file */
static pid_t server;
static int files[2]; /* standard output and standard error of a run */
static char written[2][8192];
static int status; /* of its process */

static _Noreturn void serve(void)
{
    char message[WIRE_OCTETS];
    for (;;) {
        int end;
        struct ends pair = {-1, accept(listening, NULL, NULL)};
        need(pair.theirs >= 0, "a connection");
        read_to_end(pair.theirs, message, sizeof message, &end);
        need(send(pair.theirs, WIRE_REPLY, WIRE_OCTETS, MSG_NOSIGNAL) == WIRE_OCTETS || errno > 0,
             "to reply");
        close_theirs(&pair);
    }
}

static void set_up(void)
{
    listening = bound_socket(&address, 128);
    snprintf(port, sizeof port, "%d", address_port(&address));
    snprintf(directory, sizeof directory, "/tmp/sixteen-run-XXXXXX");
    need(mkdtemp(directory) != NULL, "a directory");
    snprintf(metrics, sizeof metrics, "%s/file", directory);
    server = fork();
    need(server >= 0, "a process");
    if (server == 0)
        serve();
    for (int i = 0; i < 2; i++) {
        files[i] = memfd_create("written", MFD_CLOEXEC);
        need(files[i] >= 0, "files in memory");
    }
}

static void clean_up(void)
{
    (void)kill(server, SIGKILL);
    (void)waitpid(server, NULL, 0);
    (void)unlink(metrics);
    (void)rmdir(directory);
    close(listening);
    close(files[0]);
    close(files[1]);
}

/* Under CK_FORK=no, exit(3) would move the position in the file in which Check has results. Threads
 * of the client can still use other descriptors. */
static void close_files(void)
{
    for (int fd = STDERR_FILENO + 1; fd < 256; fd++) {
        struct stat about;
        if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode))
            close(fd);
    }
}

/* Run the client with the words of this line, of which PORT is that of the server and FILE one for
 * metrics. */
static _Noreturn void run_words(const char *line, void (*prepare)(void))
{
    static struct client_options options;
    static char why[CLIENT_OPTIONS_WHY];
    static char text[1024];
    static char name[] = "sixteen";
    char *argv[WORDS_MAX + 2] = {name};
    char *rest = NULL;
    int argc = 1;

    need(dup2(files[0], STDOUT_FILENO) >= 0 && dup2(files[1], STDERR_FILENO) >= 0, "files");
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = strcmp(word, "PORT") == 0   ? port
                       : strcmp(word, "FILE") == 0 ? metrics
                                                   : word;
    optind = 0; /* getopt_long(3) starts anew */
    need(client_options_parse(&options, argc, argv, why) == 0, why);
    if (prepare != NULL)
        prepare();
    int result = run(&options);
    io_reset(); /* exit(3) itself may allocate memory */
    close_files();
    exit(result);
}

static void run_client(const char *line, void (*prepare)(void))
{
    for (int i = 0; i < 2; i++)
        need(ftruncate(files[i], 0) == 0 && lseek(files[i], 0, SEEK_SET) == 0, "empty files");
    pid_t id = fork();
    need(id >= 0, "a process");
    if (id == 0)
        run_words(line, prepare);
    need(waitpid(id, &status, 0) == id, "its end");
    for (int i = 0; i < 2; i++) {
        ssize_t length = pread(files[i], written[i], sizeof written[i] - 1, 0);
        need(length >= 0, "what was written");
        written[i][length] = '\0';
    }
}

static void assert_status(int expected)
{
    ck_assert_msg(WIFEXITED(status), "signal %d", WTERMSIG(status));
    ck_assert_msg(WEXITSTATUS(status) == expected, "status %d: %s", WEXITSTATUS(status),
                  written[1]);
}

static void assert_contains(int file, const char *text)
{
    ck_assert_msg(strstr(written[file], text) != NULL, "'%s'", written[file]);
}

/* Fail unless what it says on standard error begins so. */
static void assert_begins(const char *text)
{
    ck_assert_msg(strncmp(written[1], text, strlen(text)) == 0, "'%s'", written[1]);
}

/* ---- Around a look-up ---- */

static struct address others[2];
static int look_ups;
static int failure;

/* The second look-up finds other addresses, or fails. */
static void change(void)
{
    if (++look_ups < 2)
        return;
    names_find(others, COUNT(others));
    names_fail(failure, 0);
}

static void prepare_change(void)
{
    others[0] = address;
    others[1] = numeric_address("127.0.0.2", port);
    names_find(&address, 1);
    names_hook = change;
}

START_TEST(a_watch_reports_that_the_addresses_changed)
{
    char expected[200];
    snprintf(expected, sizeof expected,
             "sixteen: the addresses of example.net:%s have changed; they are now 127.0.0.1:%s, "
             "127.0.0.2:%s\n",
             port, port, port);
    run_client("-c 4 -i 0.3 --resolve 0.1 example.net PORT", prepare_change);
    assert_status(0);
    assert_begins(expected);
    assert_contains(0, "4 sent, 4 right");
}
END_TEST

START_TEST(a_watch_of_all_addresses_asks_a_new_one_too)
{
    char expected[64];
    snprintf(expected, sizeof expected, "--- 127.0.0.2:%s statistics ---\n", port);
    run_client("--all -q -c 4 -i 0.3 --resolve 0.1 example.net PORT", prepare_change);
    assert_status(1); /* it refuses */
    assert_contains(0, "4 sent, 4 right");
    assert_contains(0, expected);
    ck_assert_ptr_null(strstr(written[0], "not begun"));
}
END_TEST

START_TEST(a_watch_goes_on_if_the_name_has_no_address_any_more)
{
    char expected[200];
    snprintf(expected, sizeof expected,
             "sixteen: cannot look up example.net:%s again: Name or service not known; its "
             "addresses stay in use\n",
             port);
    failure = EAI_NONAME;
    run_client("-c 4 -i 0.3 --resolve 0.1 example.net PORT", prepare_change);
    assert_status(0);
    assert_begins(expected);
    assert_contains(0, "4 sent, 4 right");
}
END_TEST

static void interrupt_and_hang(void)
{
    (void)kill(getpid(), SIGINT);
    for (;;)
        (void)pause();
}

static void prepare_hang(void)
{
    names_hook = interrupt_and_hang;
}

START_TEST(a_signal_ends_a_look_up)
{
    run_client(_i == 0 ? "example.net PORT" : "-c 3 example.net PORT", prepare_hang);
    if (_i > 0)
        assert_status(1);
    else
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    assert_begins("sixteen: resolve example.net port ");
    assert_contains(1, ": interrupted after ");
    ck_assert_str_eq(written[0], "");
}
END_TEST

static void take_all_the_time(void)
{
    clock_move(5);
}

static void prepare_no_time(void)
{
    names_find(&address, 1);
    names_hook = take_all_the_time;
}

START_TEST(a_look_up_can_take_all_the_time)
{
    run_client("-w 1 example.net PORT", prepare_no_time);
    assert_status(1);
    assert_begins("sixteen: resolve example.net port ");
    assert_contains(1, ": timed out after ");
    run_client("-w 1 --plugin example.net PORT", prepare_no_time);
    assert_status(2);
    assert_contains(0, "SIXTEEN CRITICAL - resolve example.net port ");
}
END_TEST

/* ---- A table of names ---- */

static atomic_int asked;

/* The first look-up never ends. */
static void hang_first(void)
{
    while (atomic_fetch_add(&asked, 1) == 0)
        for (;;)
            (void)pause();
}

static void prepare_hang_first(void)
{
    names_find(&address, 1);
    names_hook = hang_first;
}

START_TEST(a_name_that_hangs_delays_no_other)
{
    run_client("-c 1 -W 1 -p PORT example.net example.org", prepare_hang_first);
    assert_status(1);
    assert_contains(0, "--- 2 targets ---\n");
    assert_contains(0, "\n2 sent, 1 right, 0 wrong, 50% lost, ");
    assert_contains(0, " timed out after 1 s\n");
}
END_TEST

/* The first look-up can fail before the first start, which then begins the second one. */
static void fail_twice(void)
{
    names_fail(atomic_fetch_add(&asked, 1) < 2 ? EAI_AGAIN : 0, 0);
}

static void prepare_fail_twice(void)
{
    names_find(&address, 1);
    names_hook = fail_twice;
}

START_TEST(a_name_that_failed_is_looked_up_again_at_the_next_start)
{
    run_client("-c 5 -i 0.3 -p PORT example.net 127.0.0.1", prepare_fail_twice);
    assert_status(1);
    assert_contains(0, "outcome=ok target=example.net:");
    assert_contains(0, ": Temporary failure in name resolution\n");
}
END_TEST

/* ---- A host that lacks something ---- */

static const char *const lines[] = {
    "127.0.0.1 PORT",
    "-q -c 2 -i 0 127.0.0.1 PORT",
    "--json --all 127.0.0.1 PORT",
    "--plugin 127.0.0.1 PORT",
    "-P 3 -c 5 127.0.0.1 PORT",
    "--rate 100 -c 5 127.0.0.1 PORT",
    "-p PORT 127.0.0.1 ::ffff:127.0.0.1",
    "--metrics FILE 127.0.0.1 PORT",
};

static enum fault fault;
static int spared;

static void prepare_fault(void)
{
    io_fail(fault, spared, 1, fault == FAULT_MEMORY ? ENOMEM : EMFILE);
}

/* With the plugin, a failure of this host is UNKNOWN: 3. */
static void assert_told(const char *line, const char *why)
{
    assert_status(strstr(line, "--plugin") != NULL ? 3 : 2);
    ck_assert_msg(strstr(written[0], why) != NULL || strstr(written[1], why) != NULL, "'%s' '%s'",
                  written[0], written[1]);
}

START_TEST(without_memory_it_says_so)
{
    int told = 0;
    fault = FAULT_MEMORY;
    for (spared = 0; spared < 14; spared++) {
        run_client(lines[_i], prepare_fault);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            continue;
        assert_told(lines[_i], "Cannot allocate memory");
        told++;
    }
    ck_assert_int_ge(told, 6);
}
END_TEST

START_TEST(without_descriptors_it_says_so)
{
    static const enum fault faults[] = {FAULT_EVENTFD, FAULT_EPOLL_CREATE, FAULT_TIMERFD};
    spared = 0;
    for (size_t i = 0; i < COUNT(faults); i++) {
        fault = faults[i];
        run_client(lines[_i], prepare_fault);
        assert_told(lines[_i], "Too many open files");
    }
}
END_TEST

static void prepare_threads(void)
{
    names_find(&address, 1);
    threads_left = spared;
}

START_TEST(without_threads_it_says_so)
{
    static const struct {
        const char *line;
        int needed; /* threads */
    } rows[] = {
        {"example.net PORT", 1},
        {"--plugin example.net PORT", 1},
        {"-P 3 -c 5 127.0.0.1 PORT", 2},
        {"-P 3 -c 5 example.net PORT", 3},
        {"-p PORT example.net example.org", 2},
        {"-p PORT 127.0.0.1 example.org", 1},
    };
    for (spared = 0; spared < rows[_i].needed; spared++) {
        run_client(rows[_i].line, prepare_threads);
        assert_told(rows[_i].line, "Resource temporarily unavailable");
    }
}
END_TEST

START_TEST(without_a_thread_for_the_metrics_it_says_so)
{
    const char *line = "--metrics FILE 127.0.0.1 PORT";
    spared = 0;
    run_client(line, prepare_threads);
    assert_told(line,
                "cannot start the thread that writes the file: Resource temporarily unavailable");
}
END_TEST

Suite *run_suite(void)
{
    Suite *suite = suite_create("run");
    TCase *tcase = add_case(suite, "run", NULL);
    tcase_add_checked_fixture(tcase, set_up, clean_up);
    tcase_add_test(tcase, a_watch_reports_that_the_addresses_changed);
    tcase_add_test(tcase, a_watch_of_all_addresses_asks_a_new_one_too);
    tcase_add_test(tcase, a_watch_goes_on_if_the_name_has_no_address_any_more);
    tcase_add_loop_test(tcase, a_signal_ends_a_look_up, 0, 2);
    tcase_add_test(tcase, a_look_up_can_take_all_the_time);
    tcase_add_test(tcase, a_name_that_hangs_delays_no_other);
    tcase_add_test(tcase, a_name_that_failed_is_looked_up_again_at_the_next_start);
    tcase_add_loop_test(tcase, without_memory_it_says_so, 0, COUNT(lines));
    tcase_add_loop_test(tcase, without_descriptors_it_says_so, 0, COUNT(lines));
    tcase_add_loop_test(tcase, without_threads_it_says_so, 0, 6);
    tcase_add_test(tcase, without_a_thread_for_the_metrics_it_says_so);
    return suite;
}
