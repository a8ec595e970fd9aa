/* SPDX-License-Identifier: MIT */
/* Run every suite and write TAP. Check's own variables select some: CK_RUN_SUITE=workers ./unit,
 * CK_RUN_CASE=recv_all ./unit. CK_FORK=no helps a debugger. */
#include <config.h>

#include "support.h"

#include <stdio.h>
#include <stdlib.h>

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
                                             descriptor_suite,
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
                                             resolver_suite,
                                             client_exchange_suite,
                                             schedule_suite,
                                             engine_suite,
                                             range_suite,
                                             client_options_suite,
                                             times_suite,
                                             tally_suite,
                                             chart_suite,
                                             progress_suite,
                                             results_suite,
                                             run_suite};

    /* A forked test would write the buffered text once more. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    SRunner *runner = srunner_create(NULL);
    for (size_t i = 0; i < COUNT(suites); i++)
        srunner_add_suite(runner, suites[i]());
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
