/* SPDX-License-Identifier: MIT */
/* _exit(2) for coverage: write the counters first. The linker replaces the real one, with --wrap;
 * the names are those of --wrap and gcc.
 * NOLINTBEGIN(bugprone-reserved-identifier) */
#include <config.h>

void __gcov_dump(void);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);

_Noreturn void __wrap__exit(int status)
{
    __gcov_dump();
    __real__exit(status);
}
/* NOLINTEND(bugprone-reserved-identifier) */
