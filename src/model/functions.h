/* functions.h: the functions of a model as they are called: which can be replaced by their bodies, and at what cost. */
#ifndef EKI_FUNCTIONS_H
#define EKI_FUNCTIONS_H

#include "model/model.h"

/* Nodes that functions may make in a program, all together; functions within functions within functions. */
enum { EKI_FUNCTION_NODES = 1 << 17, EKI_FUNCTION_DEPTH = 64 };

typedef struct eki_callee {
    const eki_function *function;
    int64_t nodes;      /* that a call makes, with those of the functions that it calls */
    int height;         /* of the calls within */
    const char *why;    /* why it cannot be replaced by its body; NULL = it can */
    eki_value **shared; /* by value id of the body: what its constants, one for all calls, are in the program */
    enum { EKI_CALLEE_NEW = 0, EKI_CALLEE_OPEN, EKI_CALLEE_DONE } state;
} eki_callee;

typedef struct eki_callees {
    const eki_graph *program;
    eki_callee *items; /* in the order of program->functions */
    size_t count;
    size_t *slots; /* hash table of 1 + index */
    size_t n_slots;
    eki_arena *arena; /* of reasons */
} eki_callees;

ek_status eki_callees_create(eki_graph *program, eki_callees *callees, ek_error *err);
void eki_callees_free(eki_callees *callees);

/* The function that the node calls; NULL = none. An operator that runs here goes before a function of its name. */
eki_callee *eki_callee_of(const eki_callees *callees, const eki_node *node);

#endif
