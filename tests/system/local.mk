# SPDX-License-Identifier: MIT
system_tests = \
	%D%/accept_errors.t \
	%D%/access.t \
	%D%/activation.t \
	%D%/addresses.t \
	%D%/anycast.t \
	%D%/background.t \
	%D%/balancer.t \
	%D%/calls.t \
	%D%/client.t \
	%D%/closing.t \
	%D%/completions.t \
	%D%/config.t \
	%D%/confinement.t \
	%D%/documents.t \
	%D%/drain.t \
	%D%/exchange.t \
	%D%/figures.t \
	%D%/haproxy.t \
	%D%/injection.t \
	%D%/logfmt.t \
	%D%/install.t \
	%D%/interop.t \
	%D%/json.t \
	%D%/kubernetes.t \
	%D%/leaks.t \
	%D%/limits.t \
	%D%/link_local.t \
	%D%/listeners.t \
	%D%/load.t \
	%D%/log.t \
	%D%/loss.t \
	%D%/manuals.t \
	%D%/metrics.t \
	%D%/misbehave.t \
	%D%/monitoring.t \
	%D%/names.t \
	%D%/notify.t \
	%D%/options.t \
	%D%/outcomes.t \
	%D%/overload.t \
	%D%/pid_file.t \
	%D%/plugin.t \
	%D%/privileges.t \
	%D%/proxies.t \
	%D%/proxy.t \
	%D%/reload.t \
	%D%/repeat.t \
	%D%/rooms.t \
	%D%/rsyslog.t \
	%D%/seccomp.t \
	%D%/signals.t \
	%D%/slots.t \
	%D%/stop.t \
	%D%/syslog.t \
	%D%/time.t \
	%D%/unit_file.t \
	%D%/workers.t
TESTS += $(system_tests)
EXTRA_DIST += $(system_tests) %D%/Sixteen.pm %D%/intruder.c %D%/manifest.py %D%/seed.py

if WITH_SECCOMP
check_DATA += %D%/intruder.so
endif
CLEANFILES += %D%/intruder.so
