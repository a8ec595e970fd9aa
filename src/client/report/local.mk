# SPDX-License-Identifier: MIT
# What is counted, and the reports.
src_libsixteen_a_SOURCES += \
	%D%/histogram.h %D%/histogram.c \
	%D%/times.h %D%/times.c \
	%D%/tally.h %D%/tally.c \
	%D%/instant.h %D%/instant.c \
	%D%/json_member.h %D%/json_member.c \
	%D%/interval.h %D%/interval.c \
	%D%/report.h \
	%D%/text.h %D%/text.c \
	%D%/chart.h %D%/chart.c \
	%D%/json.h %D%/json.c \
	%D%/prometheus.h %D%/prometheus.c \
	%D%/plugin.h %D%/plugin.c \
	%D%/progress.h %D%/progress.c
