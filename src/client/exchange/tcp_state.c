/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "client/exchange/tcp_state.h"

#include "common/tcp_info.h"
#include "common/text.h"

#include <inttypes.h>
#include <stddef.h>

/* An older kernel writes a shorter struct. One that leaves fields at 0, as gVisor does, also has no
 * segment size, which Linux always knows. */
static bool ask(int fd, struct tcp_info *info)
{
    const size_t needed =
        offsetof(struct tcp_info, tcpi_total_retrans) + sizeof info->tcpi_total_retrans;
    return tcp_info_read(fd, info) >= needed && info->tcpi_snd_mss > 0;
}

void tcp_state_read(struct tcp_state *state, int fd, bool is_connected)
{
    struct tcp_info info = {0};
    state->is_asked = true;
    state->is_known = ask(fd, &info);
    if (!state->is_known)
        return;
    if (!is_connected) {
        state->syn_retransmissions = info.tcpi_total_retrans;
        return;
    }
    state->rtt = info.tcpi_rtt;
    state->mss = info.tcpi_snd_mss;
    state->retransmissions = info.tcpi_total_retrans - state->syn_retransmissions;
}

char *tcp_state_format(uint64_t syns, uint64_t segments, char text[TCP_STATE_TEXT])
{
    text[0] = '\0';
    if (syns > 0)
        text_append(text, TCP_STATE_TEXT, "%" PRIu64 " SYN%s", syns, syns > 1 ? "s" : "");
    if (segments > 0)
        text_append(text, TCP_STATE_TEXT, "%s%" PRIu64 " segment%s", syns > 0 ? " and " : "",
                    segments, segments > 1 ? "s" : "");
    if (syns > 0 || segments > 0)
        text_append(text, TCP_STATE_TEXT, " sent again");
    return text;
}
