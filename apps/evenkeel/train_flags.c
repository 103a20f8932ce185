/* train_flags.c: options across a resume.
 *
 * A checkpoint carries the options it was started with, one `name=value` a line, and a fingerprint of the data. To
 * resume, those lines and the words given now are parsed together, so that `--resume FILE` alone is enough. An option
 * that would change the course of training must not differ; a path may, as long as the data behind it is the same.
 */
#include "grid.h"
#include "inputs.h"
#include "message.h"
#include "report/whole.h"
#include "train_job.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a, 64 bit. */
static uint64_t hash(uint64_t h, const void *data, size_t bytes) {
    const unsigned char *p = data;
    for (size_t i = 0; i < bytes; i++) h = (h ^ p[i]) * UINT64_C(1099511628211);
    return h;
}

/* "arrays 60000 2 <hash>": the same of each array's name, size and rows. */
static ek_status arrays_print(const ek_dataset *dataset, char *text, size_t room, ek_error *err) {
    ek_dataset_info info = ek_dataset_describe(dataset);
    size_t arrays = ek_dataset_array_count(dataset);
    uint64_t h = UINT64_C(14695981039346656037);
    ek_status status = EK_OK;
    for (size_t k = 0; k < arrays && status == EK_OK; k++) {
        ek_batch_array array = ek_dataset_array(dataset, k);
        size_t values = 1;
        for (int i = 1; i < array.rank; i++) values *= (size_t)array.dims[i];
        unsigned char *row = grid_alloc(values + 1, 1, sizeof(int64_t));
        if (row == NULL) return fail(err, EK_ERR_NOMEM, "out of memory");
        h = hash(hash(h, array.name, strlen(array.name)), array.dims, (size_t)array.rank * sizeof *array.dims);
        int64_t picked = info.count < 64 ? info.count : 64;
        for (int64_t i = 0; i < picked && status == EK_OK; i++) {
            status = ek_dataset_read_array(dataset, k, picked > 1 ? i * (info.count - 1) / (picked - 1) : 0, row, err);
            h = hash(h, row, values * sizeof(int64_t)); /* of narrower elements the rest is 0 */
        }
        free(row);
    }
    snprintf(text, room, "%s %lld %zu %016llx", info.kind, (long long)info.count, arrays, (unsigned long long)h);
    return status;
}

/* "idx 60000 1x28x28 10 <hash>": the hash is of 64 examples spread over the set, pixels and labels. */
static ek_status fingerprint(const ek_dataset *dataset, char *text, size_t room, ek_error *err) {
    ek_dataset_info info = ek_dataset_describe(dataset);
    if (info.channels == 0) return arrays_print(dataset, text, room, err);
    size_t values = (size_t)info.channels * (size_t)info.height * (size_t)info.width;
    float *image = grid_alloc((size_t)info.channels, (size_t)info.height * (size_t)info.width, sizeof *image);
    if (image == NULL) return fail(err, EK_ERR_NOMEM, "out of memory");
    uint64_t h = UINT64_C(14695981039346656037);
    ek_status status = EK_OK;
    int64_t picked = info.count < 64 ? info.count : 64;
    for (int64_t i = 0; i < picked && status == EK_OK; i++) {
        int64_t index = picked > 1 ? i * (info.count - 1) / (picked - 1) : 0;
        int32_t label = 0;
        status = ek_dataset_read(dataset, index, image, &label, err);
        h = hash(hash(h, image, values * sizeof *image), &label, sizeof label);
    }
    free(image);
    int used = snprintf(text, room, "%s %lld %dx%dx%d %d %016llx", info.kind, (long long)info.count, info.channels,
                        info.height, info.width, info.classes, (unsigned long long)h);
    if (status != EK_OK || ek_dataset_array_count(dataset) == 0) return status;
    text[used] = ' ';
    return arrays_print(dataset, text + used + 1, room - (size_t)used - 1, err);
}

