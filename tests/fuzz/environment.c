/* SPDX-License-Identifier: MIT */
/* What a service manager says by the environment: a number, how many sockets it passes, and
 * where it wants to be told; one a line. */
#include <config.h>

#include "fuzz.h"

#include "common/number.h"
#include "server/log/log.h"
#include "server/process/activation.h"
#include "server/process/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = {"NUMBER", "LISTEN_FDS", "NOTIFY_SOCKET", "WATCHDOG_USEC"};
#define NAMES (sizeof names / sizeof *names)

/* putenv(3), since setenv(3) never forgets a value. Returns what to free behind unsetenv(). */
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
    bool right = *text != '\0' && strspn(text, "0123456789") == strlen(text) && errno == 0;
    return right ? number : -1;
}

static void judge(void)
{
    int count = activation_count();
    must(count >= -1 && (count < 0 || count == environment_number("LISTEN_FDS")));
    must(count < 1 || fcntl(ACTIVATION_FIRST + count - 1, F_GETFD) == FD_CLOEXEC);

    bool open = notify_open() == 0;
    must(notify_wanted() == open);
    must(notify_watchdog_interval() >= -1);
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
