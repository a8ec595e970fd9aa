# SPDX-License-Identifier: MIT
# The probe: the command line, one exchange, many of them, and what is reported of them.
src_libsixteen_a_SOURCES += \
	%D%/range.h %D%/range.c \
	%D%/source.h %D%/source.c \
	%D%/proxy_header.h %D%/proxy_header.c \
	%D%/verdict.h %D%/verdict.c \
	%D%/misbehaviour.h %D%/misbehaviour.c \
	%D%/probe.h %D%/probe.c \
	%D%/histogram.h %D%/histogram.c \
	%D%/times.h %D%/times.c \
	%D%/tally.h %D%/tally.c \
	%D%/schedule.h %D%/schedule.c \
	%D%/flight.h %D%/flight.c \
	%D%/driver.h %D%/driver.c \
	%D%/load.h %D%/load.c \
	%D%/options.h %D%/options.c \
	%D%/report.h %D%/report.c \
	%D%/chart.h %D%/chart.c \
	%D%/json.h %D%/json.c \
	%D%/plugin.h %D%/plugin.c \
	%D%/progress.h %D%/progress.c \
	%D%/inquiry.h %D%/inquiry_state.h %D%/inquiry.c \
	%D%/asker.h %D%/asker.c \
	%D%/status.h %D%/run.h %D%/run.c
