/* test_onnx_roundtrip.c: what is loaded and saved is the same file, byte for byte, and the same graph; of what is
 * changed the rest stays.
 *
 * What we write is unpacked by protobuf-c, which shares no code with our reader and writer.
 */
#include "models.h"
#include "onnx/onnx.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <onnx/onnx.pb-c.h>
#include <stdio.h>
#include <unistd.h>

static ek_error err;

static void check(ek_status status) {
    if (status != EK_OK) fail_msg("%s: %s", ek_status_name(status), err.text);
}

static const char *temporary(int number) {
    static char paths[3][64];
    (void)snprintf(paths[number], sizeof *paths, "/tmp/ek-onnx-%ld-%d.onnx", (long)getpid(), number);
    return paths[number];
}

static void remove_temporaries(void) {
    for (int i = 0; i < 3; i++) (void)unlink(temporary(i));
}

static void write_file(const char *path, const pb *file) {
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(file->data, 1, file->size, stream), file->size);
    assert_int_equal(fclose(stream), 0);
}

static void assert_bytes_equal(eki_bytes a, eki_bytes b) {
    assert_int_equal(a.size, b.size);
    if (a.size > 0) assert_memory_equal(a.data, b.data, a.size);
}

static void assert_shape_equal(const eki_graph *a, const eki_shape *x, const eki_graph *b, const eki_shape *y) {
    assert_int_equal(x->rank, y->rank);
    for (int i = 0; i < x->rank; i++) {
        assert_int_equal(x->dims[i] < 0, y->dims[i] < 0);
        if (x->dims[i] >= 0) {
            assert_int_equal(x->dims[i], y->dims[i]);
        } else {
            assert_string_equal(a->symbols[-1 - x->dims[i]], b->symbols[-1 - y->dims[i]]);
        }
    }
}

static void assert_tensor_equal(const eki_tensor *a, const eki_tensor *b) {
    assert_int_equal(a == NULL, b == NULL);
    if (a == NULL) return;
    assert_int_equal(a->dtype, b->dtype);
    assert_true(eki_shape_equal(&a->shape, &b->shape));
    assert_bytes_equal((eki_bytes){a->data, a->bytes}, (eki_bytes){b->data, b->bytes});
    assert_bytes_equal(a->origin, b->origin);
}

static void assert_attr_equal(const eki_attr *a, const eki_attr *b) {
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->type, b->type);
    assert_memory_equal(&a->f, &b->f, sizeof a->f);
    assert_int_equal(a->i, b->i);
    assert_bytes_equal(a->s, b->s);
    assert_bytes_equal(a->origin, b->origin);
    assert_tensor_equal(a->t, b->t);
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        if (a->type == EKI_ATTR_FLOATS) assert_memory_equal(&a->floats[i], &b->floats[i], 4);
        if (a->type == EKI_ATTR_INTS) assert_int_equal(a->ints[i], b->ints[i]);
        if (a->type == EKI_ATTR_STRINGS) assert_bytes_equal(a->strings[i], b->strings[i]);
    }
}

static void assert_refs_equal(eki_value *const *a, int n_a, eki_value *const *b, int n_b) {
    assert_int_equal(n_a, n_b);
    for (int i = 0; i < n_a; i++) {
        assert_int_equal(a[i] == NULL, b[i] == NULL);
        if (a[i] != NULL) assert_string_equal(a[i]->name, b[i]->name);
    }
}

static void assert_value_equal(const eki_graph *a, const eki_value *x, const eki_graph *b) {
    const eki_value *y = eki_graph_find(b, x->name);
    assert_non_null(y);
    assert_int_equal(x->dtype, y->dtype);
    assert_shape_equal(a, &x->shape, b, &y->shape);
    assert_int_equal(x->input_index, y->input_index);
    assert_int_equal(x->is_output, y->is_output);
    assert_int_equal(x->declared, y->declared);
    assert_bytes_equal(x->origin, y->origin);
    assert_tensor_equal(x->init, y->init);
}

static void assert_graph_equal(const eki_graph *a, const eki_graph *b) {
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->ir_version, b->ir_version);
    assert_int_equal(a->n_nodes, b->n_nodes);
    assert_int_equal(a->n_values, b->n_values);
    assert_int_equal(a->n_opsets, b->n_opsets);
    assert_int_equal(a->n_meta, b->n_meta);
    for (size_t i = 0; i < a->n_opsets; i++) {
        assert_int_equal(a->opsets[i].version, eki_graph_opset(b, a->opsets[i].domain));
    }
    for (size_t i = 0; i < a->n_meta; i++) assert_string_equal(a->meta[i].value, eki_graph_meta(b, a->meta[i].key));
    for (size_t i = 0; i < a->n_values; i++) assert_value_equal(a, a->values[i], b);
    for (size_t i = 0; i < a->n_nodes; i++) {
        const eki_node *x = a->nodes[i], *y = b->nodes[i];
        assert_string_equal(x->name, y->name);
        assert_string_equal(x->op_type, y->op_type);
        assert_string_equal(x->domain, y->domain);
        assert_bytes_equal(x->origin, y->origin);
        assert_refs_equal(x->in, x->n_in, y->in, y->n_in);
        assert_refs_equal(x->out, x->n_out, y->out, y->n_out);
        assert_int_equal(x->n_attr, y->n_attr);
        for (int k = 0; k < x->n_attr; k++) assert_attr_equal(&x->attrs[k], &y->attrs[k]);
    }
    assert_refs_equal(a->inputs, (int)a->n_inputs, b->inputs, (int)b->n_inputs);
    assert_refs_equal(a->outputs, (int)a->n_outputs, b->outputs, (int)b->n_outputs);
    assert_bytes_equal(a->model_origin, b->model_origin);
    assert_bytes_equal(a->origin, b->origin);
}

