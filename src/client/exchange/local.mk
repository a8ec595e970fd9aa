# SPDX-License-Identifier: MIT
# One exchange, from what it sends to its verdict; then many of them.
src_libsixteen_a_SOURCES += \
	%D%/source.h %D%/source.c \
	%D%/script.h %D%/script.c \
	%D%/verdict.h %D%/verdict.c \
	%D%/target.h %D%/target.c \
	%D%/resolver.h %D%/resolver.c \
	%D%/names.h %D%/names.c \
	%D%/socket.h %D%/socket.c \
	%D%/tcp_state.h %D%/tcp_state.c \
	%D%/exchange.h %D%/exchange.c \
	%D%/schedule.h %D%/schedule.c \
	%D%/event_loop.h %D%/event_loop.c \
	%D%/engine.h %D%/engine.c
