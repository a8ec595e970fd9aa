# SPDX-License-Identifier: MIT
system_tests = \
	%D%/accept_errors.t \
	%D%/access.t \
	%D%/activation.t \
	%D%/addresses.t \
	%D%/anycast.t \
	%D%/background.t \
	%D%/balancer.t \
	%D%/bootstrap.t \
	%D%/calls.t \
	%D%/client.t \
	%D%/closing.t \
	%D%/commands.t \
	%D%/compatibility.t \
	%D%/completions.t \
	%D%/config.t \
	%D%/configure.t \
	%D%/confinement.t \
	%D%/documents.t \
	%D%/drain.t \
	%D%/examples.t \
	%D%/exchange.t \
	%D%/figures.t \
	%D%/haproxy.t \
	%D%/image.t \
	%D%/injection.t \
	%D%/logfmt.t \
	%D%/install.t \
	%D%/interop.t \
	%D%/json.t \
	%D%/json_schema.t \
	%D%/kernels.t \
	%D%/kubernetes.t \
	%D%/leaks.t \
	%D%/limits.t \
	%D%/link_local.t \
	%D%/listeners.t \
	%D%/load.t \
	%D%/log.t \
	%D%/loss.t \
	%D%/retransmissions.t \
	%D%/manuals.t \
	%D%/matrix.t \
	%D%/metrics.t \
	%D%/misbehave.t \
	%D%/monitoring.t \
	%D%/names.t \
	%D%/notify.t \
	%D%/options.t \
	%D%/outcomes.t \
	%D%/overload.t \
	%D%/path.t \
	%D%/pid_file.t \
	%D%/plugin.t \
	%D%/privileges.t \
	%D%/prometheus.t \
	%D%/proxies.t \
	%D%/proxy.t \
	%D%/release.t \
	%D%/reload.t \
	%D%/repeat.t \
	%D%/rooms.t \
	%D%/rsyslog.t \
	%D%/seccomp.t \
	%D%/signals.t \
	%D%/slots.t \
	%D%/stop.t \
	%D%/syslog.t \
	%D%/targets.t \
	%D%/time.t \
	%D%/unit_file.t \
	%D%/watch_metrics.t \
	%D%/workers.t
TESTS += $(system_tests)
EXTRA_DIST += $(system_tests) %D%/Commands.pm %D%/Repository.pm %D%/Sixteen.pm %D%/intruder.c %D%/manifest.py %D%/names.txt %D%/records.py \
	%D%/seed.py

# Runs the programs as on a kernel that lacks something.
check_PROGRAMS += %D%/without
%C%_without_CFLAGS = $(WARN_CFLAGS) $(HARDEN_CFLAGS)
%C%_without_LDFLAGS = $(HARDEN_LDFLAGS)
%C%_without_LDADD =

# Says what tests must know about the C library.
check_PROGRAMS += %D%/c_library
%C%_c_library_SOURCES = %D%/c_library.c tests/words.h
%C%_c_library_LDADD = $(PTHREAD_LIBS)

if WITH_SECCOMP
check_DATA += %D%/intruder.so
endif
CLEANFILES += %D%/intruder.so
