# SPDX-License-Identifier: MIT
# One exchange, from what it sends to its verdict; then many of them.
src_libsixteen_a_SOURCES += \
	%D%/source.h %D%/source.c \
	%D%/proxy_header.h %D%/proxy_header.c \
	%D%/script.h %D%/script.c \
	%D%/verdict.h %D%/verdict.c \
	%D%/target.h %D%/target.c \
	%D%/thread.h \
	%D%/resolver.h %D%/resolver.c \
	%D%/exchange.h %D%/exchange.c \
	%D%/schedule.h %D%/schedule.c \
	%D%/event_loop.h %D%/event_loop.c \
	%D%/engine.h %D%/engine.c
