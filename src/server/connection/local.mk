# SPDX-License-Identifier: MIT
# The way of a connection, in the order in which it meets these files.
src_libsixteen_a_SOURCES += \
	%D%/connection.h %D%/connection.c \
	%D%/monitor.h \
	%D%/loop.h %D%/loop.c \
	%D%/listeners.h %D%/listeners.c \
	%D%/listener.h %D%/listener.c \
	%D%/acceptor.h %D%/acceptor.c \
	%D%/admission.h %D%/admission.c \
	%D%/workers.h %D%/workers.c \
	%D%/proxy_header.h %D%/proxy_header.c \
	%D%/exchange.h %D%/exchange.c \
	%D%/lingering_close.h %D%/lingering_close.c
