# SPDX-License-Identifier: MIT
# Everything but the two main() files is a convenience library: the tests link
# with it too. server/ lists the files of the data path in the order in which a
# connection meets them, then the daemon's life around it.
noinst_LIBRARIES += %D%/libsixteen.a
%C%_libsixteen_a_SOURCES = \
	%D%/common/wire.h \
	%D%/common/checked.h \
	%D%/common/deadline.h %D%/common/deadline.c \
	%D%/common/transfer.h %D%/common/transfer.c \
	%D%/common/address.h %D%/common/address.c \
	%D%/common/prefix.h %D%/common/prefix.c \
	%D%/common/environment.h %D%/common/environment.c \
	%D%/common/decimal.h %D%/common/decimal.c \
	%D%/common/histogram.h %D%/common/histogram.c \
	%D%/common/quote.h %D%/common/quote.c \
	%D%/common/output.h %D%/common/output.c \
	%D%/common/misuse.h %D%/common/misuse.c \
	\
	%D%/server/conversation.h %D%/server/conversation.c \
	%D%/server/listener.h %D%/server/listener.c \
	%D%/server/listeners.h %D%/server/listeners.c \
	%D%/server/acceptor.h %D%/server/acceptor.c \
	%D%/server/intake.h %D%/server/intake.c \
	%D%/server/warning.h %D%/server/warning.c \
	%D%/server/accept_error.h %D%/server/accept_error.c \
	%D%/server/admission.h %D%/server/admission.c \
	%D%/server/handover.h %D%/server/handover.c \
	%D%/server/preface.h %D%/server/preface.c \
	%D%/server/proxy.h %D%/server/proxy.c \
	%D%/server/exchange.h %D%/server/exchange.c \
	%D%/server/linger.h %D%/server/linger.c \
	%D%/server/log.h %D%/server/log.c \
	%D%/server/scribe.h %D%/server/scribe.c \
	%D%/server/stats.h %D%/server/stats.c \
	%D%/server/report.h %D%/server/report.c \
	%D%/server/metrics.h %D%/server/metrics.c \
	\
	%D%/server/account.h %D%/server/account.c \
	%D%/server/settings.h %D%/server/settings.c %D%/server/settings_print.c \
	%D%/server/snapshot.h %D%/server/snapshot.c \
	%D%/server/settings_scan.h %D%/server/settings_scan.c \
	%D%/server/settings_file.h %D%/server/settings_file.c \
	%D%/server/options.h %D%/server/options.c \
	%D%/server/configuration.h %D%/server/configuration.c \
	%D%/server/service.h %D%/server/service.c \
	%D%/server/notify.h %D%/server/notify.c \
	%D%/server/activation.h %D%/server/activation.c \
	%D%/server/signals.h %D%/server/signals.c \
	%D%/server/daemonize.h %D%/server/daemonize.c \
	%D%/server/pid_file.h %D%/server/pid_file.c \
	%D%/server/privileges.h %D%/server/privileges.c \
	%D%/server/resources.h %D%/server/resources.c \
	%D%/server/sandbox.h \
	\
	%D%/client/range.h %D%/client/range.c \
	%D%/client/source.h %D%/client/source.c \
	%D%/client/proxy_header.h %D%/client/proxy_header.c \
	%D%/client/verdict.h %D%/client/verdict.c \
	%D%/client/misbehaviour.h %D%/client/misbehaviour.c \
	%D%/client/probe.h %D%/client/probe.c \
	%D%/client/times.h %D%/client/times.c \
	%D%/client/tally.h %D%/client/tally.c \
	%D%/client/schedule.h %D%/client/schedule.c \
	%D%/client/flight.h %D%/client/flight.c \
	%D%/client/driver.h %D%/client/driver.c \
	%D%/client/load.h %D%/client/load.c \
	%D%/client/options.h %D%/client/options.c \
	%D%/client/report.h %D%/client/report.c \
	%D%/client/chart.h %D%/client/chart.c \
	%D%/client/json.h %D%/client/json.c \
	%D%/client/plugin.h %D%/client/plugin.c \
	%D%/client/progress.h %D%/client/progress.c \
	%D%/client/inquiry.h %D%/client/inquiry_state.h %D%/client/inquiry.c \
	%D%/client/asker.h %D%/client/asker.c \
	%D%/client/status.h %D%/client/run.h %D%/client/run.c

if WITH_SECCOMP
%C%_libsixteen_a_SOURCES += %D%/server/sandbox.c %D%/server/violation.h %D%/server/violation.c
else
%C%_libsixteen_a_SOURCES += %D%/server/no_sandbox.c
endif

sixteen_libs = %D%/libsixteen.a $(LIBCONFIG_LIBS) $(PTHREAD_LIBS) -lm

sbin_PROGRAMS += %D%/sixteend
%C%_sixteend_SOURCES = %D%/sixteend.c
%C%_sixteend_LDFLAGS = $(AM_LDFLAGS)
%C%_sixteend_LDADD = $(sixteen_libs) $(SECCOMP_LIBS)

bin_PROGRAMS += %D%/sixteen
%C%_sixteen_SOURCES = %D%/sixteen.c
%C%_sixteen_LDADD = $(sixteen_libs)
