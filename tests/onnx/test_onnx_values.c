/* test_onnx_values.c: what a load puts into the graph: values, symbols, absent inputs, typed data as raw bytes. */
#include "models.h"
#include "onnx/onnx.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <unistd.h>

static ek_error err;

static void check(ek_status status) {
    if (status != EK_OK) fail_msg("%s: %s", ek_status_name(status), err.text);
}

/* One typed entry of each kind becomes these raw bytes. */
static void typed_case(int dtype, unsigned field, bool packed, const void *wire, size_t wire_size, const void *raw,
                       size_t raw_size) {
    pb graph = {0}, file = {0}, tensor = {0};
    relu_graph(&graph);
    pb_int(&tensor, 1, 1);
    pb_int(&tensor, 2, dtype);
    pb_text(&tensor, 8, "w");
    if (packed) {
        pb_bytes(&tensor, field, wire, wire_size);
    } else {
        pb_tag(&tensor, field, field == 4 ? 5 : field == 10 ? 1 : 0);
        pb_raw(&tensor, wire, wire_size);
    }
    pb_message(&graph, 5, &tensor);
    finish_model(&file, &graph);
    eki_graph *loaded;
    check(eki_onnx_load_bytes(file.data, file.size, "typed", NULL, &loaded, &err));
    const eki_tensor *w = eki_graph_find(loaded, "w")->init;
    assert_int_equal(w->bytes, raw_size);
    assert_memory_equal(w->data, raw, raw_size);
    eki_graph_destroy(loaded);
    pb_free(&file);
}

static void typed_fields(void **state) {
    (void)state;
    for (int packed = 0; packed < 2; packed++) {
        typed_case(EK_F32, 4, packed, "\x01\x02\x03\x04", 4, "\x01\x02\x03\x04", 4);
        typed_case(EK_F64, 10, packed, "\x01\x02\x03\x04\x05\x06\x07\x08", 8, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
        typed_case(EK_I32, 5, packed, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, "\xff\xff\xff\xff", 4);
        typed_case(EK_I8, 5, packed, "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, "\xfe", 1);
        typed_case(EK_U8, 5, packed, "\xff\x01", 2, "\xff", 1);
        typed_case(EK_I16, 5, packed, "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, "\xfe\xff", 2);
        typed_case(EK_U16, 5, packed, "\x81\x80\x02", 3, "\x01\x80", 2);
        typed_case(EK_F16, 5, packed, "\x80\x78", 2, "\x00\x00\x80\x3f", 4); /* half precision: f32 here */
        typed_case(EK_BF16, 5, packed, "\x80\x7f", 2, "\x00\x00\x80\x3f", 4);
        typed_case(EK_BOOL, 5, packed, "\x01", 1, "\x01", 1);
        typed_case(EK_I64, 7, packed, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10,
                   "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
        typed_case(EK_U32, 11, packed, "\xff\xff\xff\xff\x0f", 5, "\xff\xff\xff\xff", 4);
        typed_case(EK_U64, 11, packed, "\x02", 1, "\x02\0\0\0\0\0\0\0", 8);
    }
}

static void loaded_values(void **state) {
    (void)state;
    pb file = {0};
    eki_graph *graph;
    rich_model(&file);
    check(eki_onnx_load_bytes(file.data, file.size, "rich", NULL, &graph, &err));
    const eki_value *x = eki_graph_find(graph, "x"), *w = eki_graph_find(graph, "w"), *h = eki_graph_find(graph, "h");
    const eki_value *y = eki_graph_find(graph, "y");
    assert_int_equal(x->shape.dims[0], h->shape.dims[0]); /* the same symbol */
    assert_true(y->shape.dims[0] < 0 && y->shape.dims[0] != x->shape.dims[0]);
    assert_int_equal(x->shape.dims[1], 4);
    assert_true(w->init != NULL && w->input_index == 1 && w->producer == NULL);
    assert_null(eki_graph_find(graph, "inside a function"));
    const eki_node *node = graph->nodes[1];
    assert_null(node->in[1]);
    assert_null(node->out[1]);
    assert_int_equal(node->attrs[node->n_attr - 1].type, EKI_ATTR_OPAQUE);
    assert_string_equal(eki_graph_meta(graph, "key"), "value");
    assert_int_equal(eki_graph_opset(graph, "com.example"), 1);
    eki_graph_destroy(graph);
    pb_free(&file);
}

static void too_large(void **state) {
    (void)state;
    eki_graph *graph;
    eki_value *w;
    const int64_t one[] = {1};
    eki_shape shape = eki_shape_of(1, one);
    check(eki_graph_create(17, &graph, &err));
    check(eki_graph_add_tensor(graph, "w", EK_F32, &shape, &w, &err));
    size_t bytes = w->init->bytes;
    w->init->bytes = (size_t)INT32_MAX; /* the limit is found before the data is touched */
    assert_int_equal(eki_onnx_save(graph, "/tmp/ek-onnx-too-large.onnx", &err), EK_ERR_LIMIT);
    assert_int_not_equal(access("/tmp/ek-onnx-too-large.onnx", F_OK), 0);
    w->init->bytes = bytes;
    eki_graph_destroy(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(typed_fields),
        cmocka_unit_test(loaded_values),
        cmocka_unit_test(too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
