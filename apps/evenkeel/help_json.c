/* help_json.c: `--help --json`: the option table of a command, for programs that drive the tool. */
#include "command.h"
#include "report/json_out.h"

#include <string.h>

static const char *type_name(option_type type) {
    static const char *const names[] = {"flag", "integer", "number", "text", "file", "choice"};
    return names[type];
}

static void put_choices(eki_json *json, const char *choices) {
    eki_json_array(json, "choices");
    for (const char *s = choices; *s != 0;) {
        char word[64];
        size_t n = strcspn(s, "|");
        snprintf(word, sizeof word, "%.*s", (int)n, s);
        eki_json_text(json, NULL, word);
        s += n + (s[n] == '|');
    }
    eki_json_close(json);
}

static void put_option(eki_json *json, const option *opt) {
    char letter[2] = {opt->letter, 0};
    eki_json_object(json, NULL);
    eki_json_text(json, "name", opt->name);
    if (opt->letter != 0) eki_json_text(json, "short", letter);
    if (opt->alias != NULL) eki_json_text(json, "alias", opt->alias);
    eki_json_text(json, "type", type_name(opt->type));
    if (opt->argument != NULL) eki_json_text(json, "argument", opt->argument);
    if (opt->choices != NULL) put_choices(json, opt->choices);
    if (opt->fallback != NULL) eki_json_text(json, "default", opt->fallback);
    if (opt->type == OPT_INT || opt->type == OPT_REAL) {
        eki_json_real(json, "minimum", opt->minimum);
        if (opt->maximum != 0) eki_json_real(json, "maximum", opt->maximum);
    }
    eki_json_bool(json, "required", (opt->traits & OPT_REQUIRED) != 0);
    eki_json_bool(json, "repeatable", (opt->traits & OPT_REPEAT) != 0);
    eki_json_text(json, "group", opt->group);
    eki_json_text(json, "help", opt->help);
    eki_json_close(json);
}

int help_json(FILE *file, const command *cmd) {
    eki_json json;
    eki_json_start(&json, file, 2);
    eki_json_object(&json, NULL);
    eki_json_text(&json, "command", cmd->name);
    eki_json_text(&json, "summary", cmd->summary);
    eki_json_text(&json, "operands", cmd->operands);
    eki_json_text(&json, "example", cmd->example);
    eki_json_text(&json, "description", cmd->description);
    eki_json_array(&json, "options");
    for (const option *o = cmd->options; o->name != NULL; o++)
        if (!(o->traits & OPT_HIDDEN)) put_option(&json, o);
    eki_json_close(&json);
    eki_json_text(&json, "next", cmd->next);
    eki_json_close(&json);
    return eki_json_finish(&json);
}
