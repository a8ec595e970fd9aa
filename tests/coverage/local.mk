# SPDX-License-Identifier: MIT
# Count which lines and branches of src/ the tests run, with gcov and lcov. The programs also write
# their counters when they end by _exit(2) or raise(3); and as another user, because the files exist
# already and every user can write to them.
if CODE_COVERAGE_ENABLED
AM_CFLAGS += $(CODE_COVERAGE_CFLAGS) -fprofile-update=atomic
LIBS += $(CODE_COVERAGE_LIBS)
src_sixteend_SOURCES += %D%/exit.c
src_sixteend_LDFLAGS += -Wl,--wrap=_exit,--wrap=raise
src_sixteen_SOURCES += %D%/exit.c
src_sixteen_LDFLAGS += -Wl,--wrap=_exit,--wrap=raise
endif
EXTRA_DIST += %D%/exit.c %D%/judge

# An assertion's other branch is the one that is never taken.
lcov = $(LCOV) --quiet --gcov-tool '$(GCOV)' --rc lcov_branch_coverage=1 \
	--rc lcov_excl_br_line='LCOV_EXCL_BR_LINE|\b(assert|CHECKED)\('
check-code-coverage: all
	$(AM_V_at)test '$(CODE_COVERAGE_ENABLED)' = yes || \
	  { echo 'configure with --enable-code-coverage' >&2; exit 1; }
	$(AM_V_at)rm -f coverage.info
	$(AM_V_at)find src -name '*.gcno' | sed 's/gcno$$/gcda/' | while read -r counters; do \
	  : >"$$counters" && chmod 666 "$$counters" || exit 1; done
	$(AM_V_at)$(MAKE) $(AM_MAKEFLAGS) check
	$(AM_V_at)$(MAKE) $(AM_MAKEFLAGS) code-coverage
code-coverage:
	$(AM_V_at)$(lcov) --capture --directory src --output-file coverage.info
	$(AM_V_at)$(PERL) -w $(srcdir)/%D%/judge $(JUDGE_FLAGS) $(srcdir) coverage.info

clean-coverage:
	find . -name '*.gcda' -exec rm -f {} +
	find . -name '*.gcno' -exec rm -f {} +
	rm -f coverage.info

.PHONY: check-code-coverage clean-coverage code-coverage
