# SPDX-License-Identifier: MIT
# Everything but the two main() files is a convenience library, with which the tests link too.
# A room's local.mk lists its files; rooms.txt says which room may include which.
noinst_LIBRARIES += %D%/libsixteen.a
%C%_libsixteen_a_SOURCES =
include src/common/local.mk
include src/server/config/local.mk
include src/server/log/local.mk
include src/server/connection/local.mk
include src/server/process/local.mk
include src/client/exchange/local.mk
include src/client/options/local.mk
include src/client/report/local.mk
include src/client/path/local.mk
include src/client/local.mk

sixteen_libs = %D%/libsixteen.a $(LIBCONFIG_LIBS) $(PTHREAD_LIBS) -lm

sbin_PROGRAMS += %D%/sixteend
%C%_sixteend_SOURCES = %D%/sixteend.c
%C%_sixteend_LDFLAGS = $(AM_LDFLAGS)
%C%_sixteend_LDADD = $(sixteen_libs) $(SECCOMP_LIBS)

bin_PROGRAMS += %D%/sixteen
%C%_sixteen_SOURCES = %D%/sixteen.c
%C%_sixteen_LDFLAGS = $(AM_LDFLAGS)
%C%_sixteen_LDADD = $(sixteen_libs)

# The plugin is a second name of the client. A relative link is right in a package, too.
if HAVE_PLUGINDIR
install-exec-hook:
	$(MKDIR_P) '$(DESTDIR)$(plugindir)'
	ln -sfr '$(DESTDIR)$(bindir)'/`echo sixteen | $(SED) '$(transform)'` \
	  '$(DESTDIR)$(plugindir)/check_sixteen'
endif

EXTRA_DIST += %D%/rooms.txt
