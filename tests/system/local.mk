# SPDX-License-Identifier: MIT
system_tests = \
	%D%/exchange.t \
	%D%/closing.t \
	%D%/outcomes.t
TESTS += $(system_tests)
EXTRA_DIST += $(system_tests) %D%/Sixteen.pm
