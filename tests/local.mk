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