ek_status train_flags_write(train_job *job, ek_error *err) {
    char print[240], validation[240];
    eki_whole whole;
    ek_status status = fingerprint(job->train, print, sizeof print, err);
    if (status == EK_OK && job->validation != NULL)
        status = fingerprint(job->validation, validation, sizeof validation, err);
    if (status != EK_OK) return status;
    FILE *file = eki_whole_open(&whole);
    if (file == NULL) return fail(err, EK_ERR_NOMEM, "out of memory");
    for (const option *o = job->args->command->options; o->name != NULL; o++) {
        const option_value *value = option_get(job->args, o->name);
        int64_t chosen = train_chosen(job, o->name);
        if (chosen > 0) fprintf(file, "%s=%lld\n", o->name, (long long)chosen);
        if (value->given == 0 || (o->traits & OPT_UNSAVED)) continue;
        for (int i = 0; i < value->count; i++) fprintf(file, "%s=%s\n", o->name, value->texts[i]);
    }
    fprintf(file, "#data=%s\n#plan=%lld %lld\n", print, (long long)job->total_steps, (long long)job->batches);
    if (job->validation != NULL) fprintf(file, "#validation=%s\n", validation);
    if (!eki_whole_close(&whole, file)) return fail(err, EK_ERR_NOMEM, "out of memory");
    free(job->flags);
    job->flags = whole.text;
    return EK_OK;
}

/* The value of the line `name=...` in `text`, with its length. NULL = no such line. */
static const char *find_line(const char *text, const char *name, size_t *length) {
    size_t name_length = strlen(name);
    for (const char *line = text; *line != 0;) {
        size_t n = strcspn(line, "\n");
        if (n > name_length && strncmp(line, name, name_length) == 0 && line[name_length] == '=') {
            *length = n - name_length - 1;
            return line + name_length + 1;
        }
        line += n + (line[n] == '\n');
    }
    return NULL;
}

/* Is the data what a line of the checkpoint says? */
static ek_status check_print(const train_job *job, const char *line, const ek_dataset *dataset, const char *name,
                             ek_error *err) {
    char now[240] = "none";
    size_t length = 0;
    const char *then = find_line(job->checkpoint.position.flags, line, &length);
    ek_status status = dataset != NULL ? fingerprint(dataset, now, sizeof now, err) : EK_OK;
    if (status != EK_OK || (then == NULL && dataset == NULL)) return status;
    if (then != NULL && strlen(now) == length && strncmp(now, then, length) == 0) return EK_OK;
    return fail(err, EK_ERR_STATE, "%s is not the data of the checkpoint: found %s, expected %.*s", name, now,
                then ? (int)length : 4, then ? then : "none");
}

ek_status train_flags_check_data(const train_job *job, ek_error *err) {
    size_t length;
    ek_status status = EK_OK;
    if (find_line(job->checkpoint.position.flags, "#data", &length) != NULL)
        status = check_print(job, "#data", job->train, job->data, err);
    if (status != EK_OK) return status;
    const char *spec = option_text(job->args, "validation");
    return check_print(job, "#validation", job->validation, spec != NULL ? spec : "validation data", err);
}

int train_flags_progress(const ek_position *position, int64_t *done, int64_t *total) {
    size_t length = 0;
    long long steps = 0, batches = 0;
    const char *plan = position->flags != NULL ? find_line(position->flags, "#plan", &length) : NULL;
    if (plan == NULL || sscanf(plan, "%lld %lld", &steps, &batches) != 2) return 0;
    if (__builtin_mul_overflow(position->epoch, (int64_t)batches, done)) return 0;
    *total = steps;
    return !__builtin_add_overflow(*done, position->batch, done);
}

static int same_value(const option *opt, const char *a, const char *b) {
    if (opt->type == OPT_INT || opt->type == OPT_REAL) return strtod(a, NULL) == strtod(b, NULL);
    return strcmp(a, b) == 0;
}

/* Whether the values given equal the ones of the checkpoint; the latter as text in `then`. */
static int unchanged(const option *opt, const option_value *given, const arguments *stored, char *then, size_t room) {
    const option_value *old = option_get(stored, opt->name);
    int same = old->count == given->count;
    for (int i = 0; i < old->count; i++) {
        if (same && !same_value(opt, given->texts[i], old->texts[i])) same = 0;
        size_t used = strlen(then);
        snprintf(then + used, room - used, "%s%s", i ? "," : "", old->texts[i]);
    }
    if (opt->type == OPT_FLAG)
        snprintf(then, room, "%s", old->count ? "on" : "off");
    else if (old->count == 0)
        snprintf(then, room, "not set");
    return same;
}

