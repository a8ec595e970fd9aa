# SPDX-License-Identifier: MIT
EXTRA_DIST += %D%/sixteen.conf.in %D%/sixteen.targets %D%/sixteend.service.in \
	%D%/sixteend.socket %D%/sixteen-watch.service.in %D%/leftovers
CLEANFILES += %D%/sixteen.conf %D%/sixteend.service %D%/sixteen-watch.service
noinst_DATA = %D%/sixteen.conf

if HAVE_SYSTEMD
systemdsystemunit_DATA = %D%/sixteend.service %D%/sixteend.socket %D%/sixteen-watch.service
else
noinst_DATA += %D%/sixteend.service %D%/sixteen-watch.service
endif

# Where each shell looks by default. Debian's zsh looks elsewhere below /usr:
# make install zshcompletiondir=/usr/share/zsh/vendor-completions
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = %D%/completions/sixteen %D%/completions/sixteend
zshcompletiondir = $(datadir)/zsh/site-functions
dist_zshcompletion_DATA = %D%/completions/_sixteen %D%/completions/_sixteend
fishcompletiondir = $(datadir)/fish/vendor_completions.d
dist_fishcompletion_DATA = %D%/completions/sixteen.fish %D%/completions/sixteend.fish

# Create the directory of the pid file: it exists at run time, so a package must not contain it, but
# below /usr/local nothing else creates it. Never overwrite the administrator's files, and remove
# them only if they are unchanged. The document directories hold only our files; remove them with
# the last one.
install-data-hook:
	$(MKDIR_P) '$(DESTDIR)$(sysconfdir)'
	test -n '$(DESTDIR)' || $(MKDIR_P) '$(runstatedir)'
	test -e '$(DESTDIR)$(sysconfdir)/sixteen.conf' || \
	  $(INSTALL_DATA) %D%/sixteen.conf '$(DESTDIR)$(sysconfdir)/sixteen.conf'
	test -e '$(DESTDIR)$(sysconfdir)/sixteen.targets' || \
	  $(INSTALL_DATA) $(srcdir)/%D%/sixteen.targets '$(DESTDIR)$(sysconfdir)/sixteen.targets'

uninstall-hook:
	rm -f '$(DESTDIR)$(plugindir)/check_sixteen'
	if cmp -s %D%/sixteen.conf '$(DESTDIR)$(sysconfdir)/sixteen.conf'; then \
	  rm -f '$(DESTDIR)$(sysconfdir)/sixteen.conf'; fi
	if cmp -s $(srcdir)/%D%/sixteen.targets '$(DESTDIR)$(sysconfdir)/sixteen.targets'; then \
	  rm -f '$(DESTDIR)$(sysconfdir)/sixteen.targets'; fi
	{ cd '$(DESTDIR)$(docdir)' && \
	  for file in $(nobase_dist_doc_DATA); do rmdir -p "$${file%/*}"; done; \
	  rmdir '$(DESTDIR)$(docdir)'; } 2>/dev/null || :
	$(SHELL) $(srcdir)/%D%/leftovers '$(DESTDIR)' '$(sysconfdir)' '$(runstatedir)'
