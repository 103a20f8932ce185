/* options.c: parsing a command line by a command's option table.
 *
 * GNU habits: --name=value, --name value, -n value, -nvalue, grouped short flags, options and operands in any order,
 * `--` ends the options. A value is checked as it is read, so that an error names the option and what it wants.
 */
#include "command.h"
#include "grid.h"
#include "message.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OPTIONS = 80 };

static size_t option_count(const command *cmd) {
    size_t n = 0;
    while (cmd->options[n].name != NULL) n++;
    return n;
}

/* Index of `value` in "a|b|c", or -1. */
static int choice_index(const char *choices, const char *value, size_t length) {
    int index = 0;
    for (const char *s = choices;; s++, index++) {
        size_t n = strcspn(s, "|");
        if (n == length && strncmp(s, value, n) == 0) return index;
        s += n;
        if (*s == 0) return -1;
    }
}

static ek_status check_number(const option *opt, const char *value, ek_error *err) {
    char *end = NULL;
    errno = 0;
    double number = opt->type == OPT_INT ? (double)strtoll(value, &end, 10) : strtod(value, &end);
    int whole = end != value && *end == 0 && errno == 0 && isfinite(number);
    const char *kind = opt->type == OPT_INT ? "a whole number" : "a number";
    if (whole && number >= opt->minimum && (opt->maximum == 0 || number <= opt->maximum)) return EK_OK;
    int digits = opt->type == OPT_INT ? 17 : 6; /* 1048576, not 1.04858e+06 */
    char hint[64] = "";
    if (!whole) word_number_hint(value, opt->type == OPT_INT, hint);
    if (opt->maximum == 0)
        return fail(err, EK_ERR_ARG, "--%s: '%s' is not %s of at least %.*g%s", opt->name, value, kind, digits,
                    opt->minimum, hint);
    return fail(err, EK_ERR_ARG, "--%s: '%s' is not %s from %.*g to %.*g%s", opt->name, value, kind, digits,
                opt->minimum, digits, opt->maximum, hint);
}

static ek_status unknown_choice(const option *opt, const char *value, ek_error *err) {
    enum { MOST = 16 };
    char words[256];
    const char *names[MOST];
    size_t count = 0;
    snprintf(words, sizeof words, "%s", opt->choices);
    for (char *s = words; s != NULL && count < MOST;) {
        char *bar = strchr(s, '|');
        names[count++] = s;
        if (bar != NULL) *bar++ = 0;
        s = bar;
    }
    const char *near = suggest(value, names, count);
    return fail(err, EK_ERR_ARG, "--%s: '%s' is none of %s%s%s%s", opt->name, value, opt->choices,
                near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

ek_status option_check_value(const option *opt, const char *value, ek_error *err) {
    if (strchr(value, '\n') != NULL) return fail(err, EK_ERR_ARG, "--%s: the value has a line break", opt->name);
    if (value[0] == 0 && value != opt->implied) return fail(err, EK_ERR_ARG, "--%s: the value is empty", opt->name);
    if (opt->type == OPT_INT || opt->type == OPT_REAL) return check_number(opt, value, err);
    if (opt->type == OPT_CHOICE && choice_index(opt->choices, value, strlen(value)) < 0)
        return unknown_choice(opt, value, err);
    char what[64];
    snprintf(what, sizeof what, "--%s", opt->name);
    int pattern = (opt->traits & OPT_PATTERN) != 0 && strstr(value, ".npy") == NULL;
    return opt->type == OPT_FILE && !pattern ? word_check_path(what, value, err) : EK_OK;
}

static ek_status unknown_option(const command *cmd, const char *name, size_t length, ek_error *err) {
    const char *names[MAX_OPTIONS];
    size_t n = 0;
    for (const option *o = cmd->options; o->name != NULL && n < MAX_OPTIONS; o++)
        if (!(o->traits & OPT_HIDDEN)) names[n++] = o->name;
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)length, name);
    const char *near = suggest(word, names, n);
    if (near != NULL) return fail(err, EK_ERR_ARG, "unknown option --%s; did you mean --%s?", word, near);
    return fail(err, EK_ERR_ARG, "unknown option --%s", word);
}

static const option *find_long(const command *cmd, const char *name, size_t length) {
    for (const option *o = cmd->options; o->name != NULL; o++) {
        if (strlen(o->name) == length && strncmp(o->name, name, length) == 0) return o;
        if (o->alias != NULL && strlen(o->alias) == length && strncmp(o->alias, name, length) == 0) return o;
    }
    return NULL;
}

static const option *find_short(const command *cmd, char letter) {
    for (const option *o = cmd->options; o->name != NULL; o++)
        if (o->letter == letter) return o;
    return NULL;
}