static ek_status refuse_changes(const arguments *given, const arguments *stored, const char *path, ek_error *err) {
    char list[1400] = "";
    int changes = 0;
    for (const option *o = given->command->options; o->name != NULL; o++) {
        const option_value *value = option_get(given, o->name);
        char then[256] = "";
        if (value->given == 0 || (o->traits & (OPT_FREE | OPT_UNSAVED)) ||
            unchanged(o, value, stored, then, sizeof then))
            continue;
        size_t used = strlen(list);
        const char *now = o->type == OPT_FLAG ? "on" : value->texts[value->count - 1];
        snprintf(list + used, sizeof list - used, "%s--%s is %s there, %s now", changes++ ? "; " : "", o->name, then,
                 now);
    }
    if (changes == 0) return EK_OK;
    return fail(err, EK_ERR_ARG,
                "options differ from the checkpoint %s: %s. Leave them out to go on as it was; to train the model "
                "anew with other options, use --model %s",
                path, list, quoted(path));
}

/* Rewrites the lines "name=value" of `text` to the words "--name=value" in `block`. */
static ek_status make_words(const command *cmd, char *text, char *block, char **words, int *count, ek_error *err) {
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (line[0] == '#') continue;
        const option *opt = NULL;
        size_t length = strcspn(line, "=");
        for (const option *o = cmd->options; o->name != NULL; o++)
            if (strlen(o->name) == length && strncmp(o->name, line, length) == 0) opt = o;
        if (opt == NULL || line[length] != '=')
            return fail(err, EK_ERR_FORMAT, "the checkpoint has an option this version does not know: %s", line);
        if (opt->type == OPT_FLAG) line[length] = 0;
        words[(*count)++] = block;
        block += sprintf(block, "--%s", line) + 1;
    }
    return EK_OK;
}

ek_status train_flags_merge(const arguments *given, const char *flags, const char *path, arguments *merged,
                            ek_error *err) {
    memset(merged, 0, sizeof *merged);
    size_t lines = 1, size = strlen(flags) + 1;
    for (const char *s = flags; *s != 0; s++) lines += *s == '\n';
    char *text = malloc(size), *block = calloc(size, 3); /* "--" before each line */
    char **words = calloc(lines, sizeof *words);
    int count = 0;
    ek_status status = EK_OK;
    if (text == NULL || words == NULL || block == NULL)
        status = fail(err, EK_ERR_NOMEM, "out of memory");
    else
        memcpy(text, flags, size);
    if (status == EK_OK) status = make_words(given->command, text, block, words, &count, err);
    if (status == EK_OK) {
        status = arguments_parse(given->command, count, words, merged, err);
        if (status == EK_ERR_ARG) {
            err->status = status = EK_ERR_FORMAT;
            fail_in(err, "options kept in %s.state", path);
        }
    }
    if (status == EK_OK) status = refuse_changes(given, merged, path, err);
    if (status == EK_OK) arguments_adopt(merged, given, OPT_FREE | OPT_UNSAVED);
    merged->words = block;
    if (status != EK_OK) arguments_free(merged);
    free(text);
    free(words);
    return status;
}

/* The value of "key=" among the lines of an environment text, or "?". */
static void environment_value(const char *text, const char *key, char *value, size_t room) {
    size_t length = 0;
    const char *found = find_line(text, key, &length);
    snprintf(value, room, "%.*s", found ? (int)length : 1, found ? found : "?");
}

void train_compare_environment(const train_job *job) {
    char now[288] = "";
    ek_environment(job->training.threads, now);
    size_t used = strlen(now);
    snprintf(now + used, sizeof now - used, "ranks=%d\n", ek_comm_size(job->comm));
    for (const char *line = now; *line != 0;) {
        char key[64], then[96], here[96];
        size_t n = strcspn(line, "\n");
        snprintf(key, sizeof key, "%.*s", (int)strcspn(line, "="), line);
        environment_value(job->checkpoint.environment, key, then, sizeof then);
        environment_value(now, key, here, sizeof here);
        int counts = strcmp(key, "threads") == 0 || strcmp(key, "ranks") == 0;
        int old = strcmp(key, "ranks") == 0 && strcmp(then, "?") == 0; /* a file from before ranks were noted */
        if (strcmp(then, here) != 0 && !old && !(counts && job->training.reproducible))
            warn("%s was %s at the checkpoint and is %s now: the numbers may differ in their last bits", key, then,
                 here);
        line += n + (line[n] == '\n');
    }
}
