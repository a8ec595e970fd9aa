# SPDX-License-Identifier: MIT
fault_tests = \
	%D%/background.t \
	%D%/drain.t \
	%D%/imports.t \
	%D%/reload.t \
	%D%/service.t \
	%D%/sites.t \
	%D%/start.t \
	%D%/syscalls.t
TESTS += $(fault_tests)
EXTRA_DIST += $(fault_tests) %D%/Calls.pm %D%/Faults.pm %D%/shim.c

check_DATA += %D%/shim.so
CLEANFILES += %D%/shim.so %D%/*.sites

# It sums up what the others have reached.
%D%/sites.log: %D%/background.log %D%/drain.log %D%/reload.log %D%/service.log %D%/start.log
