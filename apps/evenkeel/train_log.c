/* train_log.c: see train_log.h.
 *
 * A row is written whole and flushed, before the checkpoint that it belongs to. After a kill the file may hold rows of
 * steps that the checkpoint does not know, and a last line that is cut: both go when training is resumed, since the
 * same steps write the same rows again.
 */
#include "train_log.h"

#include "message.h"
#include "report/json_out.h"
#include "report/whole.h"

#include <errno.h>
#include <evenkeel/files.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of classes the accuracy in training is known, too. */
static int classifies(const train_log *log) { return log->measure == EK_MEASURE_CLASSES; }

/* The first line of CSV, with its end; returns its length. */
static size_t make_header(const train_log *log, char text[512]) {
    const measure_names *names = measure_names_of(log->measure);
    int n = snprintf(text, 512, "row,epoch,step,loss,%slr,gradient_norm,gradient_norm_max,clipped,validation_loss",
                     classifies(log) ? "accuracy," : "");
    for (int i = 0; i < measure_count(log->measure); i++)
        n += snprintf(text + n, 512 - (size_t)n, ",validation_%s", names->names[i]);
    n += snprintf(text + n, 512 - (size_t)n, ",best,seconds\n");
    return (size_t)n;
}

static int ends_in(const char *path, const char *ending) {
    size_t length = strlen(path), n = strlen(ending);
    return length > n && strcmp(path + length - n, ending) == 0;
}

ek_status log_check_name(const char *path, ek_error *err) {
    if (ends_in(path, ".csv") || ends_in(path, ".jsonl")) return EK_OK;
    return fail(err, EK_ERR_ARG, "--log %s: the name says what is written: FILE.csv or FILE.jsonl", path);
}

/* ---- Rows ---- */

/* A cell of a row; where it has none, CSV has an empty one and JSON no member. */
static void put_number(eki_json *json, FILE *file, const char *name, double value, int there) {
    char text[32];
    if (json != NULL && there) eki_json_real(json, name, value);
    if (json != NULL) return;
    eki_json_number_text(value, text);
    fprintf(file, ",%s", !there ? "" : isfinite(value) ? text : "nan");
}

static void put_count(eki_json *json, FILE *file, const char *name, int64_t value, int there) {
    if (json != NULL && there) eki_json_int(json, name, value);
    if (json == NULL && there) fprintf(file, ",%" PRId64, value);
    if (json == NULL && !there) fputc(',', file);
}

static void put_metrics(const train_log *log, eki_json *json, FILE *file, const epoch_row *row) {
    const measure_names *names = measure_names_of(log->measure);
    for (int i = 0; i < measure_count(log->measure); i++) {
        char name[40];
        snprintf(name, sizeof name, "validation_%s", names->names[i]);
        put_number(json, file, name, row->metrics[i], row->validated && !isnan(row->metrics[i]));
    }
}

static void put_row(const train_log *log, eki_json *json, FILE *file, const epoch_row *row, int epoch, int best) {
    int measured = row->gradient_norm > 0;
    if (json != NULL)
        eki_json_text(json, "row", epoch ? "epoch" : "step");
    else
        fputs(epoch ? "epoch" : "step", file);
    put_count(json, file, "epoch", row->epoch, 1);
    put_count(json, file, "step", row->step, 1);
    put_number(json, file, "loss", row->loss, 1);
    if (classifies(log)) put_number(json, file, "accuracy", row->accuracy, 1);
    put_number(json, file, "lr", row->lr, 1);
    put_number(json, file, "gradient_norm", row->gradient_norm, measured);
    put_number(json, file, "gradient_norm_max", row->gradient_norm_max, measured && epoch);
    put_count(json, file, "clipped", row->clipped, measured);
    put_number(json, file, "validation_loss", row->validation_loss, row->validated);
    put_metrics(log, json, file, row);
    put_count(json, file, "best", best, row->validated);
    put_number(json, file, "seconds", row->seconds, epoch && row->seconds > 0);
}

static void write_row(const train_log *log, FILE *file, const epoch_row *row, int epoch, int best) {
    eki_json json;
    if (!log->json) {
        put_row(log, NULL, file, row, epoch, best);
        fputc('\n', file);
        return;
    }
    eki_json_start(&json, file, 0);
    eki_json_object(&json, NULL);
    put_row(log, &json, file, row, epoch, best);
    eki_json_finish(&json);
}

static ek_status write_whole(train_log *log, const epoch_row *row, int epoch, int best, ek_error *err) {
    if (log->file == NULL) return EK_OK;
    write_row(log, log->file, row, epoch, best);
    if (fflush(log->file) == 0 && !ferror(log->file)) return EK_OK;
    return fail(err, EK_ERR_IO, "%s: cannot write: %s", log->path, strerror(errno));
}

ek_status log_step(train_log *log, const epoch_row *row, ek_error *err) { return write_whole(log, row, 0, 0, err); }

ek_status log_epoch(train_log *log, const epoch_row *row, int best, ek_error *err) {
    return write_whole(log, row, 1, best, err);
}

/* ---- A file that is gone on with ---- */

