/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "exchange_support.h"

#include <sys/socket.h>

struct settings *settings;
struct connection connection;

static void prepare(void)
{
    settings_unref(settings); /* of the test before */
    settings = new_settings();
    connection = (struct connection){.settings = settings,
                                     .fd = ends.ours,
                                     .accepted = clock_nanoseconds(),
                                     .deadline = in_seconds(60)};
}

void begin_unix(void)
{
    connect_unix();
    prepare();
}

void begin_tcp(void)
{
    connect_tcp();
    prepare();
}

void hold(void)
{
    if (!exchange_run(&connection, MSG_DONTWAIT))
        (void)exchange_run(&connection, 0);
    ck_assert(is_open(ends.ours));
    ck_assert_int_ge(connection.decided, connection.accepted);
}

void assert_outcome(enum outcome outcome, size_t count)
{
    ck_assert_str_eq(outcome_name(connection.outcome), outcome_name(outcome));
    ck_assert_uint_eq(connection.count, count);
}

void assert_answered(enum outcome outcome, size_t count, const char *reply)
{
    assert_outcome(outcome, count);
    ck_assert(connection.half_closed);
    assert_theirs_end_with(&ends, reply, WIRE_OCTETS);
}

void assert_not_answered(enum outcome outcome, size_t count)
{
    assert_outcome(outcome, count);
    ck_assert(!connection.half_closed);
    need(shutdown(ends.ours, SHUT_WR) == 0, "to end our side");
    assert_theirs_end_with(&ends, "", 0);
}
