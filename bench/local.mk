# SPDX-License-Identifier: MIT
# Nothing here is built, run or installed but by `make bench`.
EXTRA_PROGRAMS += %D%/bare %D%/load
CLEANFILES += %D%/bare %D%/load
%C%_bare_SOURCES = %D%/bare.c
%C%_bare_LDADD = $(sixteen_libs)
%C%_load_SOURCES = %D%/load.c
%C%_load_LDADD = $(sixteen_libs)

# What `make bench` runs.
bench-programs: %D%/bare %D%/load
.PHONY: bench-programs
