# SPDX-License-Identifier: MIT
# What the daemon reports, in the order of a line's way; then what it counts.
src_libsixteen_a_SOURCES += \
	%D%/log.h %D%/log.c \
	%D%/warning.h %D%/warning.c \
	%D%/log_writer.h %D%/log_writer.c \
	%D%/stats.h %D%/stats.c \
	%D%/report.h %D%/report.c \
	%D%/prometheus.h %D%/prometheus.c
