# SPDX-License-Identifier: MIT
# Not among the tests of `make check`: they boot a Debian that with-root makes, which needs root
# and a mirror. .ci/package, which builds the packages, runs package.t.
systemd_tests = \
	%D%/commands.t \
	%D%/install.t \
	%D%/orders.t \
	%D%/sandbox.t \
	%D%/service.t \
	%D%/socket.t \
	%D%/watch.t
EXTRA_DIST += $(systemd_tests) %D%/package.t %D%/Container.pm %D%/with-root

# Programs of other tests are not built for these.
check-systemd: all
	$(SHELL) $(srcdir)/%D%/with-root $(MAKE) $(AM_MAKEFLAGS) check-TESTS \
	  TESTS='$(systemd_tests)' check_PROGRAMS= check_LIBRARIES= check_DATA=
.PHONY: check-systemd
