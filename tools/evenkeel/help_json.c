/* help_json.c: `--help --json`: the option table of a command, for programs that drive the tool. */
#include "command.h"
#include "report/json_out.h"

#include <string.h>

static const char *type_name(option_type type) {
    static const char *const names[] = {"flag", "integer", "number", "text", "file", "choice"};
    return names[type];
}

static void put_choices(json_out *json, const char *choices) {
    json_array(json, "choices");
    for (const char *s = choices; *s != 0;) {
        char word[64];
        size_t n = strcspn(s, "|");
        snprintf(word, sizeof word, "%.*s", (int)n, s);
        json_text(json, NULL, word);
        s += n + (s[n] == '|');
    }
    json_close(json);
}

static void put_option(json_out *json, const option *opt) {
    char letter[2] = {opt->letter, 0};
    json_object(json, NULL);
    json_text(json, "name", opt->name);
    if (opt->letter != 0) json_text(json, "short", letter);
    if (opt->alias != NULL) json_text(json, "alias", opt->alias);
    json_text(json, "type", type_name(opt->type));
    if (opt->argument != NULL) json_text(json, "argument", opt->argument);
    if (opt->choices != NULL) put_choices(json, opt->choices);
    if (opt->fallback != NULL) json_text(json, "default", opt->fallback);
    if (opt->type == OPT_INT || opt->type == OPT_REAL) {
        json_real(json, "minimum", opt->minimum);
        if (opt->maximum != 0) json_real(json, "maximum", opt->maximum);
    }
    json_bool(json, "required", (opt->traits & OPT_REQUIRED) != 0);
    json_bool(json, "repeatable", (opt->traits & OPT_REPEAT) != 0);
    json_text(json, "group", opt->group);
    json_text(json, "help", opt->help);
    json_close(json);
}

int help_json(FILE *file, const command *cmd) {
    json_out json;
    json_start(&json, file, 2);
    json_object(&json, NULL);
    json_text(&json, "command", cmd->name);
    json_text(&json, "summary", cmd->summary);
    json_text(&json, "operands", cmd->operands);
    json_text(&json, "example", cmd->example);
    json_text(&json, "description", cmd->description);
    json_array(&json, "options");
    for (const option *o = cmd->options; o->name != NULL; o++)
        if (!(o->traits & OPT_HIDDEN)) put_option(&json, o);
    json_close(&json);
    json_text(&json, "next", cmd->next);
    json_close(&json);
    return json_finish(&json);
}
