# SPDX-License-Identifier: MIT
EXTRA_DIST += %D%/sixteen.conf.in %D%/service.in %D%/sixteend.service.in \
	%D%/sixteend-activated.service.in %D%/sixteend.socket
CLEANFILES += %D%/sixteen.conf $(services)
noinst_DATA = %D%/sixteen.conf

services = %D%/sixteend.service %D%/sixteend-activated.service
if HAVE_SYSTEMD
systemdsystemunit_DATA = $(services) %D%/sixteend.socket
else
noinst_DATA += $(services)
endif

# What is the same in both services is written once.
%D%/sixteend.service: %D%/sixteend.service.in
%D%/sixteend-activated.service: %D%/sixteend-activated.service.in
$(services): %D%/service.in
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	  $(SED) -e '/^[@]service[@]$$/{r $(srcdir)/%D%/service.in' -e 'd;}' $(srcdir)/$@.in | \
	  $(substitute) >$@.tmp && mv $@.tmp $@

# Where each shell looks by itself. Debian's zsh has another place below /usr:
# make install zshcompletiondir=/usr/share/zsh/vendor-completions
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = %D%/completions/sixteen %D%/completions/sixteend
zshcompletiondir = $(datadir)/zsh/site-functions
dist_zshcompletion_DATA = %D%/completions/_sixteen %D%/completions/_sixteend
fishcompletiondir = $(datadir)/fish/vendor_completions.d
dist_fishcompletion_DATA = %D%/completions/sixteen.fish %D%/completions/sixteend.fish

# The pid file's folder is there at run time, so no package brings it; but below /usr/local
# nobody else makes it. The administrator's configuration is never overwritten, and removed only
# where it is still the one that we brought. The documents' folders are ours alone, and go with
# the last file in them.
install-data-hook:
	$(MKDIR_P) '$(DESTDIR)$(sysconfdir)'
	test -n '$(DESTDIR)' || $(MKDIR_P) '$(runstatedir)'
	test -e '$(DESTDIR)$(sysconfdir)/sixteen.conf' || \
	  $(INSTALL_DATA) %D%/sixteen.conf '$(DESTDIR)$(sysconfdir)/sixteen.conf'

uninstall-hook:
	if cmp -s %D%/sixteen.conf '$(DESTDIR)$(sysconfdir)/sixteen.conf'; then \
	  rm -f '$(DESTDIR)$(sysconfdir)/sixteen.conf'; fi
	{ cd '$(DESTDIR)$(docdir)' && \
	  for file in $(nobase_dist_doc_DATA); do rmdir -p "$${file%/*}"; done; \
	  rmdir '$(DESTDIR)$(docdir)'; } 2>/dev/null || :
