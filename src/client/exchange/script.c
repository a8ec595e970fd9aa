/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/exchange/script.h"

#include "common/deadline.h"
#include "common/number.h"

#include <string.h>

#define PACE_DEFAULT 0.5
#define PACE_MAX 3600.0
#define PART 5 /* octets of an incomplete message */

static const char *parse_pace(const char *text, struct misbehaviour *misbehaviour)
{
    double *pace = &misbehaviour->pace;
    if (*text != '\0' && (*text != ':' || !read_decimal(text + 1, strlen(text + 1), pace) ||
                          *pace < 0 || *pace > PACE_MAX))
        return "drip takes a number of seconds between octets, from 0 to 3600, like drip:0.5";
    return NULL;
}

const char *misbehaviour_parse(const char *text, struct misbehaviour *misbehaviour)
{
    static const char *const names[] = {[MISBEHAVE_SHORT] = "short",
                                        [MISBEHAVE_EXCESS] = "excess",
                                        [MISBEHAVE_SILENT] = "silent",
                                        [MISBEHAVE_RESET] = "reset",
                                        [MISBEHAVE_HALF_CLOSE] = "half-close"};

    *misbehaviour = (struct misbehaviour){MISBEHAVE_DRIP, PACE_DEFAULT};
    if (strncmp(text, "drip", 4) == 0)
        return parse_pace(text + 4, misbehaviour);
    for (int kind = MISBEHAVE_SHORT; kind <= MISBEHAVE_HALF_CLOSE; kind++) {
        misbehaviour->kind = (enum misbehaviour_kind)kind;
        if (strcmp(text, names[kind]) == 0)
            return NULL;
    }
    return "unknown kind; use drip, short, excess, silent, reset or half-close";
}

static void append(struct script *script, const void *octets, size_t count)
{
    if (count > 0)
        memcpy(script->octets + script->length, octets, count);
    script->length += count;
}

void script_write(struct script *script, const unsigned char *header, size_t header_length,
                  const char *message, const struct misbehaviour *misbehaviour)
{
    enum misbehaviour_kind kind = misbehaviour->kind;
    bool is_part = kind == MISBEHAVE_SHORT || kind == MISBEHAVE_RESET;

    *script = (struct script){.earns_reply = !is_part && kind != MISBEHAVE_SILENT};
    append(script, header, header_length);
    if (kind != MISBEHAVE_SILENT)
        append(script, message, is_part ? PART : WIRE_OCTETS);
    if (kind == MISBEHAVE_EXCESS)
        append(script, message, WIRE_OCTETS);
    script->at_once = script->length;
    if (kind == MISBEHAVE_DRIP) {
        script->at_once = header_length + 1;
        script->pace = deadline_after(0, misbehaviour->pace).at;
    }
    if (kind == MISBEHAVE_SHORT || kind == MISBEHAVE_HALF_CLOSE)
        script->end = SCRIPT_END_HALF_CLOSE;
    if (kind == MISBEHAVE_RESET)
        script->end = SCRIPT_END_RESET;
}

size_t script_due(const struct script *script, int64_t elapsed)
{
    size_t due = script->at_once;
    while (due < script->length && script_instant(script, due) <= elapsed)
        due++;
    return due;
}

int64_t script_instant(const struct script *script, size_t number)
{
    return number < script->at_once ? 0 : (int64_t)(number - script->at_once + 1) * script->pace;
}
