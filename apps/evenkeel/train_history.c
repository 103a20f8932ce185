/* train_history.c: see train_history.h. Text: a line for the version, then a line for each epoch; numbers are written
 * so that they are read back to the bit. */
#include "train_history.h"

#include "grid.h"
#include "message.h"
#include "report/whole.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char first_line[] = "evenkeel history 1\n", last_line[] = "ended";

void history_add_gradient(history *h, double norm, int clipped) {
    gradient_sums *g = &h->gradients;
    if (!(norm > 0)) return;
    g->sum += norm;
    if (norm > g->most) g->most = norm;
    g->steps++;
    g->clipped += clipped;
}

static ek_status append(history *h, const epoch_row *row, ek_error *err) {
    if (h->count == h->room) {
        size_t room = h->room + h->room + 16;
        epoch_row *grown = calloc(room, sizeof *grown);
        if (grown == NULL) return fail(err, EK_ERR_NOMEM, "out of memory");
        for (size_t i = 0; i < h->count; i++) grown[i] = h->rows[i];
        free(h->rows);
        h->rows = grown;
        h->room = room;
    }
    h->rows[h->count++] = *row;
    return EK_OK;
}

/* Room for the shifts of `rows` rows; new ones are 0. */
static ek_status make_room(history *h, size_t rows, ek_error *err) {
    if (rows <= h->shift_room) return EK_OK;
    size_t room = rows + rows + 16;
    double *grown = grid_alloc(room, h->norms, sizeof *grown);
    if (grown == NULL) return fail(err, EK_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < h->shift_room * h->norms; i++) grown[i] = h->shifts[i];
    free(h->shifts);
    h->shifts = grown;
    h->shift_room = room;
    return EK_OK;
}

/* Of a row; a model has always as many norms, so that another number begins anew. */
static ek_status put_shifts(history *h, size_t row, const double *shifts, size_t norms, ek_error *err) {
    if (norms != h->norms) {
        free(h->shifts);
        h->shifts = NULL;
        h->shift_room = 0;
        h->norms = norms;
        for (size_t i = 0; i < h->count; i++) h->rows[i].gap.measured = 0;
    }
    ek_status status = make_room(h, row + 1, err);
    for (size_t i = 0; i < norms && status == EK_OK; i++) h->shifts[row * norms + i] = shifts[i];
    return status;
}

ek_status history_add_shifts(history *h, const double *shifts, size_t norms, ek_error *err) {
    return put_shifts(h, h->count, shifts, norms, err);
}

ek_status history_add(history *h, epoch_row *row, ek_error *err) {
    const gradient_sums *g = &h->gradients;
    row->gradient_norm = g->steps > 0 ? g->sum / (double)g->steps : 0;
    row->gradient_norm_max = g->most;
    row->clipped = g->clipped;
    h->gradients = (gradient_sums){0};
    return append(h, row, err);
}

void history_free(history *h) {
    free(h->rows);
    free(h->shifts);
    *h = (history){0};
}

const epoch_row *history_best(const history *h) {
    const epoch_row *best = NULL;
    for (size_t i = 0; i < h->count; i++) {
        const epoch_row *row = &h->rows[i];
        if (!row->validated || !isfinite(row->validation_loss)) continue;
        if (best == NULL || row->validation_loss < best->validation_loss) best = row;
    }
    return best;
}

int64_t history_waited(const history *h) {
    const epoch_row *best = history_best(h);
    int64_t waited = 0;
    for (const epoch_row *row = best ? best + 1 : h->rows; row != NULL && row < h->rows + h->count; row++)
        waited += row->validated;
    return waited;
}

static void put_row(FILE *file, const epoch_row *row) {
    fprintf(file,
            "epoch %" PRId64 " %" PRId64 " %.17g %.17g %.17g %.17g %.17g %" PRId64
            " %d %.17g %.17g %.17g %.17g %.17g %.17g\n",
            row->epoch, row->step, row->loss, row->accuracy, row->lr, row->gradient_norm, row->gradient_norm_max,
            row->clipped, row->validated, row->validation_loss, row->metrics[0], row->metrics[1], row->metrics[2],
            row->metrics[3], row->metrics[4]);
}

static void put_gap(FILE *file, const history *h, size_t row) {
    const norm_gap *gap = &h->rows[row].gap;
    if (!gap->measured || h->norms == 0) return;
    fprintf(file, "gap %.17g %.17g", gap->running, gap->batch);
    for (size_t i = 0; i < h->norms; i++) fprintf(file, " %.9g", h->shifts[row * h->norms + i]);
    fputc('\n', file);
}