static void assert_files_equal(const char *a, const char *b) {
    eki_map x, y;
    check(eki_map_open(a, &x, &err));
    check(eki_map_open(b, &y, &err));
    assert_bytes_equal((eki_bytes){x.data, x.size}, (eki_bytes){y.data, y.size});
    eki_map_close(&x);
    eki_map_close(&y);
}

static void round_trip(const char *path) {
    eki_graph *first, *second;
    check(eki_onnx_load(path, NULL, &first, &err));
    check(eki_onnx_save(first, temporary(1), &err));
    check(eki_onnx_load(temporary(1), NULL, &second, &err));
    assert_files_equal(path, temporary(1));
    assert_graph_equal(first, second);
    check(eki_onnx_save(second, temporary(2), &err));
    assert_files_equal(temporary(1), temporary(2));
    eki_graph_destroy(first);
    eki_graph_destroy(second);
}

static void real_models(void **state) {
    (void)state;
    const char *const names[] = {"ch_ppocr_mobile_v2.0_cls_infer", "light_inception_v2", "light_resnet50",
                                 "version-RFB-320"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/../shared/models/%s.onnx", EK_SOURCE_DIR, names[i]);
        if (access(path, R_OK) != 0) {
            print_message("skipped: %s is not here\n", path);
            continue;
        }
        round_trip(path);
    }
    remove_temporaries();
}

static void crafted_models(void **state) {
    (void)state;
    pb file = {0};
    rich_model(&file);
    write_file(temporary(0), &file);
    round_trip(temporary(0));
    pb_free(&file);
    for (int list = 0; list < BROKEN_LISTS; list++) {
        broken_list cases = broken_cases(list);
        for (size_t i = 0; i < cases.count; i++) {
            if (cases.cases[i].status != EK_OK) continue;
            cases.cases[i].build(&file);
            write_file(temporary(0), &file);
            round_trip(temporary(0));
            pb_free(&file);
        }
    }
    remove_temporaries();
}

static void save_over_itself(void **state) {
    (void)state;
    pb file = {0};
    eki_graph *graph, *again;
    rich_model(&file);
    write_file(temporary(0), &file);
    check(eki_onnx_load(temporary(0), NULL, &graph, &err));
    check(eki_onnx_save(graph, temporary(0), &err));
    check(eki_onnx_load(temporary(0), NULL, &again, &err));
    assert_graph_equal(graph, again); /* the old file is still mapped */
    eki_graph_destroy(graph);
    eki_graph_destroy(again);
    pb_free(&file);
    remove_temporaries();
}

/* The rich model through our reader and writer, as protobuf-c sees it. */
static Onnx__ModelProto *rewritten(void) {
    pb file = {0};
    eki_graph *graph;
    eki_map map;
    rich_model(&file);
    check(eki_onnx_load_bytes(file.data, file.size, "rich", NULL, &graph, &err));
    check(eki_onnx_save(graph, temporary(0), &err));
    eki_graph_destroy(graph);
    pb_free(&file);
    check(eki_map_open(temporary(0), &map, &err));
    Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, map.size, map.data);
    eki_map_close(&map);
    remove_temporaries();
    assert_non_null(model);
    return model;
}

static const Onnx__AttributeProto *attribute(const Onnx__NodeProto *node, const char *name) {
    for (size_t i = 0; i < node->n_attribute; i++) {
        if (strcmp(node->attribute[i]->name, name) == 0) return node->attribute[i];
    }
    fail_msg("no attribute %s", name);
    return NULL;
}

