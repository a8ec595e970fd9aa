# SPDX-License-Identifier: MIT
# Each target is a program that replays its corpus, for `make check`, and one in which libFuzzer
# generates inputs, for `make fuzz`.
fuzz_targets = \
	%D%/address \
	%D%/client_exchange \
	%D%/client_options \
	%D%/config_file \
	%D%/config_scan \
	%D%/connection \
	%D%/daemon_options \
	%D%/decimal \
	%D%/endpoint \
	%D%/environment \
	%D%/exchange \
	%D%/prefix \
	%D%/proxy_header \
	%D%/quote \
	%D%/range \
	%D%/setting_store \
	%D%/source
check_PROGRAMS += $(fuzz_targets)
TESTS += $(fuzz_targets)
EXTRA_DIST += %D%/corpus %D%/dictionaries %D%/run

# Programs without an LDADD of their own are these. Each is made from the one file with its name.
check_LIBRARIES = %D%/libreplay.a
%C%_libreplay_a_SOURCES = %D%/fuzz.h %D%/fuzz.c %D%/replay.c
LDADD = %D%/libreplay.a $(sixteen_libs)

# With their own objects and compiler, so that the build is not changed.
FUZZ_CC = clang
FUZZ_SECONDS = 15
FUZZ_JOBS = 1
fuzz_sanitizers = address,undefined
EXTRA_LIBRARIES = %D%/libfuzzed.a
%C%_libfuzzed_a_SOURCES = %D%/fuzz.h %D%/fuzz.c $(src_libsixteen_a_SOURCES)
%C%_libfuzzed_a_CFLAGS = $(PTHREAD_CFLAGS) $(LIBCONFIG_CFLAGS) -g -O1 \
	-fsanitize=fuzzer-no-link,$(fuzz_sanitizers) -fno-sanitize-recover=all
SUFFIXES += .fuzz
.c.fuzz:
	$(AM_V_CCLD)$(FUZZ_CC) $(DEFS) $(DEFAULT_INCLUDES) $(AM_CPPFLAGS) $(CPPFLAGS) \
	  $(PTHREAD_CFLAGS) $(LIBCONFIG_CFLAGS) -g -O1 -fsanitize=fuzzer,$(fuzz_sanitizers) \
	  -fno-sanitize-recover=all -o $@ $< %D%/libfuzzed.a $(LIBCONFIG_LIBS) -lm

fuzz_programs = $(fuzz_targets:=.fuzz)
$(fuzz_programs): %D%/libfuzzed.a %D%/fuzz.h
CLEANFILES += $(fuzz_programs) %D%/libfuzzed.a

# New inputs go to %D%/found, in the folder of the build.
fuzz:
	$(AM_V_at)$(MAKE) $(AM_MAKEFLAGS) CC='$(FUZZ_CC)' CFLAGS= $(fuzz_programs)
	$(AM_V_at)$(MAKE) $(AM_MAKEFLAGS) $(fuzz_targets)
	$(AM_V_at)SOURCE_DIR='$(abs_top_srcdir)' $(SHELL) $(srcdir)/%D%/run \
	  '$(FUZZ_SECONDS)' '$(FUZZ_JOBS)' $(fuzz_targets)

clean-fuzz:
	rm -rf %D%/found

.PHONY: clean-fuzz fuzz
