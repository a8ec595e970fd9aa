/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/exchange/verdict.h"

#include "common/address.h"
#include "common/number.h"
#include "common/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum verdict_class verdict_class(const struct verdict *verdict)
{
    switch (verdict->result) {
    case RESULT_RIGHT:
    case RESULT_SILENT:
    case RESULT_QUIET:
    case RESULT_CONNECTED: return CLASS_RIGHT;
    case RESULT_LOCAL: return CLASS_LOCAL;
    case RESULT_CUT: return CLASS_UNFINISHED;
    default: return verdict->count > 0 ? CLASS_WRONG : CLASS_LOST;
    }
}

bool verdict_is_connected(const struct verdict *verdict)
{
    return verdict->phase > PHASE_CONNECT || verdict->result == RESULT_CONNECTED;
}

static const char *failure_outcome(const struct verdict *verdict)
{
    if (verdict->error == ECONNREFUSED)
        return "refused";
    if (verdict->error == ETIMEDOUT)
        return "slow";
    if (verdict->phase == PHASE_CONNECT && verdict->error != ECONNRESET)
        return "unreachable";
    return "reset";
}

const char *verdict_outcome(const struct verdict *verdict)
{
    if (verdict_class(verdict) == CLASS_RIGHT)
        return "ok";
    switch (verdict->result) {
    case RESULT_DIFFERS: return "mismatch";
    case RESULT_MORE: return "excess";
    case RESULT_EOF: return "short";
    case RESULT_OVERTAKEN:
    case RESULT_TIMEOUT: return "slow";
    case RESULT_FAILED: return failure_outcome(verdict);
    case RESULT_CUT: return "unfinished";
    case RESULT_UNRESOLVED: return "unresolved";
    default: return "failed";
    }
}

const char *phase_name(enum phase phase)
{
    static const char *const names[PHASES] = {"resolve", "connect", "send", "receive", "close"};
    return names[phase];
}

char *verdict_why(const struct verdict *verdict, double seconds, char why[VERDICT_WHY])
{
    char text[32];
    put_fixed(text, sizeof text, seconds, seconds >= 1e-3 ? 3 : 9);
    why[0] = '\0';
    switch (verdict->result) {
    case RESULT_RIGHT:
    case RESULT_QUIET:
    case RESULT_CONNECTED: break;
    case RESULT_SILENT:
        snprintf(why, VERDICT_WHY, "correct reply, but no end of file within %s s", text);
        break;
    case RESULT_DIFFERS: snprintf(why, VERDICT_WHY, "unexpected reply"); break;
    case RESULT_MORE:
        if (verdict->phase == PHASE_CLOSE)
            snprintf(why, VERDICT_WHY, "reply longer than %d octets", WIRE_OCTETS);
        else
            snprintf(why, VERDICT_WHY, "unexpected reply: no complete message was sent");
        break;
    case RESULT_EOF:
        snprintf(why, VERDICT_WHY,
                 "the server closed the connection without a reply; a limit, an "
                 "access list or strict mode can be the reason");
        if (verdict->count > 0)
            snprintf(why, VERDICT_WHY, "the server closed the connection after %zu of %d octets",
                     verdict->count, WIRE_OCTETS);
        break;
    case RESULT_TIMEOUT:
        snprintf(why, VERDICT_WHY, "timed out after %s s", text);
        if (verdict->phase == PHASE_RECEIVE)
            snprintf(why, VERDICT_WHY, "timed out after %s s with %zu of %d octets received", text,
                     verdict->count, WIRE_OCTETS);
        break;
    case RESULT_OVERTAKEN:
        snprintf(why, VERDICT_WHY, "no answer within %s s; another address answered first", text);
        break;
    case RESULT_CUT:
        snprintf(why, VERDICT_WHY, "%s after %s s",
                 verdict->error == EINTR ? "interrupted" : "cut by --deadline", text);
        if (verdict->phase == PHASE_RECEIVE)
            text_append(why, VERDICT_WHY, " with %zu of %d octets received", verdict->count,
                        WIRE_OCTETS);
        break;
    case RESULT_UNRESOLVED:
        snprintf(why, VERDICT_WHY, "%s", address_strerror(verdict->error));
        break;
    case RESULT_FAILED:
    case RESULT_LOCAL: snprintf(why, VERDICT_WHY, "%s", strerror(verdict->error)); break;
    }
    return why;
}

char *verdict_kind(const struct verdict *verdict, char why[VERDICT_WHY])
{
    if (verdict->result == RESULT_EOF)
        snprintf(why, VERDICT_WHY, "the server closed the connection early");
    else if (verdict->result == RESULT_TIMEOUT)
        snprintf(why, VERDICT_WHY, "timed out");
    else
        verdict_why(verdict, 0, why);
    return why;
}

bool error_is_local(int error)
{
    return error == EADDRNOTAVAIL || error == ENOBUFS || error == ENOMEM || error == EMFILE ||
           error == ENFILE;
}
