# SPDX-License-Identifier: MIT
# One Check program, one suite for each file. The library's calls of the functions after --wrap lead
# to faulty_io.c or to the suite that replaces them.
if HAVE_CHECK
check_PROGRAMS += %D%/unit
TESTS += %D%/unit
endif
%C%_unit_SOURCES = \
	%D%/unit.c \
	%D%/support.h %D%/support.c \
	%D%/words.c tests/words.h \
	%D%/faulty_io.h %D%/faulty_io.c \
	%D%/settings_support.h %D%/settings_support.c \
	%D%/exchange_support.h %D%/exchange_support.c \
	%D%/log_support.h %D%/log_support.c \
	%D%/descriptor_support.h %D%/descriptor_support.c \
	%D%/names_support.h %D%/names_support.c \
	%D%/targets_support.h %D%/targets_support.c \
	%D%/test_deadline.c \
	%D%/test_recv_all.c \
	%D%/test_send_all.c \
	%D%/test_transfer_time.c \
	%D%/test_endpoint.c \
	%D%/test_address.c \
	%D%/test_prefix.c \
	%D%/test_number.c \
	%D%/test_text.c \
	%D%/test_tail_queue.c \
	%D%/test_command_line.c \
	%D%/test_descriptor.c \
	%D%/test_file_writer.c \
	%D%/test_settings.c \
	%D%/test_setting_store.c \
	%D%/test_config_scan.c \
	%D%/test_config_file.c \
	%D%/test_settings_print.c \
	%D%/test_listen_addresses.c \
	%D%/test_options.c \
	%D%/test_log_writer.c \
	%D%/test_log_output.c \
	%D%/test_warning.c \
	%D%/test_stats.c \
	%D%/test_prometheus.c \
	%D%/test_metrics_writer.c \
	%D%/test_protocol_guess.c \
	%D%/test_connection.c \
	%D%/test_exchange.c \
	%D%/test_exchange_faults.c \
	%D%/test_proxy_header_parse.c \
	%D%/test_proxy_header_receive.c \
	%D%/test_monitor.c \
	%D%/test_admission.c \
	%D%/test_workers.c \
	%D%/test_lingering_close.c \
	%D%/test_acceptor.c \
	%D%/test_listener.c \
	%D%/test_loop.c \
	%D%/test_config_reader.c \
	%D%/test_activation.c \
	%D%/test_notify.c \
	%D%/test_source.c \
	%D%/test_proxy_header.c \
	%D%/test_script.c \
	%D%/test_verdict.c \
	%D%/test_target.c \
	%D%/test_tcp_state.c \
	%D%/test_resolver.c \
	%D%/test_names.c \
	%D%/test_client_exchange.c \
	%D%/test_schedule.c \
	%D%/test_engine.c \
	%D%/test_range.c \
	%D%/test_client_options.c \
	%D%/test_instant.c \
	%D%/test_histogram.c \
	%D%/test_times.c \
	%D%/test_tally.c \
	%D%/test_target_metrics.c \
	%D%/test_chart.c \
	%D%/test_progress.c \
	%D%/test_path.c \
	%D%/test_results.c \
	%D%/test_run.c
if WITH_SECCOMP
%C%_unit_SOURCES += %D%/test_seccomp.c
endif
%C%_unit_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/%D%
%C%_unit_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
%C%_unit_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=recv,--wrap=send,--wrap=shutdown,--wrap=clock_nanoseconds \
	-Wl,--wrap=getaddrinfo,--wrap=freeaddrinfo,--wrap=tsearch \
	-Wl,--wrap=socket,--wrap=bind,--wrap=listen,--wrap=setsockopt,--wrap=__setsockopt64 \
	-Wl,--wrap=log_lost,--wrap=access,--wrap=workers_gauges \
	-Wl,--wrap=pthread_create,--wrap=epoll_create1,--wrap=epoll_ctl,--wrap=sched_getaffinity \
	-Wl,--wrap=accept4,--wrap=close,--wrap=eventfd_write,--wrap=workers_take_half_closed \
	-Wl,--wrap=rename,--wrap=options_load,--wrap=connect,--wrap=getsockname,--wrap=getsockopt,--wrap=__getsockopt64,--wrap=timerfd_create,--wrap=eventfd \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc \
	-Wl,--wrap=strerror,--wrap=gai_strerror
# After LDFLAGS, which can ask for link-time optimization.
%C%_unit_LDADD = $(sixteen_libs) $(SECCOMP_LIBS) $(CHECK_LIBS) $(NO_LTO_LDFLAGS)

# Each test is a line of TAP. The driver would count a failure once more for the exit status, which
# is meant for a run by hand. If the program dies, the driver finds no plan.
AM_LOG_DRIVER_FLAGS = --ignore-exit

# All tests run in one process under valgrind: CK_FORK=no.
EXTRA_DIST += %D%/helgrind.supp
valgrind_unit = CK_FORK=no $(VALGRIND) --error-exitcode=99
VALGRIND = valgrind
memcheck: %D%/unit
	$(valgrind_unit) --leak-check=full --show-leak-kinds=definite,indirect \
	  --errors-for-leak-kinds=definite,indirect %D%/unit
helgrind: %D%/unit
	$(valgrind_unit) --tool=helgrind --suppressions=$(srcdir)/%D%/helgrind.supp %D%/unit
.PHONY: helgrind memcheck
