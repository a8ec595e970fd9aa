# SPDX-License-Identifier: MIT
# The hops on the path to a server, and what they show together.
src_libsixteen_a_SOURCES += \
	%D%/icmp_word.h %D%/icmp_word.c \
	%D%/hop.h %D%/hop.c \
	%D%/path.h %D%/path.c \
	%D%/conclusion.h %D%/conclusion.c \
	%D%/path_report.h %D%/path_report.c
