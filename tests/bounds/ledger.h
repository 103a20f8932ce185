/* ledger.h: the worst ratio of error to bound of every theorem, kernel and instruction set, and where it was. */
#ifndef BOUNDS_LEDGER_H
#define BOUNDS_LEDGER_H

#include "bounds/theorems.h"

enum { LEDGER_ROWS = 200, LEDGER_ISAS = 8 };

typedef struct ledger_row {
    theorem n;
    const char *kernel;
    double ratio[LEDGER_ISAS];
    uint64_t outputs, where; /* where: the number of the trial */
} ledger_row;

typedef struct ledger {
    ledger_row row[LEDGER_ROWS];
    size_t rows, isas;
    const char *isa[LEDGER_ISAS];
    uint64_t outputs;
} ledger;

/* With the instruction sets that this machine has, or `only` that one. */
void ledger_make(ledger *l, const char *only);
void ledger_add(ledger *l, const findings *f, size_t isa, bool counts, uint64_t number);
bool ledger_broken(const ledger *l); /* whether a ratio is beyond 1 */

/* Prints the table; `what` heads its second column. Returns the number of rows beyond 1, and with `idle` > 0 of those
 * below it too. */
int ledger_print(const ledger *l, const char *what, double idle);

#endif
