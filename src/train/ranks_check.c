/* ranks_check.c: what must be equal on all ranks, and what cannot be trained over them. */
#include "train/ranks.h"

#include "train/objective.h"

#include "base/file.h"

#include <stddef.h>
#include <string.h>

/* Operators whose parameters get reproducible gradients over ranks. */
static bool sums_by_chunks(const eki_parameter *p) {
    eki_opcode op = p->consumer->op;
    return op == EKI_OP_Conv || op == EKI_OP_Gemm || (op == EKI_OP_MatMul && p->consumer_input == 1);
}

static ek_status check_parameters(const eki_ranks *ranks, const ek_trainer *trainer, ek_error *err) {
    char label[192];
    for (size_t i = 0; i < eki_exec_parameter_count(trainer->exec); i++) {
        const eki_parameter *p = eki_exec_parameter(trainer->exec, i);
        bool norm = p->consumer->op == EKI_OP_BatchNormalization;
        if (norm && !ranks->sync_norm) {
            return eki_fail(err, EK_ERR_ARG,
                            "%s: its statistics would be of each rank's examples, and so depend on the number of "
                            "ranks; reproducible training over ranks needs sync_norm (--sync-norm)",
                            eki_node_label(p->consumer, label));
        }
        if (norm || sums_by_chunks(p)) continue;
        return eki_fail(err, EK_ERR_UNSUPPORTED,
                        "%s: the gradient of '%s' has no order of summation that is the same for any number of ranks; "
                        "freeze it, or train without reproducible (--reproducible)",
                        eki_node_label(p->consumer, label), p->value->name);
    }
    return EK_OK;
}

static size_t tensor_bytes(const eki_tensor *tensor) {
    int64_t count = 0;
    if (!eki_shape_count(&tensor->shape, &count)) return 0;
    return (size_t)count * eki_dtype_bytes(tensor->dtype);
}

typedef struct print {
    uint64_t values, bytes;
    uint32_t crc, names;
} print;

/* Names and values of all initializers: weights, statistics, constants. */
static print print_model(const eki_graph *graph) {
    print p = {0};
    for (size_t i = 0; i < graph->n_values; i++) {
        const eki_value *value = graph->values[i];
        if (value->init == NULL || value->init->data == NULL) continue;
        size_t bytes = tensor_bytes(value->init);
        p.values++;
        p.bytes += bytes;
        p.crc = eki_crc32c(p.crc, value->init->data, bytes);
        p.names = eki_crc32c(p.names, value->name, strlen(value->name) + 1);
    }
    return p;
}

/* Options that must be equal. Each rank may have its own threads, memory and profile; head is compared by its
 * name, losses by what they are. */
#define OPTION(name)                                                                                                   \
    { offsetof(ek_train_options, name), sizeof((ek_train_options){0}.name) }
static const struct option {
    size_t at, bytes;
} compared[] = {
    OPTION(optimizer),     OPTION(lr),
    OPTION(momentum),      OPTION(nesterov),
    OPTION(beta1),         OPTION(beta2),
    OPTION(adam_epsilon),  OPTION(weight_decay),
    OPTION(decay_norm),    OPTION(schedule),
    OPTION(step_gamma),    OPTION(warmup_steps),
    OPTION(total_steps),   OPTION(seed),
    OPTION(reproducible),  OPTION(chunk),
    OPTION(virtual_batch), OPTION(lr_depth_decay),
    OPTION(height),        OPTION(width),
    OPTION(sync_norm),     OPTION(sync_group),
    OPTION(loss_count),    OPTION(statistics),
    OPTION(clip),          OPTION(average),
    OPTION(average_decay), OPTION(average_start),
    OPTION(precision),     OPTION(mixed),
};

size_t eki_ranks_options(const ek_train_options *options, unsigned char values[sizeof(ek_train_options)]) {
    size_t used = 0;
    for (size_t i = 0; i < sizeof compared / sizeof *compared; i++) {
        memcpy(values + used, (const unsigned char *)options + compared[i].at, compared[i].bytes);
        used += compared[i].bytes;
    }
    return used;
}

static ek_status agree_on_options(const eki_ranks *ranks, const ek_trainer *trainer, ek_error *err) {
    unsigned char plan[sizeof(ek_train_options) + sizeof trainer->step + sizeof(uint32_t)];
    size_t used = eki_ranks_options(&trainer->options, plan);
    uint32_t head = eki_crc32c(0, trainer->logits, strlen(trainer->logits));
    if (trainer->objective != NULL) head = eki_objective_print(trainer->objective);
    memcpy(plan + used, &trainer->step, sizeof trainer->step);
    memcpy(plan + used + sizeof trainer->step, &head, sizeof head);
    return ek_comm_agree(ranks->comm, "set of training options", plan, used + sizeof trainer->step + sizeof head, err);
}

ek_status eki_ranks_check(eki_ranks *ranks, const ek_trainer *trainer, ek_error *err) {
    const print model = print_model(trainer->model->graph);
    ranks->exec = trainer->exec;
    EKI_TRY(ek_comm_agree(ranks->comm, "model", &model, sizeof model, err));
    EKI_TRY(agree_on_options(ranks, trainer, err));
    return ranks->reproducible ? check_parameters(ranks, trainer, err) : EK_OK;
}

/* Running statistics of rank 0, as distributed training usually keeps them where norms are not synchronized. */
static ek_status take_statistics(const eki_ranks *ranks, const ek_trainer *trainer, ek_error *err) {
    const eki_graph *graph = trainer->model->graph;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        if (node->op != EKI_OP_BatchNormalization) continue;
        for (int k = 3; k < 5 && k < node->n_in; k++) {
            eki_tensor *tensor = node->in[k] != NULL ? node->in[k]->init : NULL;
            if (tensor == NULL) continue;
            const eki_label label = eki_label_make(EKI_KIND_DATA, node->in[k]->name, trainer->step, -1, EK_F32);
            EKI_TRY(eki_broadcast(ranks->comm, EKI_CHANNEL_LAYERS, &label, 0, tensor->data, tensor_bytes(tensor), err));
        }
    }
    size_t bytes = graph->n_values * sizeof *trainer->updates;
    const eki_label label = eki_label_make(EKI_KIND_DATA, "counts of updates", trainer->step, -1, EK_I64);
    EKI_TRY(eki_broadcast(ranks->comm, EKI_CHANNEL_LAYERS, &label, 0, trainer->updates, bytes, err));
    return eki_statistics_keep(trainer, err);
}

ek_status eki_ranks_meet(const eki_ranks *ranks, const ek_trainer *trainer, ek_error *err) {
    if (ranks == NULL) return EK_OK;
    if (!ranks->sync_norm || ranks->group.size < ek_comm_size(ranks->comm)) {
        EKI_TRY(take_statistics(ranks, trainer, err));
    }
    const print model = print_model(trainer->model->graph);
    return ek_comm_agree(ranks->comm, "set of weights and running statistics", &model, sizeof model, err);
}