static ek_status read_file(const char *path, char **text, size_t *size, ek_error *err) {
    eki_whole whole;
    char block[65536];
    *text = NULL;
    *size = 0;
    FILE *file = fopen(path, "rb");
    if (file == NULL && errno == ENOENT) return EK_OK;
    if (file == NULL) return fail(err, EK_ERR_IO, "%s: cannot open for reading: %s", path, strerror(errno));
    FILE *to = eki_whole_open(&whole);
    size_t got;
    while (to != NULL && (got = fread(block, 1, sizeof block, file)) > 0) fwrite(block, 1, got, to);
    int good = !ferror(file);
    fclose(file);
    if (to == NULL || !eki_whole_close(&whole, to)) return fail(err, EK_ERR_NOMEM, "out of memory");
    *text = whole.text;
    *size = whole.size;
    return good ? EK_OK : fail(err, EK_ERR_IO, "%s: cannot read: %s", path, strerror(errno));
}

/* The step of a row, and whether it is one of an epoch; -1 = it is no row. */
static int64_t step_of(const char *line, int json, int *epoch) {
    const char *kind = json ? "{\"row\": \"epoch\"," : "epoch,", *other = json ? "{\"row\": \"step\"," : "step,";
    long long number = 0, step = -1;
    *epoch = strncmp(line, kind, strlen(kind)) == 0;
    if (!*epoch && strncmp(line, other, strlen(other)) != 0) return -1;
    const char *rest = line + strlen(*epoch ? kind : other);
    return sscanf(rest, json ? " \"epoch\": %lld, \"step\": %lld," : "%lld,%lld,", &number, &step) == 2 ? step : -1;
}

/* How much of the text is rows of the first `steps` steps; the last epoch among them ended at *last. */
static ek_status find_end(const train_log *log, char *text, int64_t steps, size_t *end, int64_t *last, ek_error *err) {
    char header[512];
    size_t first = make_header(log, header);
    if (log->json) first = 0;
    *last = 0;
    *end = 0;
    if (text == NULL || text[0] == 0) return EK_OK;
    if (strncmp(text, header, first) != 0)
        return fail(err, EK_ERR_FORMAT,
                    "%s: its first line is not that of a log of this version; --log OTHER writes a new one", log->path);
    int number = log->json ? 1 : 2;
    for (*end = first;; number++) {
        char *line = text + *end, *stop = strchr(line, '\n');
        int epoch;
        if (stop == NULL) return EK_OK;
        int64_t step = step_of(line, log->json, &epoch);
        if (step < 0)
            return fail(err, EK_ERR_FORMAT, "%s: line %d is not a row of a log; --log OTHER writes a new one",
                        log->path, number);
        if (step > steps) return EK_OK;
        if (epoch) *last = step;
        *end += (size_t)(stop + 1 - line);
    }
}

/* What of a text stays, then the epochs that it lacks. NULL = out of memory. */
static char *kept_rows(const train_log *log, const char *text, size_t end, int64_t last, int64_t steps,
                       const history *past, size_t *size) {
    eki_whole whole;
    char header[512];
    double least = INFINITY;
    FILE *file = eki_whole_open(&whole);
    if (file == NULL) return NULL;
    make_header(log, header);
    if (end > 0) fwrite(text, 1, end, file);
    if (end == 0 && !log->json) fputs(header, file);
    for (size_t i = 0; i < past->count; i++) {
        const epoch_row *row = &past->rows[i];
        int best = row->validated && row->validation_loss < least;
        if (best) least = row->validation_loss;
        if (row->step > last && row->step <= steps) write_row(log, file, row, 1, best);
    }
    if (!eki_whole_close(&whole, file)) return NULL;
    *size = whole.size;
    return whole.text;
}

static ek_status go_on(const train_log *log, int64_t steps, const history *past, ek_error *err) {
    char *text, *kept = NULL;
    size_t size, end, keeps = 0;
    int64_t last;
    ek_status status = read_file(log->path, &text, &size, err);
    if (status == EK_OK) status = find_end(log, text, steps, &end, &last, err);
    if (status == EK_OK && (kept = kept_rows(log, text, end, last, steps, past, &keeps)) == NULL)
        status = fail(err, EK_ERR_NOMEM, "out of memory");
    if (status == EK_OK && (text == NULL || keeps != size || memcmp(kept, text, size) != 0))
        status = ek_file_replace(log->path, kept, keeps, err);
    free(kept);
    free(text);
    return status;
}

ek_status log_open(train_log *log, const char *path, ek_measure measure, int64_t steps, const history *past,
                   ek_error *err) {
    char header[512];
    *log = (train_log){.path = path, .json = ends_in(path, ".jsonl"), .measure = measure};
    make_header(log, header);
    ek_status status = steps >= 0 ? go_on(log, steps, past, err) : EK_OK;
    if (status != EK_OK) return status;
    log->file = fopen(path, steps >= 0 ? "ab" : "wb");
    if (log->file == NULL) return fail(err, EK_ERR_IO, "%s: cannot write: %s", path, strerror(errno));
    if (steps < 0 && !log->json) fputs(header, log->file);
    if (fflush(log->file) == 0) return EK_OK;
    return fail(err, EK_ERR_IO, "%s: cannot write: %s", path, strerror(errno));
}

void log_close(train_log *log) {
    if (log->file != NULL) fclose(log->file);
    log->file = NULL;
}
