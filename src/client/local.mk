# SPDX-License-Identifier: MIT
# A run: the results of its exchanges, and the run itself.
src_libsixteen_a_SOURCES += \
	%D%/results.h %D%/results.c \
	%D%/run.h %D%/run.c
