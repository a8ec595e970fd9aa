# SPDX-License-Identifier: MIT
# What both programs share: the protocol, then addresses, then text and numbers.
src_libsixteen_a_SOURCES += \
	%D%/wire.h \
	%D%/deadline.h %D%/deadline.c \
	%D%/address.h %D%/address.c \
	%D%/prefix.h %D%/prefix.c \
	%D%/text.h %D%/text.c \
	%D%/number.h %D%/number.c \
	%D%/command_line.h %D%/command_line.c \
	%D%/descriptor.h %D%/descriptor.c \
	%D%/checked.h
