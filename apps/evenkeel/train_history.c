/* train_history.c: see train_history.h. Text: a line for the version, then a line for each epoch; numbers are written
 * so that they are read back to the bit. */
#include "train_history.h"

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
            row->clipped, row->validated, row->validation_loss, row->validation_accuracy, row->precision, row->recall,
            row->f1, row->top5);
}

char *history_text(const history *h) {
    const gradient_sums *g = &h->gradients;
    eki_whole whole;
    FILE *file = eki_whole_open(&whole);
    if (file == NULL) return NULL;
    fputs(first_line, file);
    for (size_t i = 0; i < h->count; i++) put_row(file, &h->rows[i]);
    if (g->steps > 0)
        fprintf(file, "gradients %.17g %.17g %" PRId64 " %" PRId64 "\n", g->sum, g->most, g->steps, g->clipped);
    if (h->ended) fprintf(file, "%s\n", last_line);
    return eki_whole_close(&whole, file) ? whole.text : NULL;
}

static int read_row(const char *line, epoch_row *row, int *used) {
    int found =
        sscanf(line, "epoch %" SCNd64 " %" SCNd64 " %lf %lf %lf %lf %lf %" SCNd64 " %d %lf %lf %lf %lf %lf %lf%n",
               &row->epoch, &row->step, &row->loss, &row->accuracy, &row->lr, &row->gradient_norm,
               &row->gradient_norm_max, &row->clipped, &row->validated, &row->validation_loss,
               &row->validation_accuracy, &row->precision, &row->recall, &row->f1, &row->top5, used);
    return found == 15 && row->epoch >= 1 && row->step >= 1 && row->clipped >= 0 && row->validated >= 0 &&
           row->validated <= 1;
}

static int read_gradients(const char *line, gradient_sums *g, int *used) {
    int found =
        sscanf(line, "gradients %lf %lf %" SCNd64 " %" SCNd64 "%n", &g->sum, &g->most, &g->steps, &g->clipped, used);
    return found == 4 && g->steps >= 1 && g->clipped >= 0;
}

/* A line without its end; 0 = it is none that can stand here. */
static int read_line(history *h, const char *line, size_t length, ek_error *err) {
    char text[512];
    int used = 0;
    epoch_row row = {0};
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
