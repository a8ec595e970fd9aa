# SPDX-License-Identifier: MIT
# The daemon as a process, in the order of its life.
src_libsixteen_a_SOURCES += \
	%D%/service.h %D%/service.c \
	%D%/config_reader.h %D%/config_reader.c \
	%D%/background.h %D%/background.c \
	%D%/signals.h %D%/signals.c \
	%D%/rlimits.h %D%/rlimits.c \
	%D%/pid_file.h %D%/pid_file.c \
	%D%/systemd.h %D%/systemd.c \
	%D%/passed_sockets.h %D%/passed_sockets.c \
	%D%/privileges.h %D%/privileges.c \
	%D%/seccomp.h %D%/seccomp.c