static ek_status keep_value(arguments *args, const option *opt, const char *value, ek_error *err) {
    option_value *slot = &args->values[opt - args->command->options];
    ek_status status = option_check_value(opt, value, err);
    if (status != EK_OK) return status;
    if (slot->given++ == 0 || !(opt->traits & OPT_REPEAT)) slot->count = 0; /* the last one counts, as usual */
    slot->texts[slot->count++] = value;
    return EK_OK;
}

/* Takes the value of `opt`: `attached` (after = or the letter), else the next word. */
static ek_status take_value(arguments *args, const option *opt, const char *attached, int count, char **words, int *at,
                            ek_error *err) {
    const char *value = attached;
    if (opt->type == OPT_FLAG) {
        if (attached != NULL) return fail(err, EK_ERR_ARG, "--%s takes no value", opt->name);
        value = "1";
    }
    int next_is_word = *at + 1 < count && (words[*at + 1][0] != '-' || words[*at + 1][1] == 0);
    if (value == NULL && (opt->traits & OPT_OPTIONAL)) {
        if ((opt->traits & OPT_NEXT) && next_is_word)
            value = words[++*at];
        else
            value = opt->implied;
    }
    if (value == NULL) {
        /* A negative number is a value, any other word with a dash is not. */
        if (*at + 1 >= count || (!next_is_word && strspn(words[*at + 1], "-.0123456789e") != strlen(words[*at + 1])) ||
            strcmp(words[*at + 1], "--") == 0)
            return fail(err, EK_ERR_ARG, "--%s needs a value: --%s %s", opt->name, opt->name, opt->argument);
        value = words[++*at];
    }
    return keep_value(args, opt, value, err);
}

/* -data, as some programs have it, is --data here. */
static ek_status unknown_short(const command *cmd, const char *word, char letter, ek_error *err) {
    if (find_long(cmd, word + 1, strcspn(word + 1, "=")) != NULL)
        return fail(err, EK_ERR_ARG, "unknown option -%c; did you mean -%s?", letter, word);
    return fail(err, EK_ERR_ARG, "unknown option -%c", letter);
}

static ek_status parse_short(arguments *args, int count, char **words, int *at, ek_error *err) {
    for (const char *s = words[*at] + 1; *s != 0; s++) {
        const option *opt = find_short(args->command, *s);
        if (opt == NULL) return unknown_short(args->command, words[*at], *s, err);
        if (opt->type != OPT_FLAG) return take_value(args, opt, s[1] ? s + 1 : NULL, count, words, at, err);
        ek_status status = keep_value(args, opt, "1", err);
        if (status != EK_OK) return status;
    }
    return EK_OK;
}

static ek_status parse_long(arguments *args, int count, char **words, int *at, ek_error *err) {
    const char *name = words[*at] + 2;
    size_t length = strcspn(name, "=");
    const option *opt = find_long(args->command, name, length);
    if (opt == NULL) return unknown_option(args->command, name, length, err);
    return take_value(args, opt, name[length] == '=' ? name + length + 1 : NULL, count, words, at, err);
}

static ek_status prepare(const command *cmd, int count, arguments *args, ek_error *err) {
    memset(args, 0, sizeof *args);
    size_t options = option_count(cmd), room = (size_t)count + 1;
    args->command = cmd;
    args->values = calloc(options + 1, sizeof *args->values);
    args->store = grid_alloc(options + 1, room, sizeof *args->store);
    if (args->values == NULL || args->store == NULL) return fail(err, EK_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < options; i++) {
        args->values[i].texts = args->store + i * room;
        if (cmd->options[i].fallback != NULL) {
            args->values[i].texts[0] = cmd->options[i].fallback;
            args->values[i].count = 1;
        }
    }
    args->operands = args->store + options * room;
    return EK_OK;
}

/* The name of an option that is written without the value it may have; NULL = it is none. */
static const char *bare_option(const command *cmd, const char *word) {
    const option *opt = word[1] == '-' ? find_long(cmd, word + 2, strlen(word + 2)) : NULL;
    return opt != NULL && (opt->traits & OPT_OPTIONAL) && !(opt->traits & OPT_NEXT) ? opt->name : NULL;
}

void arguments_hint(const arguments *args, ek_error *err) {
    size_t used = strlen(err->text);
    if (args->loose == NULL || strstr(err->text, args->loose) == NULL) return;
    snprintf(err->text + used, sizeof err->text - used, "; did you mean --%s=%s?", args->loose_option,
             quoted(args->loose));
}

