/* SPDX-License-Identifier: MIT */
/* Run every suite and write TAP. Check's own variables select some: CK_RUN_SUITE=workers ./unit,
 * CK_RUN_CASE=recv_all ./unit. CK_FORK=no helps a debugger. */
#include <config.h>

#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Check knows no test that is skipped. Let a process copy the output, and turn the failure of such
 * a test into what TAP has for it. Returns the process. */
static pid_t turn_skips(void)
{
    int fds[2];
    char *line = NULL;
    size_t size = 0;
    need(pipe(fds) == 0, "a pipe");
    pid_t process = fork();
    need(process >= 0, "a process");
    if (process != 0) {
        need(dup2(fds[1], STDOUT_FILENO) >= 0, "standard output");
        close(fds[0]);
        close(fds[1]);
        return process;
    }
    close(fds[1]);
    FILE *in = fdopen(fds[0], "r");
    need(in != NULL, "the output");
    while (getline(&line, &size, in) > 0) {
        char *why =
            strncmp(line, "not ok", strlen("not ok")) == 0 ? strstr(line, ": " SKIPPED) : NULL;
        if (why != NULL)
            printf("%.*s # SKIP %s", (int)(why - line) - 4, line + 4, why + strlen(": " SKIPPED));
        else
            fputs(line, stdout);
    }
    fflush(stdout);
    _exit(EXIT_SUCCESS);
}

static int count_failures(SRunner *runner)
{
    int failed = srunner_ntests_failed(runner);
    TestResult **failures = srunner_failures(runner);
    int count = 0;
    for (int i = 0; i < failed; i++)
        count += strncmp(tr_msg(failures[i]), SKIPPED, strlen(SKIPPED)) != 0;
    free(failures);
    return count;
}

int main(void)
{
    static Suite *(*const suites[])(void) = {deadline_suite,
                                             recv_all_suite,
                                             send_all_suite,
                                             transfer_time_suite,
                                             endpoint_suite,
                                             address_suite,
                                             prefix_suite,
                                             number_suite,
                                             histogram_suite,
                                             text_suite,
                                             tail_queue_suite,
                                             command_line_suite,
                                             descriptor_suite,
                                             file_writer_suite,
                                             settings_suite,
                                             setting_store_suite,
                                             config_scan_suite,
                                             config_file_suite,
                                             settings_print_suite,
                                             listen_addresses_suite,
                                             options_suite,
                                             log_writer_suite,
                                             log_output_suite,
                                             warning_suite,
                                             stats_suite,
                                             prometheus_suite,
                                             metrics_writer_suite,
                                             protocol_guess_suite,
                                             connection_suite,
                                             exchange_suite,
                                             exchange_faults_suite,
                                             proxy_header_parse_suite,
                                             proxy_header_receive_suite,
                                             monitor_suite,
                                             admission_suite,
                                             workers_suite,
                                             lingering_close_suite,
                                             acceptor_suite,
                                             listener_suite,
                                             loop_suite,
                                             config_reader_suite,
                                             activation_suite,
                                             notify_suite,
#ifdef WITH_SECCOMP
                                             seccomp_suite,
#endif
                                             source_suite,
                                             proxy_header_suite,
                                             script_suite,
                                             verdict_suite,
                                             target_suite,
                                             tcp_state_suite,
                                             resolver_suite,
                                             names_suite,
                                             client_exchange_suite,
                                             schedule_suite,
                                             engine_suite,
                                             range_suite,
                                             client_options_suite,
                                             instant_suite,
                                             times_suite,
                                             tally_suite,
                                             target_metrics_suite,
                                             chart_suite,
                                             progress_suite,
                                             path_suite,
                                             results_suite,
                                             run_suite};

    /* A forked test would write the buffered text once more. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    pid_t process = turn_skips();
    SRunner *runner = srunner_create(NULL);
    for (size_t i = 0; i < COUNT(suites); i++)
        srunner_add_suite(runner, suites[i]());
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = count_failures(runner);
    srunner_free(runner);
    need(fclose(stdout) == 0 && waitpid(process, NULL, 0) == process, "the whole output");
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
