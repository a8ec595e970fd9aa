# SPDX-License-Identifier: MIT
# Only `make bench` and `make bench-smoke` build and run what is here. Only the documents are
# installed.
bench_programs = %D%/bare %D%/hold %D%/syslog_reader %D%/answer %D%/access
EXTRA_PROGRAMS += $(bench_programs)
CLEANFILES += $(bench_programs) %D%/no_batch.so %D%/server-go %D%/server-rust
%C%_bare_SOURCES = %D%/bare.c
%C%_bare_LDADD = $(sixteen_libs)
%C%_hold_SOURCES = %D%/hold.c
%C%_hold_LDADD = $(sixteen_libs)
%C%_syslog_reader_SOURCES = %D%/syslog_reader.c
%C%_answer_SOURCES = %D%/answer.c
%C%_access_SOURCES = %D%/access.c
%C%_access_LDADD = $(sixteen_libs)

bench_modules = \
	%D%/Bench/Held.pm \
	%D%/Bench/Load.pm \
	%D%/Bench/Machine.pm \
	%D%/Bench/Noise.pm \
	%D%/Bench/Proc.pm \
	%D%/Bench/Report.pm \
	%D%/Bench/Rows.pm \
	%D%/Bench/Server.pm \
	%D%/Bench/Summary.pm
bench_peers = \
	%D%/peers/answer.sh \
	%D%/peers/haproxy.cfg \
	%D%/peers/haproxy.lua \
	%D%/peers/inetd.conf \
	%D%/peers/nginx.conf \
	%D%/peers/server.go \
	%D%/peers/server.js \
	%D%/peers/server.py \
	%D%/peers/server.rs \
	%D%/peers/sixteen.js \
	%D%/peers/xinetd.conf
bench_results = \
	%D%/results/held.csv \
	%D%/results/latency.csv \
	%D%/results/results.csv \
	%D%/results/summary.csv
nobase_dist_doc_DATA += \
	%D%/README.md \
	%D%/results/cpu.svg \
	%D%/results/latency.svg \
	%D%/results/rate.svg \
	%D%/results/table.md
EXTRA_DIST += $(bench_modules) $(bench_peers) %D%/compare %D%/deps %D%/no_batch.c \
	%D%/plot.gp $(bench_results)
EXTRA_DIST += %D%/clients

# `go build` would leave its cache in the home directory.
%D%/server-go: %D%/peers/server.go
	$(AM_V_GEN)$(MKDIR_P) $(@D) && cache=$$(mktemp -d) && \
	  { GOCACHE=$$cache go build -o $@ $(srcdir)/%D%/peers/server.go; status=$$?; \
	    rm -rf "$$cache"; exit $$status; }

%D%/server-rust: %D%/peers/server.rs
	$(AM_V_GEN)$(MKDIR_P) $(@D) && rustc -C opt-level=3 -o $@ $(srcdir)/%D%/peers/server.rs

bench-programs: $(bench_programs) %D%/no_batch.so

# Build the peers whose compiler is installed.
bench-peers:
	$(AM_V_at)for pair in go:go rustc:rust; do \
	  if command -v "$${pair%:*}" >/dev/null; then \
	    $(MAKE) $(AM_MAKEFLAGS) "%D%/server-$${pair#*:}" || exit 1; \
	  fi; \
	done

bench_run = BUILD_DIR='$(abs_builddir)' $(PERL) -w $(srcdir)/%D%/compare

bench: all bench-programs bench-peers
	$(bench_run) --output %D%/run $(BENCH_FLAGS)

bench-smoke: all bench-programs bench-peers
	$(bench_run) --quick --output %D%/smoke $(BENCH_FLAGS)
	%D%/access 0 1000
	BUILD_DIR='$(abs_builddir)' $(PERL) -w $(srcdir)/%D%/clients --rounds 1 --seconds 0.2 --at-once 4

bench-clients: all
	BUILD_DIR='$(abs_builddir)' $(PERL) -w $(srcdir)/%D%/clients $(BENCH_FLAGS)

# Copy the results of the last `make bench` into the source tree.
bench-publish:
	$(MKDIR_P) $(srcdir)/%D%/results
	for file in $(bench_results); do \
	  cp "%D%/run/$${file##*/}" $(srcdir)/%D%/results || exit 1; \
	done

bench-deps:
	$(srcdir)/%D%/deps

clean-bench:
	rm -rf %D%/run %D%/smoke

.PHONY: bench clean-bench bench-clients bench-deps bench-peers bench-programs bench-publish bench-smoke