ek_status arguments_parse(const command *cmd, int count, char **words, arguments *args, ek_error *err) {
    ek_status status = prepare(cmd, count, args, err);
    int plain = 0;
    const char *bare = NULL; /* the option before this word, where it could have had a value */
    for (int i = 0; i < count && status == EK_OK; i++) {
        const char *word = words[i];
        if (plain || word[0] != '-' || word[1] == 0) {
            args->operands[args->operand_count++] = word;
            if (bare != NULL && args->loose == NULL) args->loose = word, args->loose_option = bare;
            bare = NULL;
            continue;
        }
        bare = bare_option(cmd, word);
        if (strcmp(word, "--") == 0)
            plain = 1;
        else if (word[1] == '-')
            status = parse_long(args, count, words, &i, err);
        else
            status = parse_short(args, count, words, &i, err);
    }
    return status;
}

/* Where the word may have been meant: behind an option of the table that is not given. */
static ek_status too_many(const arguments *args, ek_error *err) {
    const command *cmd = args->command;
    const char *word = args->operands[cmd->maximum], *hint = "";
    int dashes = 0;
    for (int i = 0; i < args->operand_count; i++) dashes += args->operands[i][0] == '-' && args->operands[i][1] != 0;
    if (dashes > 0)
        hint = "; behind -- no word is an option";
    else if (option_known(args, "data") && !option_given(args, "data"))
        hint = "; data stand behind --data";
    else if (cmd->maximum > 0 && option_known(args, "output") && !option_given(args, "output"))
        hint = "; the file to write stands behind -o";
    if (args->loose != NULL) word = args->loose, hint = "";
    fail(err, EK_ERR_ARG, "'%s' is one word too many; 'evenkeel %s' takes %s%s", word, cmd->name,
         cmd->maximum ? cmd->operands : "options only", hint);
    arguments_hint(args, err);
    return EK_ERR_ARG;
}

ek_status arguments_check(const arguments *args, ek_error *err) {
    const command *cmd = args->command;
    if (args->operand_count < cmd->minimum)
        return fail(err, EK_ERR_ARG, "missing %s: evenkeel %s %s", cmd->operands, cmd->name, cmd->operands);
    if (args->operand_count > cmd->maximum) return too_many(args, err);
    for (int i = 0; i < args->operand_count; i++) {
        ek_status status = word_check_path(cmd->operands, args->operands[i], err);
        if (status != EK_OK) return status;
    }
    for (const option *o = cmd->options; o->name != NULL; o++)
        if ((o->traits & OPT_REQUIRED) && !option_given(args, o->name))
            return fail(err, EK_ERR_ARG, "--%s %s is missing: %s\nExample: %s", o->name, o->argument, o->help,
                        cmd->example);
    return EK_OK;
}

void arguments_adopt(arguments *args, const arguments *from, unsigned traits) {
    for (const option *o = args->command->options; o->name != NULL; o++)
        if ((o->traits & traits) && option_given(from, o->name))
            args->values[o - args->command->options] = *option_get(from, o->name);
}

ek_status arguments_operand_as(const arguments *args, const char *name, ek_error *err) {
    if (args->operand_count == 0) return EK_OK;
    const option *opt = find_long(args->command, name, strlen(name));
    option_value *slot = &args->values[opt - args->command->options];
    if (slot->given > 0) {
        fail(err, EK_ERR_ARG, "'%s' and --%s both name a model; give one", args->operands[0], name);
        arguments_hint(args, err);
        return EK_ERR_ARG;
    }
    slot->given = slot->count = 1;
    slot->texts[0] = args->operands[0];
    return option_check_value(opt, args->operands[0], err);
}

void arguments_free(arguments *args) {
    free(args->words);
    free(args->values);
    free(args->store);
    memset(args, 0, sizeof *args);
}

const option_value *option_get(const arguments *args, const char *name) {
    const option *opt = find_long(args->command, name, strlen(name));
    if (opt == NULL) {
        warn("no option --%s in the table of %s", name, args->command->name);
        abort();
    }
    return &args->values[opt - args->command->options];
}

int option_known(const arguments *args, const char *name) {
    return find_long(args->command, name, strlen(name)) != NULL;
}

int option_given(const arguments *args, const char *name) { return option_get(args, name)->given > 0; }

const char *option_text(const arguments *args, const char *name) {
    const option_value *value = option_get(args, name);
    return value->count > 0 ? value->texts[value->count - 1] : NULL;
}

int64_t option_int(const arguments *args, const char *name) {
    const char *text = option_text(args, name);
    return text ? strtoll(text, NULL, 10) : 0;
}

double option_real(const arguments *args, const char *name) {
    const char *text = option_text(args, name);
    return text ? strtod(text, NULL) : 0;
}

int option_flag(const arguments *args, const char *name) {
    const char *text = option_text(args, name);
    return text != NULL && strcmp(text, "0") != 0;
}

int option_choice(const arguments *args, const char *name) {
    const option *opt = find_long(args->command, name, strlen(name));
    const char *text = option_text(args, name);
    return opt != NULL && text != NULL ? choice_index(opt->choices, text, strlen(text)) : -1;
}
