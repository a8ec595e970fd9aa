/* SPDX-License-Identifier: MIT */
/* For LD_PRELOAD: makes calls of the C library fail, one call site of the program at a time.
 * The file that FAULTS names is mapped: a test writes there which call must fail, and when; the
 * shim records every call site that it meets. Only calls that the program itself makes count, not
 * those of libraries. See Faults.pm. */
#include <config.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <link.h>
#include <linux/capability.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <search.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAME = 24, FAULTS = 2, PROCESSES = 8, SITES = 1024 };

/* Faults.pm has the same layout. */
struct fault {
    char call[NAME];
    uint64_t site;  /* what the call returns to, counted from where the program was loaded */
    uint32_t armed; /* whether any of this holds */
    uint32_t pass;  /* this many calls succeed first */
    uint32_t times; /* then this many fail; 0: every one, wherever it is made */
    int32_t error;  /* an errno, or another number by which the call reports a failure; -1: none */
    uint32_t most;  /* without an error: the call transfers at most this many octets */
    uint32_t met;   /* calls since it was armed … */
    uint32_t fired; /* … and those of them that failed */
    uint32_t filler;
};

struct site {
    uint64_t at; /* 0: none yet */
    char call[NAME];
    uint32_t count;
    uint32_t noted; /* all of this is there */
};

static struct control {
    uint32_t processes;
    int32_t process[PROCESSES - 1]; /* that the program made, and itself */
    struct fault fault[FAULTS];
    struct site site[SITES];
} * control;

static uintptr_t program_start, program_end;

static int find_program(struct dl_phdr_info *info, size_t size, void *argument)
{
    (void)size;
    (void)argument;
    program_start = program_end = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type == PT_LOAD)
            program_end = info->dlpi_addr + header->p_vaddr + header->p_memsz;
    }
    return 1; /* the program comes first */
}

static void note_process(void)
{
    uint32_t place = __atomic_fetch_add(&control->processes, 1, __ATOMIC_SEQ_CST);
    if (place < PROCESSES - 1)
        control->process[place] = getpid();
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAULTS");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped == MAP_FAILED)
        abort();
    (void)dl_iterate_phdr(find_program, NULL);
    control = mapped;
    note_process();
}

/* Several threads can be here at once: the first that sets `at` gets the place. */
static void note(const char *call, uint64_t at)
{
    for (size_t i = 0; i < SITES; i++) {
        struct site *site = &control->site[i];
        uint64_t none = 0;
        if (__atomic_compare_exchange_n(&site->at, &none, at, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST)) {
            memcpy(site->call, call, strnlen(call, NAME - 1));
            __atomic_store_n(&site->noted, 1, __ATOMIC_SEQ_CST);
        } else if (none != at) {
            continue;
        }
        while (__atomic_load_n(&site->noted, __ATOMIC_SEQ_CST) == 0)
            (void)sched_yield();
        if (strncmp(site->call, call, NAME) == 0) {
            __atomic_fetch_add(&site->count, 1, __ATOMIC_SEQ_CST);
            return;
        }
    }
    abort(); /* no place is left */
}

static bool is_due(struct fault *fault, const char *call, uint64_t at)
{
    if (__atomic_load_n(&fault->armed, __ATOMIC_SEQ_CST) == 0 ||
        strncmp(fault->call, call, NAME) != 0)
        return false;
    bool began = fault->times == 0 && __atomic_load_n(&fault->fired, __ATOMIC_SEQ_CST) > 0;
    if (fault->site != at && !began)
        return false;
    uint32_t met = __atomic_fetch_add(&fault->met, 1, __ATOMIC_SEQ_CST);
    if (met < fault->pass || (fault->times > 0 && met - fault->pass >= fault->times))
        return false;
    __atomic_fetch_add(&fault->fired, 1, __ATOMIC_SEQ_CST);
    return true;
}

/* Return the fault of this call, or NULL. */
static const struct fault *fault_of(const char *call, const void *returns_to)
{
    uintptr_t address = (uintptr_t)returns_to;
    if (control == NULL || address < program_start || address >= program_end)
        return NULL;
    int kept = errno;
    uint64_t at = address - program_start;
    note(call, at);
    errno = kept;
    for (size_t i = FAULTS; i-- > 0;) /* the first may go on for good */
        if (is_due(&control->fault[i], call, at))
            return &control->fault[i];
    return NULL;
}