char *history_text(const history *h) {
    const gradient_sums *g = &h->gradients;
    eki_whole whole;
    FILE *file = eki_whole_open(&whole);
    if (file == NULL) return NULL;
    fputs(first_line, file);
    for (size_t i = 0; i < h->count; i++) {
        put_row(file, &h->rows[i]);
        put_gap(file, h, i);
    }
    if (g->steps > 0)
        fprintf(file, "gradients %.17g %.17g %" PRId64 " %" PRId64 "\n", g->sum, g->most, g->steps, g->clipped);
    if (h->ended) fprintf(file, "%s\n", last_line);
    return eki_whole_close(&whole, file) ? whole.text : NULL;
}

static int read_row(const char *line, epoch_row *row, int *used) {
    int found =
        sscanf(line, "epoch %" SCNd64 " %" SCNd64 " %lf %lf %lf %lf %lf %" SCNd64 " %d %lf %lf %lf %lf %lf %lf%n",
               &row->epoch, &row->step, &row->loss, &row->accuracy, &row->lr, &row->gradient_norm,
               &row->gradient_norm_max, &row->clipped, &row->validated, &row->validation_loss, &row->metrics[0],
               &row->metrics[1], &row->metrics[2], &row->metrics[3], &row->metrics[4], used);
    return found == 15 && row->epoch >= 1 && row->step >= 1 && row->clipped >= 0 && row->validated >= 0 &&
           row->validated <= 1;
}

static int read_gradients(const char *line, gradient_sums *g, int *used) {
    int found =
        sscanf(line, "gradients %lf %lf %" SCNd64 " %" SCNd64 "%n", &g->sum, &g->most, &g->steps, &g->clipped, used);
    return found == 4 && g->steps >= 1 && g->clipped >= 0;
}

/* Of the last row: two losses, then a number for each norm. */
static int read_gap(history *h, const char *line, size_t length, ek_error *err) {
    enum { PREFIX = 4 };
    const char *at = line + PREFIX, *stop = line + length;
    epoch_row *row = h->count > 0 ? &h->rows[h->count - 1] : NULL;
    double *numbers = calloc(length + 2, sizeof *numbers);
    size_t count = 0;
    int good = row != NULL && numbers != NULL && !row->gap.measured;
    if (numbers == NULL) fail(err, EK_ERR_NOMEM, "out of memory");
    while (good && at < stop) {
        char *end = NULL;
        numbers[count++] = strtod(at, &end);
        good = end > at && end <= stop && (end == stop || *end == ' ');
        at = end < stop ? end + 1 : stop;
    }
    good = good && count > 2;
    if (good) good = put_shifts(h, h->count - 1, numbers + 2, count - 2, err) == EK_OK;
    if (good) row->gap = (norm_gap){.measured = 1, .running = numbers[0], .batch = numbers[1]};
    free(numbers);
    return good;
}

/* A line without its end; 0 = it is none that can stand here. */
static int read_line(history *h, const char *line, size_t length, ek_error *err) {
    char text[512];
    int used = 0;
    epoch_row row = {0};
    if (strncmp(line, "gap ", 4) == 0) return h->gradients.steps == 0 && !h->ended && read_gap(h, line, length, err);
    int64_t before = h->count > 0 ? h->rows[h->count - 1].step : 0;
    if (length >= sizeof text || h->ended) return 0;
    memcpy(text, line, length);
    text[length] = 0;
    h->ended = strcmp(text, last_line) == 0;
    if (h->ended) return 1;
    if (h->gradients.steps == 0 && read_row(text, &row, &used) && (size_t)used == length && row.step > before)
        return append(h, &row, err) == EK_OK;
    return h->gradients.steps == 0 && read_gradients(text, &h->gradients, &used) && (size_t)used == length;
}

ek_status history_read(history *h, const char *text, ek_error *err) {
    *h = (history){0};
    *err = (ek_error){0};
    if (text == NULL || text[0] == 0) return EK_OK;
    size_t header = sizeof first_line - 1, n = 0;
    int good = strncmp(text, first_line, header) == 0, number = 1;
    for (const char *line = text + header; good && *line != 0; line += n + 1) {
        n = strcspn(line, "\n");
        number++;
        good = line[n] == '\n' && read_line(h, line, n, err);
    }
    if (good) return EK_OK;
    history_free(h);
    if (err->status != EK_OK) return err->status;
    return fail(err, EK_ERR_FORMAT, "the history kept with the checkpoint is not one of this version, in line %d",
                number);
}
