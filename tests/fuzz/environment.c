/* SPDX-License-Identifier: MIT */
/* The environment of a service manager: a number, the number of passed sockets, the socket for
 * messages and the time of the watchdog; one for each line. */
#include <config.h>

#include "fuzz.h"

#include "common/deadline.h"
#include "common/number.h"
#include "server/log/log.h"
#include "server/process/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = {"NUMBER", "LISTEN_FDS", "NOTIFY_SOCKET", "WATCHDOG_USEC"};
#define NAMES (sizeof names / sizeof *names)

/* Use putenv(3), because setenv(3) leaks. Returns a text to free after unsetenv(3). */
static char *set(const char *name, const char *value)
{
    char *text = NULL;
    must(asprintf(&text, "%s=%s", name, value) > 0);
    must(putenv(text) == 0);
    return text;
}

static long long expected(const char *text)
{
    errno = 0;
    long long number = strtoll(text, NULL, 10);
    bool valid = *text != '\0' && strspn(text, "0123456789") == strlen(text) && errno == 0;
    return valid ? number : -1;
}

static void judge(void)
{
    int count = systemd_count_sockets();
    must(count >= -1 && (count < 0 || count == environment_number("LISTEN_FDS")));
    must(count < 1 || fcntl(SYSTEMD_FIRST_FD + count - 1, F_GETFD) == FD_CLOEXEC);

    const char *name = getenv("NOTIFY_SOCKET");
    bool open = notify_open() == 0;
    must(notify_wanted() == (open && name != NULL && name[0] != '\0'));
    must(notify_watchdog_interval() >= 500);
    notify_close();
    must(!notify_wanted());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *argv[WORDS_MAX + 2];
    char *set_texts[NAMES + 1];
    char pid[32];

    log_configure(false, LOG_DAEMON, -1); /* no line is logged */
    int count = words(data, size, "", argv) - 1;
    for (int i = 0; i < (int)NAMES; i++)
        set_texts[i] = set(names[i], i < count ? argv[i + 1] : "");
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    set_texts[NAMES] = set("LISTEN_PID", pid);

    must(environment_number("NUMBER") == expected(getenv("NUMBER")));
    judge();
    unsetenv("LISTEN_PID");
    free(set_texts[NAMES]);
    for (size_t i = 0; i < NAMES; i++) {
        unsetenv(names[i]);
        free(set_texts[i]);
    }
    return 0;
}