#define FAULT(name) fault_of(name, __builtin_return_address(0))
#define FAILS(fault) ((fault) != NULL && (fault)->error >= 0)

/* The real function: the next one of the name that ours has in the dynamic symbol table. For times
 * and sizes of 64 bits, glibc's headers give it another name than the source does. */
#define REAL(name) ((__typeof__(&(name)))real_function((const void *)&(name)))

static void *real_function(const void *ours)
{
    Dl_info info;
    void *found = dladdr(ours, &info) != 0 ? dlsym(RTLD_NEXT, info.dli_sname) : NULL;
    if (found == NULL)
        abort();
    return found;
}

/* An interposed function has the name of the real one, reserved or not, and parameters in a macro
 * cannot have parentheses.
 * NOLINTBEGIN(bugprone-reserved-identifier,bugprone-macro-parentheses) */

/* The names that calls have under _FORTIFY_SOURCE, and glibc's own allocator. */
ssize_t __read_chk(int fd, void *buffer, size_t size, size_t room);
ssize_t __pread_chk(int fd, void *buffer, size_t size, off_t offset, size_t room);
ssize_t __recv_chk(int fd, void *buffer, size_t size, size_t room, int flags);
size_t __fread_chk(void *buffer, size_t room, size_t size, size_t count, FILE *file);
char *__getcwd_chk(char *buffer, size_t size, size_t room);
int __getgroups_chk(int size, gid_t *list, size_t room);
int __poll_chk(struct pollfd *list, nfds_t count, int timeout, size_t room);
ssize_t __pread64_chk(int fd, void *buffer, size_t size, off_t offset, size_t room);
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __dprintf_chk(int fd, int flag, const char *format, ...) __attribute__((format(printf, 3, 4)));
int __asprintf_chk(char **text, int flag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int capget(cap_user_header_t header, cap_user_data_t held);
int capset(cap_user_header_t header, const struct __user_cap_data_struct *wanted);
void *seccomp_init(uint32_t action);
int seccomp_attr_set(void *filter, int name, uint32_t value);
int seccomp_rule_add_array(void *filter, uint32_t action, int call, unsigned int count,
                           const void *arguments);
int seccomp_load(const void *filter);
/* glibc's own, which other C libraries do not have. */
void *__libc_malloc(size_t size) __attribute__((weak));
void *__libc_calloc(size_t count, size_t size) __attribute__((weak));
void *__libc_realloc(void *old, size_t size) __attribute__((weak));

/* Some C libraries have neither. */
int close_range(unsigned int first, unsigned int last, int flags);
int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until);

#ifndef HAVE___RLIMIT_RESOURCE_T
typedef int __rlimit_resource_t;
#endif

