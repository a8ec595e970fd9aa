/* SPDX-License-Identifier: MIT */
/* _exit(2), as tests of coverage have it: not before the counters are written. The linker
 * puts it in the place of the other one, with --wrap, and that and gcc choose the names.
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
