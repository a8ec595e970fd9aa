# SPDX-License-Identifier: MIT
# What the daemon reports: a line from a thread to the log writer, then the statistics.
src_libsixteen_a_SOURCES += \
	%D%/log.h %D%/log.c \
	%D%/log_writer.h %D%/log_writer.c \
	%D%/log_output.h %D%/log_output.c \
	%D%/stats.h %D%/stats.c \
	%D%/process_stats.h %D%/process_stats.c \
	%D%/prometheus.h %D%/prometheus.c \
	%D%/metrics_writer.h %D%/metrics_writer.c
