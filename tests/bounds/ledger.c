/* ledger.c: see ledger.h. */
#include "bounds/ledger.h"

#include "cpu/dispatch.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ledger_make(ledger *l, const char *only) {
    memset(l, 0, sizeof *l);
    for (size_t i = 0; eki_kernels_at(i, EKI_F32) != NULL && l->isas < LEDGER_ISAS; i++) {
        const char *isa = eki_kernels_at(i, EKI_F32)->isa;
        if (!eki_kernels_supported(i) || (only != NULL && strcmp(only, isa) != 0)) continue;
        l->isa[l->isas++] = isa;
    }
}

static ledger_row *row_of(ledger *l, theorem n, const char *kernel) {
    for (size_t i = 0; i < l->rows; i++) {
        if (l->row[i].n == n && strcmp(l->row[i].kernel, kernel) == 0) return &l->row[i];
    }
    if (l->rows == LEDGER_ROWS) abort();
    ledger_row *row = &l->row[l->rows++];
    *row = (ledger_row){.n = n, .kernel = kernel};
    return row;
}

static double worst_of(const ledger *l, const ledger_row *row) {
    double worst = 0;
    for (size_t i = 0; i < l->isas; i++) worst = fmax(worst, row->ratio[i]);
    return worst;
}

void ledger_add(ledger *l, const findings *f, size_t isa, bool counts, uint64_t number) {
    for (int n = 1; n < THEOREMS; n++) {
        if (f->outputs[n] == 0) continue;
        ledger_row *row = row_of(l, (theorem)n, f->kernel[n]);
        if (f->ratio[n] > worst_of(l, row)) row->where = number;
        row->ratio[isa] = fmax(row->ratio[isa], f->ratio[n]);
        if (!counts) continue;
        row->outputs += f->outputs[n];
        l->outputs += f->outputs[n];
    }
}

bool ledger_broken(const ledger *l) {
    for (size_t i = 0; i < l->rows; i++) {
        if (!(worst_of(l, &l->row[i]) <= 1)) return true;
    }
    return false;
}

static int by_theorem(const void *a, const void *b) {
    const ledger_row *x = a, *y = b;
    return x->n != y->n ? (x->n < y->n ? -1 : 1) : strcmp(x->kernel, y->kernel);
}

int ledger_print(const ledger *l, const char *what, double idle) {
    ledger_row rows[LEDGER_ROWS];
    int bad = 0;
    memcpy(rows, l->row, sizeof rows);
    qsort(rows, l->rows, sizeof *rows, by_theorem);
    printf("%-18s %-22s", "theorem", what);
    for (size_t i = 0; i < l->isas; i++) printf(" %8s", l->isa[i]);
    printf(" %14s %12s\n", "outputs", "trial");
    for (size_t r = 0; r < l->rows; r++) {
        double worst = worst_of(l, &rows[r]);
        bool broken = !(worst <= 1), unused = worst < idle;
        printf("%-18s %-22s", theorem_names[rows[r].n], rows[r].kernel);
        for (size_t i = 0; i < l->isas; i++) printf(" %8.3f", rows[r].ratio[i]);
        printf(" %14" PRIu64 " %12" PRIu64 "%s\n", rows[r].outputs, rows[r].where,
               broken   ? " BROKEN"
               : unused ? " IDLE"
                        : "");
        bad += broken || unused;
    }
    return bad;
}
