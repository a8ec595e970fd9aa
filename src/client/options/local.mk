# SPDX-License-Identifier: MIT
# The command line.
src_libsixteen_a_SOURCES += \
	%D%/range.h %D%/range.c \
	%D%/options.h %D%/options.c \
	%D%/reading.h \
	%D%/operands.h %D%/operands.c \
	%D%/check_options.h %D%/check_options.c \
	%D%/status.h
