/* search.h: trials by number, and the climb from one of them. */
#ifndef BOUNDS_SEARCH_H
#define BOUNDS_SEARCH_H

#include "bounds/families.h"
#include "bounds/ledger.h"

typedef struct search {
    ledger *book, *variants; /* per kernel; per variant of a norm */
    uint64_t seed;
    double least, elements; /* of a trial, about; at most */
    ek_dtype type;          /* 0 = any */
    bool loud;              /* says what a trial is */
} search;

/* Trial `number` on every instruction set. */
void search_trial(const search *s, uint64_t number);

/* Coordinate ascent of a small trial towards the bound of one theorem, `steps` changes of one input each. */
void search_climb(const search *s, uint64_t number, int steps);

/* others.c: what is not one forward and backward: running statistics (of a trial that ran), merged moments, ranks. */
void check_running(trial *t, draws *d, findings *f);
void check_merged(draws *d, findings *f);
void check_ranks(draws *d, findings *f);

#endif
