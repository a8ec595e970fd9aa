# SPDX-License-Identifier: MIT
# What knows neither program: the protocol, then addresses, then text and numbers.
src_libsixteen_a_SOURCES += \
	%D%/wire.h \
	%D%/deadline.h %D%/deadline.c \
	%D%/duration.h %D%/duration.c \
	%D%/address.h %D%/address.c \
	%D%/prefix.h %D%/prefix.c \
	%D%/text.h %D%/text.c \
	%D%/number.h %D%/number.c \
	%D%/proxy_protocol.h %D%/proxy_protocol.c \
	%D%/protocol_guess.h %D%/protocol_guess.c \
	%D%/command_line.h %D%/command_line.c \
	%D%/descriptor.h %D%/descriptor.c \
	%D%/transfer.h %D%/transfer.c \
	%D%/tcp_info.h %D%/tcp_info.c \
	%D%/replace_file.h %D%/replace_file.c \
	%D%/checked.h %D%/thread.h %D%/tail_queue.h \
	%D%/processors.h %D%/processors.c \
	%D%/semaphore.h %D%/semaphore.c \
	%D%/file_writer.h %D%/file_writer.c
