/* broken_tensors.c: initializers whose size, type or place does not hold what it says. */
#include "models.h"

/* A model with the initializer that `tensor` holds, under the name "w". */
static void with_tensor(pb *file, pb *tensor) {
    pb graph = {0};
    relu_graph(&graph);
    pb_text(tensor, 8, "w");
    pb_message(&graph, 5, tensor);
    finish_model(file, &graph);
}

static void raw_tensor(pb *file, int dtype, const int64_t *dims, size_t rank, size_t bytes) {
    pb tensor = {0};
    unsigned char zeros[64] = {0};
    for (size_t i = 0; i < rank; i++) pb_int(&tensor, 1, dims[i]);
    pb_int(&tensor, 2, dtype);
    pb_bytes(&tensor, 9, zeros, bytes);
    with_tensor(file, &tensor);
}

#define DIMS(...) (const int64_t[]){__VA_ARGS__}, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)

static void negative_dim(pb *file) { raw_tensor(file, EK_F32, DIMS(2, -4), 8); }
static void two_negative_dims(pb *file) { raw_tensor(file, EK_F32, DIMS(-2, -4), 32); }
static void overflow(pb *file) { raw_tensor(file, EK_F32, DIMS(INT64_MAX, 4), 16); }
static void overflow_to_zero(pb *file) { raw_tensor(file, EK_F32, DIMS(INT64_C(1) << 32, INT64_C(1) << 32), 0); }
static void overflow_in_bytes(pb *file) { raw_tensor(file, EK_F64, DIMS(INT64_C(1) << 62), 0); }
static void too_small(pb *file) { raw_tensor(file, EK_F32, DIMS(2, 2), 15); }
static void too_large(pb *file) { raw_tensor(file, EK_F32, DIMS(2, 2), 17); }
static void huge_claim(pb *file) { raw_tensor(file, EK_F32, DIMS(1000000, 100000), 4); }
static void no_data(pb *file) { raw_tensor(file, EK_F32, DIMS(3), 0); }
static void empty_tensor(pb *file) { raw_tensor(file, EK_F32, DIMS(0, 1000000000), 0); }
static void rank_9(pb *file) { raw_tensor(file, EK_F32, DIMS(1, 1, 1, 1, 1, 1, 1, 1, 1), 4); }
static void no_dtype(pb *file) { raw_tensor(file, 0, DIMS(1), 4); }
static void future_dtype(pb *file) { raw_tensor(file, 4711, DIMS(3), 5); }
static void negative_dtype(pb *file) { raw_tensor(file, -1, DIMS(3), 5); }
static void int4_odd(pb *file) { raw_tensor(file, 22, DIMS(3), 2); }
static void int4_wrong(pb *file) { raw_tensor(file, 22, DIMS(3), 3); }
static void complex_ok(pb *file) { raw_tensor(file, 14, DIMS(2), 16); }
static void string_raw(pb *file) { raw_tensor(file, EK_STRING, DIMS(1), 1); }

static void raw_and_typed(pb *file) {
    pb tensor = {0};
    pb_int(&tensor, 1, 1);
    pb_int(&tensor, 2, EK_F32);
    pb_float(&tensor, 4, 1.0f);
    pb_bytes(&tensor, 9, "\0\0\0\0", 4);
    with_tensor(file, &tensor);
}

static void two_typed(pb *file) {
    pb tensor = {0};
    pb_int(&tensor, 1, 1);
    pb_int(&tensor, 2, EK_F32);
    pb_float(&tensor, 4, 1.0f);
    pb_int(&tensor, 7, 1);
    with_tensor(file, &tensor);
}

static void typed(pb *file, int dtype, unsigned field, int64_t value, int64_t dim) {
    pb tensor = {0};
    pb_int(&tensor, 1, dim);
    pb_int(&tensor, 2, dtype);
    pb_int(&tensor, field, value);
    with_tensor(file, &tensor);
}

static void typed_wrong_field(pb *file) { typed(file, EK_F32, 7, 1, 1); }
static void typed_wrong_count(pb *file) { typed(file, EK_I64, 7, 1, 5); }
static void typed_huge_claim(pb *file) { typed(file, EK_I64, 7, 1, INT64_C(1) << 40); }
static void typed_out_of_range(pb *file) { typed(file, EK_U8, 5, 256, 1); }
static void typed_out_of_range_u32(pb *file) { typed(file, EK_U32, 11, INT64_C(1) << 32, 1); }
static void typed_unknown_dtype(pb *file) { typed(file, 4711, 5, 1, 1); }

static void strings(pb *file) {
    pb tensor = {0};
    pb_int(&tensor, 1, 1);
    pb_int(&tensor, 2, EK_STRING);
    pb_text(&tensor, 6, "text");
    with_tensor(file, &tensor);
}

static void segment(pb *file) {
    pb tensor = {0}, part = {0};
    pb_int(&tensor, 2, EK_F32);
    pb_int(&part, 1, 0);
    pb_message(&tensor, 3, &part);
    with_tensor(file, &tensor);
}

static void external_at(pb *file, const char *location) {
    pb tensor = {0}, entry = {0}, length = {0};
    pb_int(&tensor, 1, 1);
    pb_int(&tensor, 2, EK_F32);
    pb_text(&entry, 1, "location");
    pb_text(&entry, 2, location);
    pb_message(&tensor, 13, &entry);
    pb_text(&length, 1, "length");
    pb_text(&length, 2, "4");
    pb_message(&tensor, 13, &length);
    pb_int(&tensor, 14, 1);
    with_tensor(file, &tensor);
}

