/* test_precision.c: sessions in bf16: random graphs and architectures give what they give in f32 but for rounding,
 * gradients too; an example's bits depend on nothing else; what cannot be is refused. */
#include "dnnl/adapter.h"
#include "random_net.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 4, BATCH = 5 };

typedef struct run {
    ek_session *session;
    ek_array inputs[MOST];
    size_t n_inputs;
} run;

static float number(size_t i) { return (float)((i * 2654435761U >> 7) % 2001) / 1000.0F - 1.0F; }

static void make_inputs(const ek_model *model, int64_t batch, run *r) {
    r->n_inputs = ek_model_input_count(model);
    assert_true(r->n_inputs <= MOST);
    for (size_t k = 0; k < r->n_inputs; k++) {
        ek_tensor_info info = ek_model_input(model, k);
        ek_array *a = &r->inputs[k];
        size_t count = 1;
        *a = (ek_array){.dtype = EK_F32, .rank = info.rank};
        for (int i = 0; i < info.rank; i++) {
            a->dims[i] = info.dims[i] > 0 ? info.dims[i] : i == 0 ? batch : 8;
            count *= (size_t)a->dims[i];
        }
        a->data = malloc(count * sizeof(float));
        assert_non_null(a->data);
        for (size_t i = 0; i < count; i++) ((float *)a->data)[i] = number(i + k);
    }
}

static run run_in(ek_model *model, ek_dtype precision, int64_t batch, int threads, int gradients) {
    run r = {.session = NULL};
    ek_session_options o = ek_session_options_default();
    o.precision = precision;
    o.threads = threads;
    o.gradients = gradients;
    if (gradients) o.mode = EK_MODE_TRAINING;
    make_inputs(model, batch, &r);
    OK(ek_session_create(model, &o, &r.session, err));
    OK(ek_session_run(r.session, r.inputs, r.n_inputs, err));
    return r;
}

static void end(run *r) {
    ek_session_destroy(r->session);
    for (size_t i = 0; i < r->n_inputs; i++) free(r->inputs[i].data);
}

static size_t count_of(const ek_array *a) {
    size_t count = 1;
    for (int i = 0; i < a->rank; i++) count *= (size_t)a->dims[i];
    return count;
}

/* The root mean square of a - b over that of a. */
static double apart(const ek_array *a, const ek_array *b) {
    double sum = 0, difference = 0;
    assert_true(a->dtype == EK_F32 && b->dtype == EK_F32 && count_of(a) == count_of(b));
    for (size_t i = 0; i < count_of(a); i++) {
        double x = (double)((const float *)a->data)[i], y = (double)((const float *)b->data)[i];
        if (!isfinite(x)) continue;
        sum += x * x;
        difference += (x - y) * (x - y);
    }
    return sum > 0 ? sqrt(difference / sum) : sqrt(difference);
}

static void test_random_graphs(void **state) {
    (void)state;
    double worst = 0;
    size_t changed = 0;
    if (!eki_dnnl_has_bf16()) skip();
    for (uint64_t seed = 1; seed <= 300; seed++) {
        ek_model *model = random_net(seed);
        run a = run_in(model, EK_F32, BATCH, 2, 0), b = run_in(model, EK_BF16, BATCH, 2, 0);
        for (size_t i = 0; i < ek_session_output_count(a.session); i++) {
            ek_array x = ek_session_output(a.session, i), y = ek_session_output(b.session, i);
            if (x.dtype != EK_F32) continue;
            double far = apart(&x, &y);
            if (getenv("EK_TEST_VERBOSE") != NULL) print_message("graph %d output %d: %g\n", (int)seed, (int)i, far);
            if (!(far <= 0.03)) fail_msg("graph %d, output %d: bf16 is %g from f32", (int)seed, (int)i, far);
            worst = far > worst ? far : worst;
            changed += far > 0;
        }
        end(&a);
        end(&b);
        ek_model_destroy(model);
    }
    print_message("at most %g from f32\n", worst);
    assert_true(changed > 200 && worst > 1e-3); /* something was rounded */
}

