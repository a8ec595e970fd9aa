# SPDX-License-Identifier: MIT
# A run: the results of its exchanges, the file that they go to, and the run itself.
src_libsixteen_a_SOURCES += \
	%D%/results.h %D%/results.c \
	%D%/metrics.h %D%/metrics.c \
	%D%/run.h %D%/run.c
