/* SPDX-License-Identifier: MIT */
/* How glibc words those errors that tests expect in messages. C libraries differ in these words;
 * the units and system/Sixteen.pm put glibc's in their place. */
#ifndef TESTS_WORDS_H
#define TESTS_WORDS_H

#include <errno.h>
#include <netdb.h>

struct words {
    int number;
    const char *text;
};

static const struct words glibc_strerror[] = {
    {EPERM, "Operation not permitted"},
    {ENOENT, "No such file or directory"},
    {EINTR, "Interrupted system call"},
    {EIO, "Input/output error"},
    {EBADF, "Bad file descriptor"},
    {ECHILD, "No child processes"},
    {EAGAIN, "Resource temporarily unavailable"},
    {ENOMEM, "Cannot allocate memory"},
    {EACCES, "Permission denied"},
    {EBUSY, "Device or resource busy"},
    {ENOTDIR, "Not a directory"},
    {EISDIR, "Is a directory"},
    {EINVAL, "Invalid argument"},
    {ENFILE, "Too many open files in system"},
    {EMFILE, "Too many open files"},
    {EFBIG, "File too large"},
    {ENOSPC, "No space left on device"},
    {ESPIPE, "Illegal seek"},
    {EPIPE, "Broken pipe"},
    {ENOLCK, "No locks available"},
    {ENOSYS, "Function not implemented"},
    {ELOOP, "Too many levels of symbolic links"},
    {EPROTO, "Protocol error"},
    {EPROTOTYPE, "Protocol wrong type for socket"},
    {EOPNOTSUPP, "Operation not supported"},
    {EAFNOSUPPORT, "Address family not supported by protocol"},
    {EADDRINUSE, "Address already in use"},
    {EADDRNOTAVAIL, "Cannot assign requested address"},
    {ENETUNREACH, "Network is unreachable"},
    {ECONNABORTED, "Software caused connection abort"},
    {ECONNRESET, "Connection reset by peer"},
    {ENOBUFS, "No buffer space available"},
    {ENOTCONN, "Transport endpoint is not connected"},
    {ETIMEDOUT, "Connection timed out"},
    {ECONNREFUSED, "Connection refused"},
    {EHOSTUNREACH, "No route to host"},
};

static const struct words glibc_gai_strerror[] = {
    {EAI_NONAME, "Name or service not known"},
    {EAI_AGAIN, "Temporary failure in name resolution"},
    {EAI_SERVICE, "Servname not supported for ai_socktype"},
};

#endif