/* Calls that fail by a value and errno, and do nothing then. */
#define FAILING(type, failure, name, parameters, arguments) \
    FAILING_AS(#name, type, failure, name, parameters, arguments)
#define FAILING_AS(call, type, failure, name, parameters, arguments) \
    type name parameters                                             \
    {                                                                \
        const struct fault *fault = FAULT(call);                     \
        if (FAILS(fault)) {                                          \
            errno = fault->error;                                    \
            return failure;                                          \
        }                                                            \
        return REAL(name) arguments;                                 \
    }

/* Calls that return the number of the error. */
#define RETURNING(name, parameters, arguments)    \
    int name parameters                           \
    {                                             \
        const struct fault *fault = FAULT(#name); \
        if (FAILS(fault))                         \
            return fault->error;                  \
        return REAL(name) arguments;              \
    }

/* Calls that return the number of the error as a negative one. */
#define NEGATING(name, parameters, arguments)     \
    int name parameters                           \
    {                                             \
        const struct fault *fault = FAULT(#name); \
        if (FAILS(fault))                         \
            return -fault->error;                 \
        return REAL(name) arguments;              \
    }

/* Calls that move octets may move fewer than they are asked to. */
#define MOVING(call, name, parameters, count, arguments) \
    ssize_t name parameters                              \
    {                                                    \
        const struct fault *fault = FAULT(call);         \
        if (FAILS(fault)) {                              \
            errno = fault->error;                        \
            return -1;                                   \
        }                                                \
        if (fault != NULL && (count) > fault->most)      \
            (count) = fault->most;                       \
        return REAL(name) arguments;                     \
    }

/* glibc's dlsym() itself may allocate, so these go to its own by name. */
#define ALLOCATOR(name) (__libc_##name != NULL ? __libc_##name : REAL(name))

void *malloc(size_t size)
{
    const struct fault *fault = FAULT("malloc");
    if (!FAILS(fault))
        return ALLOCATOR(malloc)(size);
    errno = fault->error;
    return NULL;
}

void *calloc(size_t count, size_t size)
{
    const struct fault *fault = FAULT("calloc");
    if (!FAILS(fault))
        return ALLOCATOR(calloc)(count, size);
    errno = fault->error;
    return NULL;
}

void *realloc(void *old, size_t size)
{
    const struct fault *fault = FAULT("realloc");
    if (!FAILS(fault))
        return ALLOCATOR(realloc)(old, size);
    errno = fault->error;
    return NULL;
}

FAILING(char *, NULL, strdup, (const char *text), (text))
FAILING(char *, NULL, strndup, (const char *text, size_t size), (text, size))
FAILING(void *, NULL, tsearch,
        (const void *key, void **root, int (*compare)(const void *, const void *)),
        (key, root, compare))

FAILING(int, -1, socket, (int family, int type, int protocol), (family, type, protocol))
FAILING(int, -1, bind, (int fd, const struct sockaddr *address, socklen_t length),
        (fd, address, length))
FAILING(int, -1, connect, (int fd, const struct sockaddr *address, socklen_t length),
        (fd, address, length))
FAILING(int, -1, listen, (int fd, int backlog), (fd, backlog))
FAILING(int, -1, setsockopt, (int fd, int level, int name, const void *value, socklen_t length),
        (fd, level, name, value, length))
FAILING(int, -1, getsockopt, (int fd, int level, int name, void *value, socklen_t *length),
        (fd, level, name, value, length))
FAILING(int, -1, getsockname, (int fd, struct sockaddr *address, socklen_t *length),
        (fd, address, length))
FAILING(int, -1, eventfd, (unsigned int value, int flags), (value, flags))
FAILING(int, -1, epoll_create1, (int flags), (flags))
FAILING(int, -1, epoll_ctl, (int set, int operation, int fd, struct epoll_event *event),
        (set, operation, fd, event))
FAILING(int, -1, epoll_wait, (int set, struct epoll_event *events, int most, int timeout),
        (set, events, most, timeout))
FAILING(int, -1, signalfd, (int fd, const sigset_t *set, int flags), (fd, set, flags))
FAILING(int, -1, pipe2, (int ends[2], int flags), (ends, flags))
FAILING(int, -1, dup2, (int from, int to), (from, to))
FAILING(int, -1, close_range, (unsigned int first, unsigned int last, int flags),
        (first, last, flags))
FAILING(int, -1, poll, (struct pollfd * list, nfds_t count, int timeout), (list, count, timeout))
FAILING_AS("poll", int, -1, __poll_chk,
           (struct pollfd * list, nfds_t count, int timeout, size_t room),
           (list, count, timeout, room))

FAILING(FILE *, NULL, fopen, (const char *path, const char *mode), (path, mode))
FAILING(FILE *, NULL, fmemopen, (void *text, size_t size, const char *mode), (text, size, mode))
FAILING(FILE *, NULL, fdopen, (int fd, const char *mode), (fd, mode))
FAILING(int, EOF, fflush, (FILE * file), (file))
FAILING(int, -1, access, (const char *path, int mode), (path, mode))
FAILING(int, -1, lstat, (const char *path, struct stat *status), (path, status))
FAILING(int, -1, fstat, (int fd, struct stat *status), (fd, status))
FAILING(int, -1, fchmod, (int fd, mode_t mode), (fd, mode))
FAILING(int, -1, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
FAILING(int, -1, chdir, (const char *path), (path))
FAILING(int, -1, flock, (int fd, int operation), (fd, operation))
FAILING(int, -1, ftruncate, (int fd, off_t length), (fd, length))
FAILING(int, -1, fsync, (int fd), (fd))
FAILING(int, -1, unlink, (const char *path), (path))
FAILING(int, -1, rename, (const char *from, const char *to), (from, to))
FAILING(int, -1, mkstemp, (char *path), (path))
FAILING(int, -1, mkostemp, (char *path, int flags), (path, flags))
FAILING(DIR *, NULL, opendir, (const char *path), (path))
FAILING(struct dirent *, NULL, readdir, (DIR * directory), (directory))
FAILING(char *, NULL, getcwd, (char *buffer, size_t size), (buffer, size))
FAILING_AS("getcwd", char *, NULL, __getcwd_chk, (char *buffer, size_t size, size_t room),
           (buffer, size, room))

FAILING(pid_t, -1, setsid, (void), ())
FAILING(pid_t, -1, waitpid, (pid_t pid, int *status, int options), (pid, status, options))
FAILING(int, -1, clearenv, (void), ())
FAILING(int, -1, nanosleep, (const struct timespec *time, struct timespec *left), (time, left))
FAILING(int, -1, sem_timedwait, (sem_t * semaphore, const struct timespec *until),
        (semaphore, until))
FAILING(int, -1, sem_clockwait, (sem_t * semaphore, clockid_t clock, const struct timespec *until),
        (semaphore, clock, until))
FAILING(long, -1, sysconf, (int name), (name))
FAILING(int, -1, getrlimit, (__rlimit_resource_t resource, struct rlimit *limit), (resource, limit))
FAILING(int, -1, setrlimit, (__rlimit_resource_t resource, const struct rlimit *limit),
        (resource, limit))
FAILING(int, -1, sched_getaffinity, (pid_t pid, size_t size, cpu_set_t *set), (pid, size, set))
FAILING(struct passwd *, NULL, getpwnam, (const char *name), (name))
FAILING(struct group *, NULL, getgrnam, (const char *name), (name))
FAILING(int, -1, getgroups, (int size, gid_t list[]), (size, list))
FAILING_AS("getgroups", int, -1, __getgroups_chk, (int size, gid_t *list, size_t room),
           (size, list, room))
FAILING(int, -1, setresgid, (gid_t real, gid_t effective, gid_t saved), (real, effective, saved))
FAILING(int, -1, capget, (cap_user_header_t header, cap_user_data_t held), (header, held))
FAILING(int, -1, capset, (cap_user_header_t header, const struct __user_cap_data_struct *wanted),
        (header, wanted))
FAILING(int, -1, setresuid, (uid_t real, uid_t effective, uid_t saved), (real, effective, saved))

RETURNING(pthread_create,
          (pthread_t * thread, const pthread_attr_t *attributes, void *(*begins)(void *),
           void *argument),
          (thread, attributes, begins, argument))
RETURNING(pthread_getschedparam, (pthread_t thread, int *policy, struct sched_param *parameters),
          (thread, policy, parameters))
RETURNING(pthread_setschedparam,
          (pthread_t thread, int policy, const struct sched_param *parameters),
          (thread, policy, parameters))
RETURNING(pthread_cond_timedwait,
          (pthread_cond_t * condition, pthread_mutex_t *lock, const struct timespec *until),
          (condition, lock, until))

NEGATING(seccomp_attr_set, (void *filter, int name, uint32_t value), (filter, name, value))
NEGATING(seccomp_rule_add_array,
         (void *filter, uint32_t action, int call, unsigned int count, const void *arguments),
         (filter, action, call, count, arguments))
NEGATING(seccomp_load, (const void *filter), (filter))
FAILING(void *, NULL, seccomp_init, (uint32_t action), (action))

MOVING("read", read, (int fd, void *buffer, size_t size), size, (fd, buffer, size))
MOVING("read", __read_chk, (int fd, void *buffer, size_t size, size_t room), size,
       (fd, buffer, size, room))
MOVING("pread", pread, (int fd, void *buffer, size_t size, off_t offset), size,
       (fd, buffer, size, offset))
MOVING("pread", __pread_chk, (int fd, void *buffer, size_t size, off_t offset, size_t room), size,
       (fd, buffer, size, offset, room))
MOVING("pread", __pread64_chk, (int fd, void *buffer, size_t size, off_t offset, size_t room), size,
       (fd, buffer, size, offset, room))
MOVING("recv", recv, (int fd, void *buffer, size_t size, int flags), size,
       (fd, buffer, size, flags))
MOVING("recv", __recv_chk, (int fd, void *buffer, size_t size, size_t room, int flags), size,
       (fd, buffer, size, room, flags))
MOVING("write", write, (int fd, const void *buffer, size_t size), size, (fd, buffer, size))
MOVING("send", send, (int fd, const void *buffer, size_t size, int flags), size,
       (fd, buffer, size, flags))
MOVING("sendto", sendto,
       (int fd, const void *buffer, size_t size, int flags, const struct sockaddr *to,
        socklen_t length),
       size, (fd, buffer, size, flags, to, length))

/* With these errors the connection is taken off the queue: accept(2). */
static bool takes_the_connection(int error)
{
    return error == ECONNABORTED || error == EPROTO || error == EPERM || error == ENETDOWN ||
           error == ENETUNREACH || error == EHOSTDOWN || error == EHOSTUNREACH || error == ENONET ||
           error == ENOPROTOOPT || error == ETIMEDOUT;
}

/* The call fails only once a connection is queued. Otherwise one that began long before it was
 * armed, or goes on after it was lifted, would fail. */
int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    struct pollfd queue = {.fd = fd, .events = POLLIN};
    bool blocks = (REAL(fcntl)(fd, F_GETFL) & O_NONBLOCK) == 0;
    if (control != NULL && blocks && REAL(poll)(&queue, 1, -1) < 0)
        return -1;
    const struct fault *fault = FAULT("accept4");
    if (FAILS(fault) && !takes_the_connection(fault->error)) {
        errno = fault->error;
        return -1;
    }
    int accepted = REAL(accept4)(fd, address, length, flags);
    if (FAILS(fault) && accepted >= 0) {
        REAL(close)(accepted);
        errno = fault->error;
        return -1;
    }
    return accepted;
}

/* close(2) releases the descriptor even if it fails. */
int close(int fd)
{
    const struct fault *fault = FAULT("close");
    int result = REAL(close)(fd);
    if (!FAILS(fault))
        return result;
    errno = fault->error;
    return -1;
}

/* It fails if the peer has gone, and still ends a recv(2) that waits. */
int shutdown(int fd, int how)
{
    const struct fault *fault = FAULT("shutdown");
    int result = REAL(shutdown)(fd, how);
    if (!FAILS(fault))
        return result;
    errno = fault->error;
    return -1;
}

int closedir(DIR *directory)
{
    const struct fault *fault = FAULT("closedir");
    int result = REAL(closedir)(directory);
    if (!FAILS(fault))
        return result;
    errno = fault->error;
    return -1;
}

/* ferror(3) reports a file whose read or write failed. */
static __thread const FILE *broken;

int fclose(FILE *file)
{
    const struct fault *fault = FAULT("fclose");
    if (file == broken)
        broken = NULL;
    int result = REAL(fclose)(file);
    if (!FAILS(fault))
        return result;
    errno = fault->error;
    return EOF;
}

int ferror(FILE *file)
{
    return file == broken || REAL(ferror)(file) != 0;
}

static size_t read_file(const struct fault *fault, void *buffer, size_t size, size_t count,
                        FILE *file)
{
    if (FAILS(fault)) {
        broken = file;
        errno = fault->error;
        return 0;
    }
    if (fault != NULL && count > fault->most)
        count = fault->most;
    return REAL(fread)(buffer, size, count, file);
}

size_t fread(void *buffer, size_t size, size_t count, FILE *file)
{
    return read_file(FAULT("fread"), buffer, size, count, file);
}

size_t __fread_chk(void *buffer, size_t room, size_t size, size_t count, FILE *file)
{
    (void)room;
    return read_file(FAULT("fread"), buffer, size, count, file);
}

int open(const char *path, int flags, ...)
{
    const struct fault *fault = FAULT("open");
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (!FAILS(fault))
        return REAL(open)(path, flags, mode);
    errno = fault->error;
    return -1;
}

int __open_2(const char *path, int flags)
{
    const struct fault *fault = FAULT("open");
    if (!FAILS(fault))
        return REAL(open)(path, flags);
    errno = fault->error;
    return -1;
}

int __open64_2(const char *path, int flags)
{
    const struct fault *fault = FAULT("open");
    if (!FAILS(fault))
        return REAL(open)(path, flags);
    errno = fault->error;
    return -1;
}

int fcntl(int fd, int command, ...)
{
    const struct fault *fault = FAULT("fcntl");
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    if (!FAILS(fault))
        return REAL(fcntl)(fd, command, argument);
    errno = fault->error;
    return -1;
}

/* For close_range(2), where the C library has no function of that name. */
long syscall(long number, ...)
{
    const struct fault *fault = FAULT("syscall");
    long argument[6];
    va_list arguments;
    va_start(arguments, number);
    for (size_t i = 0; i < 6; i++)
        argument[i] = va_arg(arguments, long);
    va_end(arguments);
    if (!FAILS(fault))
        return REAL(syscall)(number, argument[0], argument[1], argument[2], argument[3],
                             argument[4], argument[5]);
    errno = fault->error;
    return -1;
}

int prctl(int option, ...)
{
    const struct fault *fault = FAULT("prctl");
    unsigned long argument[4];
    va_list arguments;
    va_start(arguments, option);
    for (size_t i = 0; i < 4; i++)
        argument[i] = va_arg(arguments, unsigned long);
    va_end(arguments);
    if (!FAILS(fault))
        return REAL(prctl)(option, argument[0], argument[1], argument[2], argument[3]);
    errno = fault->error;
    return -1;
}

__attribute__((format(printf, 3, 0))) static int print(const struct fault *fault, int fd,
                                                       const char *format, va_list arguments)
{
    if (!FAILS(fault))
        return vdprintf(fd, format, arguments);
    errno = fault->error;
    return -1;
}

int __dprintf_chk(int fd, int flag, const char *format, ...)
{
    va_list arguments;
    (void)flag;
    va_start(arguments, format);
    int result = print(FAULT("dprintf"), fd, format, arguments);
    va_end(arguments);
    return result;
}

int dprintf(int fd, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int result = print(FAULT("dprintf"), fd, format, arguments);
    va_end(arguments);
    return result;
}

int __asprintf_chk(char **text, int flag, const char *format, ...)
{
    const struct fault *fault = FAULT("asprintf");
    (void)flag;
    if (FAILS(fault)) {
        errno = fault->error;
        return -1;
    }
    va_list arguments;
    va_start(arguments, format);
    int result = vasprintf(text, format, arguments);
    va_end(arguments);
    return result;
}

int asprintf(char **text, const char *format, ...)
{
    const struct fault *fault = FAULT("asprintf");
    if (FAILS(fault)) {
        errno = fault->error;
        return -1;
    }
    va_list arguments;
    va_start(arguments, format);
    int result = vasprintf(text, format, arguments);
    va_end(arguments);
    return result;
}

/* It reports the error by a negative number of its own; an errno is returned as EAI_SYSTEM.
 * Faults.pm passes its numbers as 1000 and more. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    const struct fault *fault = FAULT("getaddrinfo");
    if (!FAILS(fault))
        return REAL(getaddrinfo)(host, service, hints, found);
    if (fault->error >= 1000)
        return 1000 - fault->error;
    errno = fault->error;
    return EAI_SYSTEM;
}

/* The test learns each process, and checks that it has ended. */
pid_t fork(void)
{
    const struct fault *fault = FAULT("fork");
    if (FAILS(fault)) {
        errno = fault->error;
        return -1;
    }
    pid_t child = REAL(fork)();
    if (child == 0 && control != NULL)
        note_process();
    return child;
}

/* The fault is that they succeed: sixteend checks that it cannot become root again. */
static int regain(const struct fault *fault)
{
    errno = EPERM;
    return FAILS(fault) ? 0 : -1;
}

int setuid(uid_t uid)
{
    const struct fault *fault = FAULT("setuid");
    return fault != NULL ? regain(fault) : REAL(setuid)(uid);
}

int seteuid(uid_t uid)
{
    const struct fault *fault = FAULT("seteuid");
    return fault != NULL ? regain(fault) : REAL(seteuid)(uid);
}

int setgid(gid_t gid)
{
    const struct fault *fault = FAULT("setgid");
    return fault != NULL ? regain(fault) : REAL(setgid)(gid);
}

int setegid(gid_t gid)
{
    const struct fault *fault = FAULT("setegid");
    return fault != NULL ? regain(fault) : REAL(setegid)(gid);
}

/* sixteend drops its groups with size 0, and then tries to set some. */
int setgroups(size_t size, const gid_t *list)
{
    const struct fault *fault = FAULT("setgroups");
    if (size > 0 && fault != NULL)
        return regain(fault);
    if (!FAILS(fault))
        return REAL(setgroups)(size, list);
    errno = fault->error;
    return -1;
}

/* NOLINTEND(bugprone-reserved-identifier,bugprone-macro-parentheses) */
