# SPDX-License-Identifier: MIT
EXTRA_DIST += %D%/sixteen.conf.in %D%/sixteend.service.in %D%/sixteend.socket
CLEANFILES += %D%/sixteen.conf %D%/sixteend.service
noinst_DATA = %D%/sixteen.conf

if HAVE_SYSTEMD
systemdsystemunit_DATA = %D%/sixteend.service %D%/sixteend.socket
else
noinst_DATA += %D%/sixteend.service
endif

# The pid file's folder is there at run time, so no package brings it; but below
# /usr/local nobody else makes it. The administrator's configuration is never overwritten, and removed only where
# it is still the one that we brought.
install-data-hook:
	$(MKDIR_P) '$(DESTDIR)$(sysconfdir)'
	test -n '$(DESTDIR)' || $(MKDIR_P) '$(runstatedir)'
	test -e '$(DESTDIR)$(sysconfdir)/sixteen.conf' || \
	  $(INSTALL_DATA) %D%/sixteen.conf '$(DESTDIR)$(sysconfdir)/sixteen.conf'

uninstall-hook:
	if cmp -s %D%/sixteen.conf '$(DESTDIR)$(sysconfdir)/sixteen.conf'; then \
	  rm -f '$(DESTDIR)$(sysconfdir)/sixteen.conf'; fi
