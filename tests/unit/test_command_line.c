/* SPDX-License-Identifier: MIT */
/* The order of options and operands, and what is wrong with an option: the same in every
 * environment. */
#include <config.h>

#include "common/command_line.h"
#include "support.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 20

static const char flags[] = "-:qvc:";
static const struct option long_options[] = {{"quiet", no_argument, NULL, 'q'},
                                             {"verbose", no_argument, NULL, 'v'},
                                             {"version", no_argument, NULL, 'V'},
                                             {"count", required_argument, NULL, 'c'},
                                             {NULL, 0, NULL, 0}};

/* Set what decides in some C libraries whether options can follow operands. */
static void set_environment(int posix)
{
    need(posix ? setenv("POSIXLY_CORRECT", "1", 1) == 0 : unsetenv("POSIXLY_CORRECT") == 0,
         "an environment");
}

static void restore(void)
{
    set_environment(false);
}

/* Read a command line, and write down what it is: options with their arguments, operands in
 * brackets, and the first error. */
static void read_line(const char *line, char trace[ERROR_SIZE])
{
    static char name[] = "program";
    char text[200];
    char error[ERROR_SIZE];
    char *argv[WORDS_MAX + 2] = {name};
    struct command_line read = {.argc = 1, .argv = argv};
    char *rest = NULL;
    int flag;
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        need(read.argc <= WORDS_MAX, "room for the words");
        argv[read.argc++] = word;
    }
    optind = 0; /* getopt_long(3) starts anew */
    trace[0] = '\0';
    while ((flag = command_line_next(&read, flags, long_options)) != -1) {
        if (flag == OPERAND)
            text_append(trace, ERROR_SIZE, "[%s]", optarg);
        else if (flag == ':' || flag == '?') {
            text_append(trace, ERROR_SIZE, "%s", command_line_error(&read, flag, error));
            return;
        } else
            text_append(trace, ERROR_SIZE, "%c%s", flag, optarg != NULL ? optarg : "");
    }
}

#define REQUIRED "option requires an argument: "
#define UNKNOWN "unknown option "
#define UNKNOWN_LONG "unknown or ambiguous option, or one that takes no argument: "

static const struct {
    const char *line;
    const char *trace;
} lines[] = {
    {"", ""},
    {"a", "[a]"},
    {"-q a", "q[a]"},
    {"a -q b -c 1 d", "[a]q[b]c1[d]"},
    {"a b --count 1 --quiet", "[a][b]c1q"},
    {"-qvc1 a", "qvc1[a]"},
    {"-qc 1 a", "qc1[a]"},
    {"--count=1 --quie", "c1q"},
    {"-c -q a", "c-q[a]"},
    {"-c -- a", "c--[a]"},
    {"-q -- -q a", "q[-q][a]"},
    {"a -- -q -- --", "[a][-q][--][--]"},
    {"-- a", "[a]"},
    {"--", ""},
    {"a -- - -q", "[a][-][-q]"},
    {"- -q a - -v", "[-]q[a][-]v"},
    {"-x", UNKNOWN "-x"},
    {"-x -q", UNKNOWN "-x"},
    {"-qxv", "q" UNKNOWN "-x"},
    {"-qvx", "qv" UNKNOWN "-x"},
    {"a -qx b", "[a]q" UNKNOWN "-x"},
    {"-:", UNKNOWN "-:"},
    {"-V", UNKNOWN "-V"},
    {"-c", REQUIRED "-c"},
    {"a -qc", "[a]q" REQUIRED "-c"},
    {"-q --count", "q" REQUIRED "--count"},
    {"--cou", REQUIRED "--cou"},
    {"--other a", UNKNOWN_LONG "--other"},
    {"a b --other", "[a][b]" UNKNOWN_LONG "--other"},
    {"-q --ver -q", "q" UNKNOWN_LONG "--ver"},
    {"--quiet=1 a", UNKNOWN_LONG "--quiet=1"},
    {"--version=1", UNKNOWN_LONG "--version=1"},
};

START_TEST(options_and_operands_keep_their_order)
{
    char trace[ERROR_SIZE];
    for (int posix = 0; posix < 2; posix++) {
        set_environment(posix);
        read_line(lines[_i].line, trace);
        ck_assert_str_eq(trace, lines[_i].trace);
    }
}
END_TEST

Suite *command_line_suite(void)
{
    Suite *suite = suite_create("command_line");
    TCase *tcase = add_case(suite, "command_line_next", NULL);
    tcase_add_checked_fixture(tcase, NULL, restore);
    tcase_add_loop_test(tcase, options_and_operands_keep_their_order, 0, COUNT(lines));
    return suite;
}
