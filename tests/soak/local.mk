# SPDX-License-Identifier: MIT
# Not among the tests of `make check`: it takes SOAK_SECONDS.
EXTRA_DIST += %D%/soak.t

SOAK_SECONDS = 120
soak: all
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS=%D%/soak.t SOAK_SECONDS=$(SOAK_SECONDS)
.PHONY: soak
