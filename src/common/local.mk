# SPDX-License-Identifier: MIT
# What both programs share.
src_libsixteen_a_SOURCES += \
	%D%/wire.h \
	%D%/checked.h \
	%D%/deadline.h %D%/deadline.c \
	%D%/transfer.h %D%/transfer.c \
	%D%/address.h %D%/address.c \
	%D%/prefix.h %D%/prefix.c \
	%D%/number.h %D%/number.c \
	%D%/text.h %D%/text.c \
	%D%/descriptor.h %D%/descriptor.c \
	%D%/command_line.h %D%/command_line.c
