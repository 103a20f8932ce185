/* cmd_env.c: `evenkeel env`: what this build and this machine are, for bug reports. */
#include "command.h"
#include "message.h"
#include "print.h"
#include "report/json_out.h"

#include <evenkeel/cpu.h>
#include <evenkeel/session.h>
#include <evenkeel/train.h>
#include <evenkeel/version.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const option env_options[] = {
    OPTION_THREADS,
    OPTIONS_COMMON,
    OPTION_END,
};

/* Every environment variable that changes what the program does. */
static const char *const variables[][2] = {
    {"EVENKEEL_ISA", "caps the instruction set: generic, avx2, avx512 or neon"},
    {"OMP_NUM_THREADS", "threads where --threads is 0"},
    {"GOMP_SPINCOUNT", "turns a waiting thread spins; evenkeel sets it unless you say how threads wait"},
    {"OMP_WAIT_POLICY", "passive or active: how threads wait, instead of GOMP_SPINCOUNT"},
    {"NO_COLOR", "not empty: no colour"},
    {"COLUMNS", "width of help where there is no terminal"},
};
enum { VARIABLES = sizeof variables / sizeof variables[0] };

/* Calls `row` for each "key=value" line. */
static void each_line(char *text, void (*row)(void *context, const char *key, const char *value), void *context) {
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char *equals = strchr(line, '=');
        if (equals == NULL) continue;
        *equals = 0;
        row(context, line, equals + 1);
    }
}

static void json_row(void *context, const char *key, const char *value) { eki_json_text(context, key, value); }

static void text_row(void *context, const char *key, const char *value) {
    (void)context;
    print("%-17s%s\n", key, value);
}

static void show_operators(void) {
    int column = 0;
    print("\nOperators (ai.onnx)\n");
    for (size_t i = 0; i < ek_operator_count(); i++) {
        const char *name = ek_operator_get(i).name;
        int length = (int)strlen(name) + 2;
        bool wraps = column + length > 100;
        print(i == 0 ? "%s" : wraps ? ",\n%s" : ", %s", name);
        column = wraps ? length : column + length;
    }
    print("\n");
}

static int run_env(const arguments *args) {
    char environment[256] = "";
    ek_environment((int)option_int(args, "threads"), environment);
    if (option_flag(args, "json")) {
        eki_json json;
        eki_json_start(&json, stdout, 2);
        eki_json_object(&json, NULL);
        eki_json_text(&json, "version", ek_version());
        eki_json_text(&json, "isa", ek_cpu_isa());
        eki_json_bool(&json, "bf16", ek_precision_supported(EK_BF16));
        eki_json_object(&json, "environment");
        each_line(environment, json_row, &json);
        eki_json_close(&json);
        eki_json_object(&json, "variables");
        for (size_t i = 0; i < VARIABLES; i++) eki_json_text(&json, variables[i][0], getenv(variables[i][0]));
        eki_json_close(&json);
        eki_json_object(&json, "operators");
        for (size_t i = 0; i < ek_operator_count(); i++)
            eki_json_int(&json, ek_operator_get(i).name, ek_operator_get(i).since);
        eki_json_close(&json);
        eki_json_finish(&json);
        return EXIT_DONE;
    }
    each_line(environment, text_row, NULL);
    text_row(NULL, "--precision bf16", ek_precision_supported(EK_BF16) ? "yes" : "no");
    print("\nVariables\n");
    for (size_t i = 0; i < VARIABLES; i++) {
        const char *value = getenv(variables[i][0]);
        print("%-17s%-12s %s\n", variables[i][0], value ? value : "(not set)", variables[i][1]);
    }
    show_operators();
    return EXIT_DONE;
}

const command command_env = {
    .name = "env",
    .summary = "Show version, instruction set, threads and environment variables",
    .operands = "",
    .example = "evenkeel env\nEVENKEEL_ISA=avx2 evenkeel env --json",
    .description = "",
    .next = "evenkeel models",
    .options = env_options,
    .run = run_env,
};