static void external(pb *file) { external_at(file, "weights.bin"); }
static void external_up(pb *file) { external_at(file, "../../etc/passwd"); }
static void external_absolute(pb *file) { external_at(file, "/proc/self/mem"); }
static void external_escape(pb *file) { external_at(file, "\x1b[31m"); }

static void external_in_attribute(pb *file) {
    pb graph = {0}, node = {0}, attr = {0}, tensor = {0};
    relu_graph(&graph);
    pb_int(&tensor, 2, EK_F32);
    pb_int(&tensor, 14, 1);
    pb_text(&attr, 1, "value");
    pb_int(&attr, 20, 4);
    pb_message(&attr, 5, &tensor);
    pb_text(&node, 2, "c");
    pb_text(&node, 4, "Constant");
    pb_message(&node, 5, &attr);
    pb_message(&graph, 1, &node);
    finish_model(file, &graph);
}

static void initializer_twice(pb *file) {
    pb graph = {0};
    relu_graph(&graph);
    add_tensor(&graph, "w", 1, 4, 4);
    add_tensor(&graph, "w", 1, 4, 4);
    finish_model(file, &graph);
}

static void nameless(pb *file) {
    pb graph = {0};
    relu_graph(&graph);
    add_tensor(&graph, "", 1, 4, 4);
    finish_model(file, &graph);
}

static void contradicts_input(pb *file) {
    pb graph = {0};
    relu_graph(&graph);
    add_tensor(&graph, "w", 3, 4, 12);
    add_info(&graph, 11, "w", NULL);
    finish_model(file, &graph);
}

static const broken_case cases[] = {
    {"negative dim", negative_dim, EK_ERR_FORMAT, "tensor 'w': dimension 1 is -4"},
    {"two negative dims", two_negative_dims, EK_ERR_FORMAT, "dimension 0 is -2"},
    {"dims overflow", overflow, EK_ERR_FORMAT, "the product of its dimensions exceeds 64 bits"},
    {"dims overflow to zero", overflow_to_zero, EK_ERR_FORMAT, "the product of its dimensions exceeds 64 bits"},
    {"bytes overflow", overflow_in_bytes, EK_ERR_FORMAT, "its size in bytes exceeds 64 bits"},
    {"too few bytes", too_small, EK_ERR_FORMAT, "its dimensions need 16 bytes, but it has 15"},
    {"too many bytes", too_large, EK_ERR_FORMAT, "its dimensions need 16 bytes, but it has 17"},
    {"claims 400 GB", huge_claim, EK_ERR_FORMAT, "need 400000000000 bytes, but it has 4"},
    {"no data", no_data, EK_ERR_FORMAT, "need 12 bytes, but it has 0"},
    {"empty tensor", empty_tensor, EK_OK, ""},
    {"9 dimensions", rank_9, EK_OK, ""},
    {"no data type", no_dtype, EK_ERR_FORMAT, "it has no data type"},
    {"data type from the future", future_dtype, EK_OK, ""},
    {"negative data type", negative_dtype, EK_OK, ""},
    {"three int4 in two bytes", int4_odd, EK_OK, ""},
    {"three int4 in three bytes", int4_wrong, EK_ERR_FORMAT, "need 2 bytes, but it has 3"},
    {"complex64", complex_ok, EK_OK, ""},
    {"strings as raw data", string_raw, EK_OK, ""},
    {"raw and typed", raw_and_typed, EK_ERR_FORMAT, "it has data twice (raw_data and float_data)"},
    {"two typed fields", two_typed, EK_ERR_FORMAT, "it has data twice"},
    {"typed field of another type", typed_wrong_field, EK_ERR_FORMAT,
     "data type 1 and int64_data, expected float_data"},
    {"too few typed entries", typed_wrong_count, EK_ERR_FORMAT, "need 40 bytes, but it has 8"},
    {"typed entries claim 8 TB", typed_huge_claim, EK_ERR_FORMAT, "need 8796093022208 bytes, but it has 8"},
    {"typed entry out of range", typed_out_of_range, EK_ERR_FORMAT, "int32_data holds 256, which does not fit"},
    {"typed u32 out of range", typed_out_of_range_u32, EK_ERR_FORMAT, "uint64_data holds 4294967296"},
    {"typed data of unknown type", typed_unknown_dtype, EK_OK, ""},
    {"strings", strings, EK_OK, ""},
    {"segment", segment, EK_OK, ""},
    {"external data", external, EK_ERR_UNSUPPORTED, "tensor 'w': its data lies in another file ('weights.bin')"},
    {"external data above", external_up, EK_ERR_FORMAT, "'../../etc/passwd', which leaves its folder"},
    {"external data, absolute", external_absolute, EK_ERR_FORMAT, "'/proc/self/mem', which begins"},
    {"external data, escapes", external_escape, EK_ERR_FORMAT, "'\\x1b[31m', no name of a file"},
    {"external data in an attribute", external_in_attribute, EK_ERR_FORMAT, "attribute 'value'"},
    {"initializer twice", initializer_twice, EK_ERR_FORMAT, "initializer 'w' is given twice"},
    {"nameless initializer", nameless, EK_ERR_FORMAT, "an initializer has no name"},
    {"initializer contradicts input", contradicts_input, EK_ERR_FORMAT, "another type or shape than its data"},
};

broken_list broken_tensors(void) { return (broken_list){cases, sizeof cases / sizeof *cases}; }
