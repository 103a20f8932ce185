/* cmd_version.c: `evenkeel version`, also as --version, -V and -v. */
#include "command.h"
#include "message.h"
#include "print.h"
#include "report/json_out.h"

#include <evenkeel/version.h>

static const option version_options[] = {
    OPTIONS_COMMON,
    OPTION_END,
};

static int run_version(const arguments *args) {
    if (!option_flag(args, "json")) {
        print("evenkeel %s\n", ek_version());
        return EXIT_DONE;
    }
    eki_json json;
    eki_json_start(&json, stdout, 2);
    eki_json_object(&json, NULL);
    eki_json_text(&json, "version", ek_version());
    eki_json_finish(&json);
    return EXIT_DONE;
}

const command command_version = {
    .name = "version",
    .summary = "Show the version",
    .operands = "",
    .example = "evenkeel version",
    .description = "Also as evenkeel --version and -v. `evenkeel env` shows what else a bug report needs.",
    .next = "evenkeel env",
    .options = version_options,
    .run = run_version,
};
