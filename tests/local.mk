# SPDX-License-Identifier: MIT
TEST_EXTENSIONS = .t
T_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
T_LOG_COMPILER = $(PERL) -w -I $(top_srcdir)/tests/system -I $(top_srcdir)/tests/faults \
	-I $(top_srcdir)/tests/systemd
LOG_DRIVER = $(T_LOG_DRIVER)
AM_TESTS_ENVIRONMENT = \
	export BUILD_DIR='$(abs_top_builddir)' SOURCE_DIR='$(abs_top_srcdir)' \
	  SYSCONFDIR='$(sysconfdir)';

include tests/unit/local.mk
include tests/system/local.mk
include tests/faults/local.mk
include tests/soak/local.mk
include tests/systemd/local.mk
include tests/fuzz/local.mk
include tests/coverage/local.mk

# For the build of a package: the unit tests, the corpora of the fuzzers, and those system tests that
# show that the programs work and need nothing but Perl.
package_tests = %D%/unit/unit $(fuzz_targets) \
	%D%/system/closing.t \
	%D%/system/config.t \
	%D%/system/exchange.t \
	%D%/system/install.t \
	%D%/system/outcomes.t \
	%D%/system/reload.t \
	%D%/system/stop.t
