/* SPDX-License-Identifier: MIT */
/* Any texts as prefixes: valid ones are printed and read again, and a search in a list of them
 * finds what a check of each finds. */
#include <config.h>

#include "fuzz.h"

#include "common/prefix.h"

#include <stdlib.h>
#include <string.h>

static bool take_prefix(const char *text, struct prefix *prefix)
{
    struct prefix again;
    char error[ERROR_SIZE];
    char printed[PREFIX_TEXT];
    if (!prefix_parse(text, prefix, error)) {
        must(*error != '\0' && strlen(error) < sizeof error && is_printable(error));
        return false;
    }
    must(prefix_parse(prefix_format(prefix, printed), &again, error));
    must(memcmp(&again, prefix, sizeof again) == 0);
    return true;
}

static bool has_bit(const unsigned char *octets, unsigned bit)
{
    return (octets[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

static bool contains(const struct prefix *prefix, const struct prefix *host)
{
    if (prefix->family != host->family)
        return false;
    for (unsigned bit = 0; bit < prefix->length; bit++)
        if (has_bit(prefix->octets, bit) != has_bit(host->octets, bit))
            return false;
    return true;
}

/* The first address of the prefix. */
static struct address address_of(const struct prefix *prefix)
{
    struct address address = {.u.any.sa_family = prefix->family};
    if (prefix->family == AF_INET)
        memcpy(&address.u.in.sin_addr, prefix->octets, sizeof address.u.in.sin_addr);
    else
        memcpy(&address.u.in6.sin6_addr, prefix->octets, sizeof address.u.in6.sin6_addr);
    return address;
}

static void judge_search(const struct prefixes *prefixes, const struct prefix *host)
{
    int longest = -1;
    for (size_t i = 0; i < prefixes->count; i++)
        if (prefixes->list[i].length > longest && contains(&prefixes->list[i], host))
            longest = prefixes->list[i].length;
    struct address address = address_of(host);
    must(prefixes_match(prefixes, &address) == longest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *argv[WORDS_MAX + 2];
    struct prefix each[WORDS_MAX + 1];
    size_t count = 0;

    int argc = words(data, size, "", argv);
    for (int i = 1; i < argc; i++)
        count += take_prefix(argv[i], &each[count]);
    /* The last third is looked up but is not in the list. */
    size_t listed = count - count / 3;
    struct prefix *list = malloc((listed + 1) * sizeof *list);
    must(list != NULL);
    memcpy(list, each, listed * sizeof *list);
    struct prefixes prefixes = prefixes_of(list, listed);
    must(prefixes.count <= listed);
    for (size_t i = 0; i < count; i++) {
        each[i].length = each[i].family == AF_INET ? 32 : 128;
        judge_search(&prefixes, &each[i]);
    }
    free(prefixes.list);
    return 0;
}
