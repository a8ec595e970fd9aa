/* SPDX-License-Identifier: MIT */
/* _exit(2) and raise(3) for coverage: write the counters first. The linker replaces the real ones,
 * with --wrap; the names are those of --wrap and gcc.
 * NOLINTBEGIN(bugprone-reserved-identifier) */
#include <config.h>

void __gcov_dump(void);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);
int __real_raise(int signal);
int __wrap_raise(int signal);

_Noreturn void __wrap__exit(int status)
{
    __gcov_dump();
    __real__exit(status);
}

int __wrap_raise(int signal)
{
    __gcov_dump();
    return __real_raise(signal);
}
/* NOLINTEND(bugprone-reserved-identifier) */