/* Convolutions, norms, a residual and pooling without a kink. */
static ek_model *smooth(void) {
    net n = net_image(17, 16, 12);
    (void)net_conv(&n, "a", (conv_shape){16, 32, 3, 1, 1}, true);
    (void)net_bn(&n, "an", 32);
    eki_value *kept = n.x;
    (void)net_conv(&n, "b", (conv_shape){32, 32, 3, 1, 1}, false);
    (void)net_bn(&n, "bn", 32);
    (void)net_two(&n, "Add", "sum", kept);
    (void)net_conv(&n, "c", (conv_shape){32, 32, 3, 1, 32}, false);
    eki_node *pool = net_one(&n, "AveragePool", "pool");
    OK(eki_node_set_ints(n.graph, pool, "kernel_shape", (int64_t[]){2, 2}, 2, err));
    (void)net_conv(&n, "d", (conv_shape){32, 20, 1, 0, 1}, true);
    net_output(&n, n.x);
    return net_finish(&n);
}

static void check_gradients(ek_model *model, const char *name, const char *parameter, double most) {
    run a = run_in(model, EK_F32, 32, 2, 1), b = run_in(model, EK_BF16, 32, 2, 1);
    ek_array logits = ek_session_output(a.session, 0), x, y;
    float *one = malloc(count_of(&logits) * sizeof *one);
    assert_non_null(one);
    for (size_t i = 0; i < count_of(&logits); i++) one[i] = number(3 * i);
    OK(ek_session_backward(a.session, 0, one, err));
    OK(ek_session_backward(b.session, 0, one, err));
    free(one);
    x = ek_session_input_gradient(a.session, 0);
    y = ek_session_input_gradient(b.session, 0);
    double of_input = apart(&x, &y);
    x = ek_session_parameter_gradient(a.session, parameter);
    y = ek_session_parameter_gradient(b.session, parameter);
    assert_non_null(x.data);
    double of_weights = apart(&x, &y);
    print_message("%s: gradients are %g (input) and %g (first weights) from f32\n", name, of_input, of_weights);
    assert_true(of_input < most && of_weights < most && of_weights > 1e-4);
    end(&a);
    end(&b);
    ek_model_destroy(model);
}

/* Behind a ReLU whose input was rounded to the other side of 0, a gradient is another one altogether. */
static void test_gradients(void **state) {
    (void)state;
    if (!eki_dnnl_has_bf16()) skip();
    check_gradients(smooth(), "smooth", "a.weight", 0.03);
    check_gradients(fixture_model("cnn6", EK_NORM_BATCH, 16, 0.0), "cnn6", "conv1.weight", 0.5);
    check_gradients(fixture_model("resnet20", EK_NORM_BATCH, 16, 0.0), "resnet20", "conv1.weight", 0.6);
}

/* The first example of every output, in batches of 1 and BATCH, with 1 and 3 threads. */
static void test_bits(void **state) {
    (void)state;
    if (!eki_dnnl_has_bf16()) skip();
    for (int k = 0; k < 2; k++) {
        ek_model *model = fixture_model(k ? "resnet20" : "cnn6", EK_NORM_BATCH, 16, 0.0);
        run a = run_in(model, EK_BF16, 1, 1, 0), b = run_in(model, EK_BF16, 7, 3, 0);
        ek_array x = ek_session_output(a.session, 0), y = ek_session_output(b.session, 0);
        assert_memory_equal(x.data, y.data, count_of(&x) * sizeof(float));
        end(&a);
        end(&b);
        ek_model_destroy(model);
    }
}

static void test_refusals(void **state) {
    (void)state;
    ek_model *model = fixture_model("mlp", EK_NORM_BATCH, 8, 0.0);
    ek_session_options o = ek_session_options_default();
    ek_session *session = NULL;
    o.precision = EK_F16;
    FAILS(EK_ERR_ARG, "precision 10 is neither", ek_session_create(model, &o, &session, err));
    assert_null(session);
    o.precision = EK_BF16;
    if (eki_dnnl_has_bf16()) {
        OK(ek_session_create(model, &o, &session, err));
        ek_session_destroy(session);
    } else {
        FAILS(EK_ERR_UNSUPPORTED, "AVX512_BF16", ek_session_create(model, &o, &session, err));
    }
    ek_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_graphs), cmocka_unit_test(test_gradients),
                                       cmocka_unit_test(test_bits), cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
