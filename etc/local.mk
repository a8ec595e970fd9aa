# SPDX-License-Identifier: MIT
EXTRA_DIST += %D%/sixteen.conf.in %D%/sixteend.service.in %D%/sixteend.socket
CLEANFILES += %D%/sixteen.conf %D%/sixteend.service
noinst_DATA = %D%/sixteen.conf

if HAVE_SYSTEMD
systemdsystemunit_DATA = %D%/sixteend.service %D%/sixteend.socket
else
noinst_DATA += %D%/sixteend.service
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
# below /usr/local nothing else creates it. Never overwrite the administrator's configuration, and
# remove it only if it is unchanged. The document directories hold only our files; remove them with
# the last one.
install-data-hook:
	$(MKDIR_P) '$(DESTDIR)$(sysconfdir)'
	test -n '$(DESTDIR)' || $(MKDIR_P) '$(runstatedir)'
	test -e '$(DESTDIR)$(sysconfdir)/sixteen.conf' || \
	  $(INSTALL_DATA) %D%/sixteen.conf '$(DESTDIR)$(sysconfdir)/sixteen.conf'

uninstall-hook:
	rm -f '$(DESTDIR)$(plugindir)/check_sixteen'
	if cmp -s %D%/sixteen.conf '$(DESTDIR)$(sysconfdir)/sixteen.conf'; then \
	  rm -f '$(DESTDIR)$(sysconfdir)/sixteen.conf'; fi
	{ cd '$(DESTDIR)$(docdir)' && \
	  for file in $(nobase_dist_doc_DATA); do rmdir -p "$${file%/*}"; done; \
	  rmdir '$(DESTDIR)$(docdir)'; } 2>/dev/null || :