static void unknown_fields_survive(void **state) {
    (void)state;
    Onnx__ModelProto *model = rewritten();
    const Onnx__GraphProto *graph = model->graph;
    const Onnx__NodeProto *node = graph->node[1];
    assert_string_equal(model->producer_name, "test");
    assert_int_equal(model->n_functions, 1);
    assert_string_equal(model->functions[0]->name, "Custom2");
    assert_int_equal(model->base.n_unknown_fields, 1);
    assert_int_equal(model->base.unknown_fields[0].tag, 99);
    assert_int_equal(graph->base.unknown_fields[0].tag, 88);
    assert_string_equal(graph->doc_string, "documentation of the graph");
    assert_string_equal(node->doc_string, "documentation of the node");
    assert_int_equal(node->base.unknown_fields[0].tag, 77);
    assert_int_equal(graph->n_value_info, 2);
    assert_string_equal(attribute(node, "f")->doc_string, "documentation of f");
    assert_int_equal(attribute(node, "g")->g->n_node, 1);
    assert_int_equal(attribute(node, "future")->base.n_unknown_fields, 1); /* field 70 */
    assert_string_equal(attribute(node, "t")->t->name, "name of t");
    onnx__model_proto__free_unpacked(model, NULL);
}

static void content_is_right(void **state) {
    (void)state;
    Onnx__ModelProto *model = rewritten();
    const Onnx__NodeProto *node = model->graph->node[1];
    assert_int_equal(node->n_input, 3);
    assert_string_equal(node->input[1], "");
    assert_string_equal(node->domain, "com.example");
    assert_true(attribute(node, "f")->f == 0.5f);
    assert_int_equal(attribute(node, "i")->i, -7);
    assert_int_equal(attribute(node, "s")->s.len, 3);
    assert_int_equal(attribute(node, "no_type")->has_type, 0);
    assert_int_equal(attribute(node, "ints")->ints[1], INT64_MAX);
    assert_int_equal(attribute(node, "packed")->n_ints, 3);
    assert_int_equal(attribute(node, "packed")->ints[0], 300);
    assert_int_equal(attribute(node, "floats")->n_floats, 2);
    assert_int_equal(attribute(node, "strings")->n_strings, 2);
    assert_int_equal(attribute(node, "t")->t->n_int64_data, 2);
    assert_int_equal(model->graph->n_initializer, 1);
    assert_int_equal(model->graph->initializer[0]->raw_data.len, 32);
    assert_int_equal(model->n_metadata_props, 1);
    assert_string_equal(model->metadata_props[0]->key, "key");
    onnx__model_proto__free_unpacked(model, NULL);
}

/* A changed type is written anew, and what else the declaration said stays. */
static void changed_shape(void **state) {
    (void)state;
    pb file = {0};
    eki_graph *graph, *again;
    rich_model(&file);
    check(eki_onnx_load_bytes(file.data, file.size, "rich", NULL, &graph, &err));
    eki_graph_find(graph, "h")->shape.dims[0] = 7;
    check(eki_onnx_save(graph, temporary(0), &err));
    check(eki_onnx_load(temporary(0), NULL, &again, &err));
    assert_int_equal(eki_graph_find(again, "h")->shape.dims[0], 7);
    assert_int_equal(eki_graph_find(again, "h")->shape.dims[1], 4);
    assert_string_equal(again->symbols[-1 - eki_graph_find(again, "x")->shape.dims[0]], "batch");
    eki_graph_destroy(graph);
    eki_graph_destroy(again);
    pb_free(&file);
    remove_temporaries();
}

static void built_graph(void **state) {
    (void)state;
    eki_graph *graph, *loaded;
    eki_value *x, *y, *w;
    eki_node *node;
    const int64_t two_three[] = {2, 3};
    eki_shape shape = eki_shape_of(2, two_three);
    check(eki_graph_create(17, &graph, &err));
    check(eki_graph_value(graph, "x", &x, &err));
    check(eki_graph_value(graph, "y", &y, &err));
    x->dtype = y->dtype = EK_F32;
    x->shape = y->shape = shape;
    check(eki_graph_symbol(graph, "batch", &x->shape.dims[0], &err));
    check(eki_graph_add_tensor(graph, "w", EK_F32, &shape, &w, &err));
    check(eki_graph_add_input(graph, x, &err));
    check(eki_graph_add_output(graph, y, &err));
    eki_value *in[] = {x, w};
    check(eki_graph_add_node(graph, "Add", "", "add", in, 2, &y, 1, &node, &err));
    check(eki_node_set_int(graph, node, "axis", -1, &err));
    check(eki_graph_set_meta(graph, "evenkeel.mean", "0.5", &err));
    check(eki_onnx_save(graph, temporary(0), &err));
    round_trip(temporary(0));
    check(eki_onnx_load(temporary(0), NULL, &loaded, &err));
    assert_int_equal(eki_graph_opset(loaded, ""), 17);
    assert_int_equal(eki_node_int(loaded->nodes[0], "axis", 0), -1);
    assert_string_equal(loaded->symbols[-1 - eki_graph_find(loaded, "x")->shape.dims[0]], "batch");
    eki_graph_destroy(graph);
    eki_graph_destroy(loaded);
    remove_temporaries();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_models),      cmocka_unit_test(crafted_models),
        cmocka_unit_test(save_over_itself), cmocka_unit_test(unknown_fields_survive),
        cmocka_unit_test(content_is_right), cmocka_unit_test(changed_shape),
        cmocka_unit_test(built_graph),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
