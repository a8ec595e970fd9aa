/* SPDX-License-Identifier: MIT */
/* The command lines of sixteen and check_sixteen: valid, or refused with one line. What follows the
 * octet 1 is standard input, from which --targets - reads. */
#include <config.h>

#include "fuzz.h"

#include "client/options/check_options.h"
#include "client/options/options.h"
#include "common/wire.h"

#include <fcntl.h>
#include <getopt.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void judge_target(const struct endpoint *server)
{
    must(server->host[0] != '\0');
    must(memchr(server->host, '\0', sizeof server->host) != NULL);
    must(memchr(server->port, '\0', sizeof server->port) != NULL);
    must(port_is_plausible(server->port));
}

static void judge(const struct client_options *options)
{
    const struct question *question = &options->question;
    must(options->timeout > 0 && options->timeout <= 31536000);
    must(options->hop_wait > 0 && options->hop_wait <= 31536000);
    must(question->timeout >= 0 && question->timeout <= INT64_C(31536000000000000));
    must(memchr(question->message, '\0', WIRE_OCTETS) == NULL);
    must(memchr(question->expect, '\0', WIRE_OCTETS) == NULL);
    must(question->script.length <= sizeof question->script.octets);
    must(question->script.at_once <= question->script.length);
    must(options->family == AF_UNSPEC || options->family == AF_INET || options->family == AF_INET6);
    must(options->server_count > 0 && options->server_count <= 10000);
    must(options->is_table == (options->targets_file != NULL || options->server_count > 1));
    must(!options->is_table || options->mode != CLIENT_ONCE);
    for (size_t i = 0; i < options->server_count; i++)
        judge_target(&options->servers[i]);
    must(options->header_length <= sizeof options->header);
    must(options->interval >= 0 && options->rate >= 0 && options->duration >= 0);
    must(options->mode != CLIENT_LOAD || options->parallel > 0);
    must(options->mode != CLIENT_ONCE || options->count == 1);
}

static void keep(void *server)
{
    (void)server;
}

/* Free the targets, which the programs do not. */
static void forget(const struct client_options *options)
{
    tdestroy(options->known, keep);
    free(options->servers);
}

typedef int parser(struct client_options *options, int argc, char *argv[],
                   char why[CLIENT_OPTIONS_WHY]);

static void parse(parser *parse_options, const uint8_t *data, size_t size)
{
    const uint8_t *mark = memchr(data, 1, size);
    const uint8_t *end = mark != NULL ? mark : data + size;
    size_t length = mark != NULL ? size - (size_t)(mark + 1 - data) : 0;
    char *input = text_of(mark != NULL ? mark + 1 : data, length, "");
    int kept = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    int file = file_of(input, length);
    static struct client_options options;
    char *argv[WORDS_MAX + 2];
    char why[CLIENT_OPTIONS_WHY] = "";

    must(dup2(file, STDIN_FILENO) == STDIN_FILENO);
    close(file);
    int argc = words(data, (size_t)(end - data), "sixteen", argv);
    optind = 0; /* so that it starts anew */
    bool taken = parse_options(&options, argc, argv, why) == 0;
    if (taken)
        judge(&options);
    must(strchr(why, '\n') == NULL);
    must(taken == (*why == '\0'));
    forget(&options);
    rewind(stdin); /* forgets what it has read */
    dup2(kept, STDIN_FILENO);
    close(kept);
    free(input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    parse(client_options_parse, data, size);
    parse(check_options_parse, data, size);
    return 0;
}
