/* train_phases.c: what is frozen in which epoch.
 *
 * The value of a freezing option, and of --lr-scale, may end in a span of epochs: PATTERN@A-B, @A- or @-B, from 1, both
 * ends included. In the span it holds, outside of it the switches of what it matches are off; without a span it holds
 * always and is kept in the file. All follows from options and epoch, so that a resumed run does the same.
 */
#include "message.h"
#include "train_job.h"

#include <stdlib.h>
#include <string.h>

typedef struct span {
    int64_t first, last; /* last 0 = open */
    int given;
} span;

typedef struct freeze_kind {
    const char *option, *prefix; /* prefix: in front of the pattern */
    int stats, affine;
} freeze_kind;

static const freeze_kind kinds[] = {
    {"freeze-stats", "", 1, -1}, {"freeze-affine", "", -1, 1}, {"freeze", "", 1, 1}, {"freeze-until", "until:", 1, 1}};
enum { KINDS = sizeof kinds / sizeof kinds[0], ROOM = 512 };

/* "A-B", "A-", "-B" or "A". */
static int read_span(const char *text, span *s) {
    const char *dash = strchr(text, '-'), *last = dash != NULL ? dash + 1 : text;
    if (text[0] == 0 || strspn(text, "0123456789-") != strlen(text)) return 0;
    if (strchr(last, '-') != NULL || (dash == text && *last == 0)) return 0;
    s->first = dash == text ? 1 : strtoll(text, NULL, 10);
    s->last = *last == 0 ? 0 : strtoll(last, NULL, 10);
    s->given = 1;
    return s->first >= 1 && (s->last >= s->first || *last == 0);
}

/* Cuts "PATTERN@A-B" in two. EK_ERR_ARG: what stands behind the @ is no span. */
static ek_status cut_span(const char *name, const char *prefix, const char *text, char pattern[ROOM], span *s,
                          ek_error *err) {
    const char *at = strrchr(text, '@');
    size_t length = at != NULL ? (size_t)(at - text) : strlen(text);
    *s = (span){.first = 1};
    size_t before = strlen(prefix);
    if (before + length >= ROOM) return fail(err, EK_ERR_ARG, "--%s: the pattern is too long", name);
    memcpy(pattern, prefix, before);
    memcpy(pattern + before, text, length);
    pattern[before + length] = '\0';
    if (at == NULL || read_span(at + 1, s)) return EK_OK;
    return fail(err, EK_ERR_ARG, "--%s: '%s' is no span of epochs, such as @1-2, @3- or @-4", name, at);
}

static int inside(const span *s, int64_t epoch) { return epoch >= s->first && (s->last == 0 || epoch <= s->last); }

enum { OUTSIDE, INSIDE, ALWAYS };

static ek_status freeze_one(train_job *job, const freeze_kind *kind, const char *text, int64_t epoch, int pass,
                            int first, ek_error *err) {
    char pattern[ROOM];
    span s;
    ek_status status = cut_span(kind->option, kind->prefix, text, pattern, &s, err);
    if (status != EK_OK) return status;
    int now = !s.given ? ALWAYS : inside(&s, epoch) ? INSIDE : OUTSIDE;
    if (now != pass) return EK_OK;
    int on = now != OUTSIDE;
    size_t matched = SIZE_MAX;
    status = ek_model_freeze(job->model, pattern, kind->stats < 0 ? -1 : on, kind->affine < 0 ? -1 : on, &matched, err);
    if (status == EK_ERR_ARG && matched == 0 && kind->prefix[0] != 0) status = EK_OK; /* weights, but no norm */
    if (status != EK_OK) return fail_in(err, "--%s", kind->option);
    if (first) note("--%s=%s: %zu norms%s", kind->option, text, matched, on ? "" : ", later");
    return EK_OK;
}

ek_status train_freeze(train_job *job, int64_t epoch, int first, ek_error *err) {
    for (int pass = OUTSIDE; pass <= ALWAYS; pass++) {
        for (size_t k = 0; k < KINDS; k++) {
            const option_value *value = option_get(job->args, kinds[k].option);
            for (int i = 0; i < value->count; i++) {
                ek_status status = freeze_one(job, &kinds[k], value->texts[i], epoch, pass, first, err);
                if (status != EK_OK) return status;
            }
        }
    }
    return EK_OK;
}

/* One rule of the learning rate in its buffer; *used = 0 when it does not hold in this epoch. */
static ek_status scale_one(const char *name, const char *text, int64_t epoch, char pattern[ROOM], ek_lr_scale *rule,
                           int *used, ek_error *err) {
    span s;
    int until = strcmp(name, "freeze-until") == 0;
    ek_status status = cut_span(name, until ? "until:" : "", text, pattern, &s, err);
    if (status != EK_OK) return status;
    *rule = (ek_lr_scale){.pattern = pattern};
    *used = inside(&s, epoch);
    if (until) return EK_OK;
    char *sign = strrchr(pattern, '='), *end = sign;
    if (sign != NULL) rule->factor = strtod(sign + 1, &end);
    if (sign == NULL || sign == pattern || end == sign + 1 || *end != 0)
        return fail(err, EK_ERR_ARG, "--lr-scale: '%s' is not PATTERN=FACTOR, such as 'conv*=0.1'", text);
    *sign = 0;
    return EK_OK;
}

ek_status train_scale(train_job *job, int64_t epoch, ek_error *err) {
    static const char *const options[] = {"freeze-until", "lr-scale"};
    size_t room = (size_t)(option_get(job->args, options[0])->count + option_get(job->args, options[1])->count);
    char(*patterns)[ROOM] = calloc(room + 1, sizeof *patterns);
    ek_lr_scale *rules = calloc(room + 1, sizeof *rules);
    size_t count = 0;
    ek_status status = patterns && rules ? EK_OK : fail(err, EK_ERR_NOMEM, "out of memory");
    for (size_t k = 0; k < 2; k++) {
        const option_value *value = option_get(job->args, options[k]);
        for (int i = 0; i < value->count && status == EK_OK; i++) {
            int used = 0;
            status = scale_one(options[k], value->texts[i], epoch, patterns[count], &rules[count], &used, err);
            count += status == EK_OK && used;
        }
    }
    if (status == EK_OK) status = ek_trainer_regroup(job->trainer, rules, count, err);
    if (status != EK_OK) fail_in(err, "--lr-scale, --freeze-until");
    free(patterns);
    free(rules);
    return status;
}

/* Whether some option holds in one of two epochs only. */
static int differs(const train_job *job, int64_t a, int64_t b) {
    static const char *const options[] = {"freeze-stats", "freeze-affine", "freeze", "freeze-until", "lr-scale"};
    ek_error ignored;
    for (size_t k = 0; k < sizeof options / sizeof options[0]; k++) {
        const option_value *value = option_get(job->args, options[k]);
        for (int i = 0; i < value->count; i++) {
            char pattern[ROOM];
            span s;
            if (cut_span(options[k], "", value->texts[i], pattern, &s, &ignored) != EK_OK) continue;
            if (inside(&s, a) != inside(&s, b)) return 1;
        }
    }
    return 0;
}

ek_status train_enter_epoch(train_job *job, int64_t epoch, ek_error *err) {
    int before = job->phase;
    if (before == epoch) return EK_OK;
    job->phase = (int)epoch;
    if (!differs(job, before, epoch)) return EK_OK;
    ek_status status = train_freeze(job, epoch, 0, err);
    if (status == EK_OK) status = train_scale(job, epoch, err);
    if (status == EK_OK) note("epoch %lld begins with other switches", (long long)epoch);
    return status;
}
