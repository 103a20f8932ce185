/* parameters.h: which initializers a session trains. They are found when it is made, whatever shapes it will run at. */
#ifndef EKI_PARAMETERS_H
#define EKI_PARAMETERS_H

#include "graph/exec.h"
#include "graph/infer.h"

typedef struct eki_parameters {
    size_t count, room;
    eki_parameter *items;
    int *of_value; /* by value id: which item, -1 = none */
} eki_parameters;

/* Norm `node` does not train its input (EKI_NORM_FROZEN_AFFINE); `switches` are by node id, NULL = none. */
bool eki_affine_frozen(const uint8_t *switches, const eki_node *node, int input);

/* The f32 initializers that a node of the part reads where its operator has a gradient, in the order of
 * the nodes. What is folded at any shape, an initializer that only Reshape reads for one, is a constant and none. Each
 * gets memory for its gradient, zeroed. */
ek_status eki_parameters_find(eki_graph *graph, const eki_part *part, const uint8_t *switches, eki_parameters *found,
                              ek_error *err);
void eki_parameters_free(eki_parameters *parameters);

/* EK_ERR_STATE: one has other extents than when it was found (a default input that was replaced). */
ek_status eki_parameters_check(const eki_parameters *parameters, ek_error *err);

/* Gradient memory of a value; NULL = it is no parameter. */
float *eki_parameters_gradient(const eki_parameters *parameters, const eki_value *value);

#endif
