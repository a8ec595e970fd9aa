# SPDX-License-Identifier: MIT
# What the daemon is configured to do, in the order of a key's way: the command line, the file's
# text, the table of keys and their values.
src_libsixteen_a_SOURCES += \
	%D%/options.h %D%/options.c \
	%D%/config_file.h %D%/config_file.c \
	%D%/config_scan.h %D%/config_scan.c \
	%D%/settings.h %D%/settings.c \
	%D%/settings_print.c \
	%D%/listen_addresses.h %D%/listen_addresses.c \
	%D%/user_group.h %D%/user_group.c
