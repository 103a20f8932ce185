/* train_history.c: see train_history.h. Text: a line for the version, then a line for each epoch; numbers are written
 * so that they are read back to the bit. */
#include "train_history.h"

#include "message.h"
#include "report/whole.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char first_line[] = "evenkeel history 1\n", last_line[] = "ended\n";

ek_status history_add(history *h, const epoch_row *row, ek_error *err) {
    if (h->count == h->room) {
        size_t room = 2 * h->room + 16;
        epoch_row *grown = room < SIZE_MAX / sizeof *grown ? realloc(h->rows, room * sizeof *grown) : NULL;
        if (grown == NULL) return fail(err, EK_ERR_NOMEM, "out of memory");
        h->rows = grown;
        h->room = room;
    }
    h->rows[h->count++] = *row;
    return EK_OK;
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
    fprintf(file, "epoch %" PRId64 " %" PRId64 " %.17g %.17g %.17g %d %.17g %.17g\n", row->epoch, row->step, row->loss,
            row->accuracy, row->lr, row->validated, row->validation_loss, row->validation_accuracy);
}

char *history_text(const history *h) {
    eki_whole whole;
    FILE *file = eki_whole_open(&whole);
    if (file == NULL) return NULL;
    fputs(first_line, file);
    for (size_t i = 0; i < h->count; i++) put_row(file, &h->rows[i]);
    if (h->ended) fputs(last_line, file);
    return eki_whole_close(&whole, file) ? whole.text : NULL;
}

/* Of a line up to its end. */
static int read_row(const char *line, size_t length, epoch_row *row) {
    char text[512];
    int used = 0;
    if (length >= sizeof text) return 0;
    memcpy(text, line, length);
    text[length] = 0;
    int found =
        sscanf(text, "epoch %" SCNd64 " %" SCNd64 " %lf %lf %lf %d %lf %lf%n", &row->epoch, &row->step, &row->loss,
               &row->accuracy, &row->lr, &row->validated, &row->validation_loss, &row->validation_accuracy, &used);
    return found == 8 && (size_t)used == length && row->epoch >= 1 && row->step >= 1 &&
           (row->validated == 0 || row->validated == 1);
}

ek_status history_read(history *h, const char *text, ek_error *err) {
    *h = (history){0};
    if (text == NULL || text[0] == 0) return EK_OK;
    size_t header = sizeof first_line - 1;
    int known = strncmp(text, first_line, header) == 0, number = 2;
    for (const char *line = text + (known ? header : 0); *line != 0 || !known; number++) {
        epoch_row row = {0};
        size_t n = known ? strcspn(line, "\n") : 0;
        int last = strcmp(line, last_line) == 0;
        int64_t before = h->count > 0 ? h->rows[h->count - 1].step : 0;
        if (!known || (!last && (line[n] != '\n' || !read_row(line, n, &row) || row.step <= before))) {
            history_free(h);
            return fail(err, EK_ERR_FORMAT,
                        "the history kept with the checkpoint is not one of this version, in line %d",
                        known ? number : 1);
        }
        if (last) {
            h->ended = 1;
            return EK_OK;
        }
        ek_status status = history_add(h, &row, err);
        if (status != EK_OK) return status;
        line += n + 1;
    }
    return EK_OK;
}
