/* random_net.c: random graphs for properties that must hold of all. Images keep their extent, so that any two values of
 * as many channels can meet. */
#include "random_net.h"

#include "base/random.h"

#include <stdio.h>
#include <string.h>

enum { LIVE = 48, EXTENT = 6 };

typedef struct maker {
    net n;
    eki_random random;
    uint64_t turn;
    struct {
        eki_value *value;
        int64_t channels;
        bool read;
    } live[LIVE];
    int count, at, made;
    eki_node *norms[LIVE], *convs[LIVE]; /* to share parts with */
    int n_norms, n_convs;
} maker;

static int64_t pick(maker *m, int64_t bound) {
    return (int64_t)eki_random_below(m->random, m->turn++, (uint64_t)bound);
}

static bool chance(maker *m, int percent) { return pick(m, 100) < percent; }

static const char *name(maker *m, const char *kind) {
    static char texts[4][32];
    char *text = texts[m->made % 4];
    (void)snprintf(text, 32, "%s%d", kind, m->made++);
    return text;
}

static void keep(maker *m, int64_t channels) {
    if (m->count == LIVE) return;
    m->live[m->count].value = m->n.x;
    m->live[m->count].channels = channels;
    m->live[m->count++].read = false;
}

/* The newest value mostly, so that there are chains; else any. */
static int64_t choose(maker *m) {
    m->at = chance(m, 75) ? m->count - 1 : (int)pick(m, m->count);
    m->n.x = m->live[m->at].value;
    m->live[m->at].read = true;
    return m->live[m->at].channels;
}

static bool same_shape(const eki_value *a, const eki_value *b) {
    return a->init != NULL && b->init != NULL && eki_shape_equal(&a->init->shape, &b->init->shape);
}

static void convolution(maker *m) {
    int64_t in = choose(m), kernel = chance(m, 60) ? 3 : 1, group = chance(m, 25) ? in : chance(m, 20) ? 2 : 1;
    if (in % group != 0) group = 1;
    int64_t out = group == 1 ? 2 + pick(m, 5) : group * (1 + pick(m, 2));
    conv_shape shape = {in, out, kernel, kernel / 2, group};
    bool up = chance(m, 25), bias = chance(m, 50);
    eki_node *node = up ? net_deconv(&m->n, name(m, "up"), shape, bias) : net_conv(&m->n, name(m, "conv"), shape, bias);
    if (!up && m->n_convs > 0 && chance(m, 25)) {
        eki_node *other = m->convs[pick(m, m->n_convs)];
        if (same_shape(other->in[1], node->in[1])) node->in[1] = other->in[1];
        if (bias && other->n_in > 2 && same_shape(other->in[2], node->in[2])) node->in[2] = other->in[2];
    }
    if (chance(m, 4)) OK(eki_graph_add_input(m->n.graph, node->in[1], err));
    if (!up && m->n_convs < LIVE) m->convs[m->n_convs++] = node;
    keep(m, out);
}

static void norm(maker *m) {
    int64_t channels = choose(m);
    eki_node *node = net_bn(&m->n, name(m, "bn"), channels);
    if (m->n_norms > 0 && chance(m, 20)) {
        const eki_node *other = m->norms[pick(m, m->n_norms)];
        for (int i = 1; i < 5; i++) {
            if (same_shape(other->in[i], node->in[i]) && chance(m, 60)) node->in[i] = other->in[i];
        }
    }
    if (chance(m, 4)) OK(eki_node_set_int(m->n.graph, node, "training_mode", 1, err));
    if (chance(m, 4)) OK(eki_graph_add_input(m->n.graph, node->in[1 + pick(m, 4)], err));
    if (m->n_norms < LIVE) m->norms[m->n_norms++] = node;
    keep(m, channels);
}

static void activation(maker *m) {
    static const char *const types[] = {"Relu", "Sigmoid", "Tanh", "LeakyRelu", "HardSigmoid", "Identity"};
    int64_t channels = choose(m);
    (void)net_one(&m->n, types[pick(m, 6)], name(m, "act"));
    keep(m, channels);
}

/* Constants per channel, for all, per row, per place. */
static void arithmetic(maker *m) {
    static const char *const types[] = {"Mul", "Add", "Sub", "Div"};
    int64_t channels = choose(m), kind = pick(m, 4);
    const int64_t shapes[4][4] = {{1, channels, 1, 1}, {1, 1, 1, 1}, {1, channels, EXTENT, 1}, {1, 1, EXTENT, EXTENT}};
    const int64_t *dims = shapes[chance(m, 60) ? 0 : pick(m, 4)];
    int skip = dims == shapes[0] && chance(m, 50) ? 1 : 0;
    eki_value *constant = net_constant(&m->n, name(m, "constant"), 4 - skip, dims + skip, 0.5, 1.5);
    const char *base = name(m, "arith");
    if (chance(m, 15) && kind != 3) {
        eki_value *in[2] = {constant, m->n.x};
        (void)net_node(&m->n, types[kind], base, in, 2);
    } else {
        (void)net_two(&m->n, types[kind], base, constant);
    }
    keep(m, channels);
}

static void meeting(maker *m) {
    int64_t channels = choose(m);
    for (int i = 0; i < m->count; i++) {
        if (i == m->at || m->live[i].channels != channels || !chance(m, 50)) continue;
        m->live[i].read = true;
        (void)net_two(&m->n, "Add", name(m, "sum"), m->live[i].value);
        keep(m, channels);
        return;
    }
    activation(m);
}

/* A classifier on one of the values: products and their norms. */
static void head(maker *m) {
    int64_t channels = choose(m), classes = 2 + pick(m, 4);
    (void)net_one(&m->n, "GlobalAveragePool", name(m, "gap"));
    (void)net_one(&m->n, "Flatten", name(m, "flat"));
    if (chance(m, 30)) (void)net_bn(&m->n, name(m, "bn"), channels);
    if (chance(m, 50)) {
        (void)net_gemm(&m->n, name(m, "fc"), channels, classes, chance(m, 50), chance(m, 50));
    } else {
        (void)net_matmul(&m->n, name(m, "fc"), channels, classes);
        if (chance(m, 50))
            (void)net_two(&m->n, "Add", name(m, "b"), net_vector(&m->n, name(m, "bias"), classes, -1, 1));
    }
    m->n.x->shape.rank = -1;
    if (chance(m, 60)) (void)net_bn(&m->n, name(m, "bn"), classes);
    net_output(&m->n, m->n.x);
}

ek_model *random_net(uint64_t seed) {
    static void (*const steps[])(maker *) = {convolution, convolution, convolution, norm,   norm,
                                             norm,        activation,  arithmetic,  meeting};
    maker m = {.random = eki_random_stream(seed, "random net", 0, 0)};
    m.n = net_image(17, 1 + pick(&m, 4), EXTENT);
    keep(&m, m.n.x->shape.dims[1]);
    int64_t count = 3 + pick(&m, 14);
    for (int64_t i = 0; i < count; i++) steps[pick(&m, sizeof steps / sizeof *steps)](&m);
    if (chance(&m, 50)) head(&m);
    bool any = m.n.graph->n_outputs > 0;
    for (int i = 1; i < m.count; i++) {
        if (m.live[i].read && !chance(&m, 4)) continue;
        if (!m.live[i].value->is_output) net_output(&m.n, m.live[i].value);
        any = true;
    }
    ek_model *model;
    if (!any) net_output(&m.n, m.live[m.count - 1].value);
    OK(eki_model_wrap(m.n.graph, &model, err));
    return model;
}
