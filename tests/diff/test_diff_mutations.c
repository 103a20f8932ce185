/* test_diff_mutations.c: single changes of a rich document, each of which diff must tell: a list with what it must say,
 * and then every field of the document, changed, removed and repeated one by one.
 */
#include "../onnx/protoread.h"
#include "pair.h"

#include <onnx/onnx.pb-c.h>
#include <stdio.h>

typedef struct mutation {
    const char *path;
    change_kind kind;
    double number;
    const char *text;
    const char *line; /* kind|place|name|text, of the one change that is told; a '*' at the end stands for the rest */
} mutation;

static const mutation mutations[] = {
    /* the model */
    {"1", SET_INT, 9, NULL, "ir-version|||8 -> 9"},
    {"2", SET_TEXT, 0, "another producer", "model|||producer_name: 'a producer' -> 'another producer'"},
    {"3", SET_TEXT, 0, "1.1", "model|||producer_version: '1.0' -> '1.1'"},
    {"4", SET_TEXT, 0, "org.other", "model|||domain: 'org.example' -> 'org.other'"},
    {"5", SET_INT, 4, NULL, "model|||model_version: 3 -> 4"},
    {"6", REMOVE, 0, NULL, "model|||doc_string: 'about a model' -> ''"},
    {"8/2", SET_INT, 18, NULL, "opset|||17 -> 18"},
    {"8.1/2", SET_INT, 3, NULL, "opset||com.example|2 -> 3"},
    {"8.1", REMOVE, 0, NULL, "opset||com.example|2 -> 0"},
    {"8", SWAP, 0, NULL, "order|||opset_import: ?,com.example -> com.example,?"},
    {"14/2", SET_TEXT, 0, "values", "metadata||key|'value' -> 'values'"},
    {"14.1", REMOVE, 0, NULL, "metadata||other|'more' -> removed"},
    {"14.1/1", SET_TEXT, 0, "third", "metadata||*"},
    {"14", REPEAT, 0, NULL, "metadata||key|added 'value'"},
    {"14", SWAP, 0, NULL, "order|||metadata_props: key,other -> other,key"},
    {"202", SET_INT, 7, NULL, "model|||field[202]: 5 -> 7"},
    {"202", SWAP, 0, NULL, "model|||field[202]: 5 -> 6*"},
    {"203", ADD_TEXT, 0, "new", "model|||field[203]: added, 3 bytes that the schema does not know"},
    /* training and functions */
    {"20", REMOVE, 0, NULL, "training||training_info[0]|removed"},
    {"20/2/1/5/8", SET_INT, 2, NULL, "attribute|training_info[0]/algorithm|inner|pads: 1,1 -> 2,1"},
    {"20/4/2", SET_TEXT, 0, "leap", "training||training_info[0]|update_binding 'weight': 'step' -> 'leap'"},
    {"20/1", REMOVE, 0, NULL, "training||training_info[0]|initialization: a graph -> none"},
    {"25", REMOVE, 0, NULL, "function||com.example.F|removed"},
    {"25/1", SET_TEXT, 0, "G", "function||com.example.*"},
    {"25/4", SWAP, 0, NULL, "function||com.example.F|input: 'a','a2' -> 'a2','a'"},
    {"25/5", SWAP, 0, NULL, "function||com.example.F|output: 'b','b2' -> 'b2','b'"},
    {"25/6", SET_TEXT, 0, "gamma", "function||com.example.F|attribute: 'alpha','beta' -> 'gamma','beta'"},
    {"25/7/4", SET_TEXT, 0, "Elu", "node|com.example.F|leaky|LeakyRelu -> Elu"},
    {"25/7/5/21", SET_TEXT, 0, "beta", "attribute|com.example.F|leaky|alpha.ref_attr_name: 'alpha' -> 'beta'"},
    {"25/7.1", REMOVE, 0, NULL, "node-removed|com.example.F|second|Relu"},
    {"25/8", SET_TEXT, 0, "other", "function||com.example.F|doc_string: 'about a function' -> 'other'"},
    {"25/9.1/2", SET_INT, 2, NULL, "opset|com.example.F|com.example|1 -> 2"},
    {"25/12", ADD_TEXT, 0, "new", "function||com.example.F|field[12] 'value_info': added, 3 bytes *"},
    /* the graph */
    {"7/2", SET_TEXT, 0, "other", "graph|||name: 'main' -> 'other'"},
    {"7/10", SET_TEXT, 0, "about the graph", "graph|||doc_string: 'about a graph' -> 'about the graph'"},
    {"7/201", REMOVE, 0, NULL, "graph|||field[201]: removed, 7 bytes that the schema does not know"},
    {"7/12", SWAP, 0, NULL, "order|||output: y,r -> r,y"},
    {"7/11", SWAP, 0, NULL, "order|||input: x,condition,bias -> condition,x,bias"},
    {"7/11.2", REMOVE, 0, NULL, "input||bias|removed, float32[N{DATA_BATCH},4]"},
    {"7/11/1", SET_TEXT, 0, "x2", "input||*"},
    {"7/11/2/1/1", SET_INT, 10, NULL, "input||x|float32[N{DATA_BATCH},4] -> float16[N{DATA_BATCH},4]"},
    {"7/11/2/1/2/1/2", SET_TEXT, 0, "M", "input||x|float32[N{DATA_BATCH},4] -> float32[M{DATA_BATCH},4]"},
    {"7/11/2/1/2/1/3", REMOVE, 0, NULL, "input||x|float32[N{DATA_BATCH},4] -> float32[N,4]"},
    {"7/11/2/1/2/1.1/1", SET_INT, 5, NULL, "input||x|float32[N{DATA_BATCH},4] -> float32[N{DATA_BATCH},5]"},
    {"7/11/2/1/2/1.1/1", REMOVE, 0, NULL, "input||x|float32[N{DATA_BATCH},4] -> float32[N{DATA_BATCH},?]"},
    {"7/11/2/6", SET_TEXT, 0, "AUDIO", "input||x|type.denotation: 'IMAGE' -> 'AUDIO'"},
    {"7/11/3", REMOVE, 0, NULL, "input||x|doc_string: 'about a value' -> ''"},
    {"7/12.1", REMOVE, 0, NULL, "output||r|removed, float32[N{DATA_BATCH},4]"},
    {"7/13", REMOVE, 0, NULL, "value-info||h|removed, float32[N{DATA_BATCH},4]"},
    {"7/13", REPEAT, 0, NULL, "value-info||h|added, float32[N{DATA_BATCH},4]"},
    {"7/13.1/2/4/1/1/1", SET_INT, 7, NULL,
     "value-info||sequence|sequence(float32[N{DATA_BATCH},4]) -> sequence(int64*"},
    {"7/13.2/2/5/1", SET_INT, 8, NULL, "value-info||map|map(int64,float32*"},
    {"7/13.3/2/9", REMOVE, 0, NULL, "value-info||optional|optional(float32[N{DATA_BATCH},4]) -> no type"},
    {"7/13.4/2/8/1", SET_INT, 11, NULL, "value-info||sparse|sparse_tensor(float32*"},
    {"7/14/2/2", SET_TEXT, 0, "other", "annotation||h|quant_parameter_tensor_names 'SCALE_TENSOR': 'scale' -> 'other'"},
    {"7/14", REMOVE, 0, NULL, "annotation||h|removed"},
    /* initializers */
    {"7/5/9", SET_TEXT, 0, "0123456789abcdef", "tensor||weight|relative difference *"},
    {"7/5/9", SET_TEXT, 0, "0123", "tensor||weight|16 bytes of data -> 4"},
    {"7/5/1", SET_INT, 5, NULL, "tensor-type||weight|float32[4] -> float32[5]"},
    {"7/5/2", SET_INT, 6, NULL, "tensor-type||weight|float32[4] -> int32[4]"},
    {"7/5/12", SET_TEXT, 0, "?", "tensor||weight|doc_string: 'about a tensor' -> '?'"},
    {"7/5", REMOVE, 0, NULL, "tensor-removed||weight|float32[4]"},
    {"7/5", SWAP, 0, NULL, "order|||initializer: 'bias' now comes before 'weight'"},
    {"7/5.1/4", SET_TEXT, 0, "0123456789abcdef", "tensor||bias|relative difference *"},
    {"7/5.3/5.1", SET_INT, -2, NULL, "tensor||int32|other values, the first [1]: 2 -> -2"},
    {"7/5.4/7", SET_TEXT, 0, "\1\2\4", "tensor||int64|other values, the first [2]: 3 -> 4"},
    {"7/5.6/6.1", SET_TEXT, 0, "three", "tensor||text|string_data: 'one','two' -> 'one','three'"},
    {"7/5.7/13.1/2", SET_TEXT, 0, "0", "tensor||*"},
    {"7/5.7/13.3/2", SET_TEXT, 0, "other", "tensor||outside|external_data 'checksum': 'none' -> 'other'"},
    {"7/5.7/14", SET_INT, 0, NULL, "tensor||outside|data_location: EXTERNAL -> DEFAULT"},
    {"7/5.8/9", SET_TEXT, 0, "abcd", "tensor||half|relative difference *"},
    {"7/5.9/3/2", SET_INT, 3, NULL, "tensor||segment|segment.end: 2 -> 3"},
    {"7/15/2/7", SET_INT, 5, NULL, "tensor||sparse_weight|indices: other values, the first [0]: 0 -> 5"},
    {"7/15/3", SET_INT, 50, NULL, "tensor||sparse_weight|dims: 100 -> 50"},
    {"7/15", REMOVE, 0, NULL, "tensor-removed||sparse_weight|float32[4]"},
    /* nodes */
    {"7/1", REMOVE, 0, NULL, "node-removed||conv1|Conv"},
    {"7/1", SWAP, 0, NULL, "order|||node: conv1,custom,if_1,r,? -> custom,conv1,if_1,r,?"},
    {"7/1.3/4", SET_TEXT, 0, "Tanh", "node||r|Relu -> Tanh"},
    {"7/1/3", SET_TEXT, 0, "conv2", "node||conv1|name: 'conv1' -> 'conv2'"},
    {"7/1/1", SET_TEXT, 0, "x2", "node||conv1|input 0: 'x' -> 'x2'"},
    {"7/1/1", SWAP, 0, NULL, "node||conv1|*"},
    {"7/1.1/1.2", REMOVE, 0, NULL, "node||custom|3 -> 2 inputs: 'h','','bias' -> 'h',''"},
    {"7/1.1/2.1", SET_TEXT, 0, "y3", "node||custom|output 1: 'y2' -> 'y3'"},
    {"7/1.1/6", SET_TEXT, 0, "x", "node||custom|doc_string: 'about a node' -> 'x'"},
    {"7/1.1/7", SET_TEXT, 0, "com.other", "node||custom|domain: 'com.example' -> 'com.other'"},
    {"7/1.1/200", SET_TEXT, 0, "unfamiliar", "node||custom|field[200]: 'unknown' -> 'unfamiliar'"},
    {"7/1/5", SWAP, 0, NULL, "order||conv1|attribute: pads,auto_pad,group -> auto_pad,pads,group"},
    /* attributes of every type */
    {"7/1/5", REMOVE, 0, NULL, "attribute||conv1|pads: 1,1 -> none"},
    {"7/1/5/8", SET_INT, 0, NULL, "attribute||conv1|pads: 1,1 -> 0,1"},
    {"7/1/5.1/4", SET_TEXT, 0, "VALID", "attribute||conv1|auto_pad: 'NOTSET' -> 'VALID'"},
    {"7/1/5.2/3", SET_INT, 2, NULL, "attribute||conv1|group: 1 -> 2"},
    {"7/1/5.2/13", REMOVE, 0, NULL, "attribute||conv1|group.doc_string: 'about an attribute' -> ''"},
    {"7/1/5.2/20", SET_INT, 1, NULL, "attribute||conv1|group: INT 1 -> FLOAT 1"},
    {"7/1.1/5/2", SET_FLOAT, 0.25, NULL, "attribute||custom|f: 0.5 -> 0.25"},
    {"7/1.1/5.1/7.1", SET_FLOAT, 3, NULL, "attribute||custom|floats: 1.5,2.5 -> 1.5,3"},
    {"7/1.1/5.2/9", SWAP, 0, NULL, "attribute||custom|strings: 'one','two' -> 'two','one'"},
    {"7/1.1/5.3/21", SET_TEXT, 0, "beta", "attribute||custom|reference.ref_attr_name: 'alpha' -> 'beta'"},
    {"7/1.1/5.4/5/9", SET_TEXT, 0, "0123456789abcdef", "attribute||custom|t: relative difference *"},
    {"7/1.1/5.4/5/1", SET_INT, 5, NULL, "attribute||custom|t: float32[4] -> float32[5]"},
    {"7/1.1/5.5/10.1/8", SET_TEXT, 0, "third", "attribute||custom|tensors.tensors[1].name: 'second' -> 'third'"},
    {"7/1.1/5.6/22/3", SET_INT, 1, NULL, "attribute||custom|sparse_tensor.sparse_tensor.dims: 100 -> 1"},
    {"7/1.1/5.7/23", REMOVE, 0, NULL, "attribute||custom|sparse_tensors.sparse_tensors[0]: float32[4] -> none"},
    {"7/1.1/5.8/14/1/1", SET_INT, 7, NULL, "attribute||custom|tp: float32[N{DATA_BATCH},4] -> int64[N{DATA_BATCH},4]"},
    {"7/1.1/5.9/15/1/1", SET_INT, 7, NULL,
     "attribute||custom|type_protos.type_protos[0].tensor_type.elem_type: float32 -> int64"},
    {"7/1.1/5.10/11.1/2", SET_TEXT, 0, "?", "graph|custom/graphs[1]||name: 'a branch' -> '?'"},
    {"7/1.1/5.10/11.1", REMOVE, 0, NULL, "attribute||custom|graphs[1]: a graph -> none"},
    /* nested graphs */
    {"7/1.2/5/6/1/5/8", SET_INT, 0, NULL, "attribute|if_1/then_branch|inner|pads: 1,1 -> 0,1"},
    {"7/1.2/5.1/6/1/4", SET_TEXT, 0, "Other", "node|if_1/else_branch|inner|Conv -> Other"},
    {"7/1.2/5/6/5/9", SET_TEXT, 0, "0123456789abcdef", "tensor|if_1/then_branch|inner_weight|relative difference *"},
    {"7/1.2/5/6/12", REMOVE, 0, NULL, "output|if_1/then_branch|t|removed, float32[N{DATA_BATCH},4]"},
};

enum { MUTATIONS = sizeof mutations / sizeof *mutations };
_Static_assert(MUTATIONS >= 60, "a list worth its name");

static int matches(const char *line, const char *expected) {
    size_t size = strlen(expected);
    if (size > 0 && expected[size - 1] == '*') return strncmp(line, expected, size - 1) == 0;
    return strcmp(line, expected) == 0;
}

/* A change of a name makes two changes of it: one goes, one comes. */
static int is_rename(const mutation *m) { return strcmp(m->line + strlen(m->line) - 1, "*") == 0; }

/* Whether it is told as it should be; says what is wrong. */
static int check_mutation(const pb *file, const mutation *m) {
    ek_error err = {0};
    ek_diff *diff;
    char line[2048];
    pb changed = {0};
    if (!change_at(file, m->path, m->kind, m->number, m->text, &changed)) fail_msg("no field at %s", m->path);
    if (pair_diff(file, &changed, &diff, &err) != EK_OK) fail_msg("%s: %s", m->line, err.text);
    size_t count = ek_diff_count(diff);
    int right = count > 0 && matches(pair_line(diff, 0, line), m->line) && (count == 1 || is_rename(m));
    if (!right) print_error("%s: %zu changes, expected %s\n", m->path, count, m->line);
    for (size_t i = 0; i < count && !right; i++) print_error("    %s\n", pair_line(diff, i, line));
    ek_diff_destroy(diff);
    pb_free(&changed);
    return right;
}

static void the_list(void **state) {
    (void)state;
    pb file = {0};
    rich_document(&file);
    assert_int_equal(pair_count(&file, &file), 0);
    size_t right = 0;
    for (size_t i = 0; i < MUTATIONS; i++) right += (size_t)check_mutation(&file, &mutations[i]);
    print_message("%zu of %d mutations told, each in the right words\n", right, (int)MUTATIONS);
    assert_int_equal(right, MUTATIONS);
    pb_free(&file);
}

/* ---- every field ---- */

typedef struct sweep {
    const pb *file;
    size_t tried, refused;
    unsigned char seen[64][64]; /* fields of each message type that the document has */
} sweep;

static void must_tell(sweep *s, const pb *changed, const char *path, const char *what) {
    ek_error err = {0};
    ek_diff *diff;
    s->tried++;
    if (pair_diff(s->file, changed, &diff, &err) != EK_OK) {
        /* What was changed says where the data is, and now it is not there. */
        if (strstr(err.text, "outside") == NULL) fail_msg("%s %s: %s", what, path, err.text);
        s->refused++;
        return;
    }
    if (ek_diff_count(diff) == 0) fail_msg("missed: %s %s", what, path);
    ek_diff_destroy(diff);
}

static void try_change(sweep *s, const char *path, change_kind kind, double number, const char *text,
                       const char *what) {
    pb changed = {0};
    if (!change_at(s->file, path, kind, number, text, &changed)) fail_msg("no field at %s", path);
    must_tell(s, &changed, path, what);
    pb_free(&changed);
}

static void change_value(sweep *s, const pb_field *f, const ProtobufCFieldDescriptor *known, const char *path) {
    char text[256] = "";
    if (f->wire == 0) try_change(s, path, SET_INT, (double)(f->value + 1), NULL, "changed");
    if (f->wire == 5) try_change(s, path, SET_FLOAT, 77, NULL, "changed");
    if (f->wire != 2 || (known != NULL && known->type == PROTOBUF_C_TYPE_MESSAGE)) return;
    assert_true(f->size < sizeof text - 2);
    memcpy(text, f->data, f->size);
    if (known != NULL && known->type != PROTOBUF_C_TYPE_STRING && known->type != PROTOBUF_C_TYPE_BYTES)
        return; /* packed */
    text[f->size] = 'x';
    if (strlen(text) == f->size + 1) try_change(s, path, SET_TEXT, 0, text, "changed");
}

/* A packed array or raw numbers: the last byte. */
static void change_last_byte(sweep *s, const pb_field *f, const char *path) {
    pb changed = {0};
    if (f->wire != 2 || f->size == 0) return;
    pb_raw(&changed, s->file->data, s->file->size);
    changed.data[f->data - s->file->data + (ptrdiff_t)f->size - 1] ^= 1;
    must_tell(s, &changed, path, "last byte");
    pb_free(&changed);
}

static int holds_default(const pb_field *f) { return f->wire == 2 ? f->size == 0 : f->wire == 0 && f->value == 0; }

static void change_field(sweep *s, const pb_field *f, const ProtobufCFieldDescriptor *known, const char *path) {
    int message = known != NULL && known->type == PROTOBUF_C_TYPE_MESSAGE;
    int repeated = known == NULL || known->label == PROTOBUF_C_LABEL_REPEATED;
    change_value(s, f, known, path);
    if (!message) change_last_byte(s, f, path);
    if (message || repeated || !holds_default(f)) try_change(s, path, REMOVE, 0, NULL, "removed");
    if (repeated) try_change(s, path, REPEAT, 0, NULL, "repeated");
}

static void sweep_message(sweep *s, const ProtobufCMessageDescriptor *type, size_t begin, size_t end,
                          const char *path) {
    size_t counts[256] = {0};
    const unsigned char *at = s->file->data + begin, *stop = s->file->data + end;
    char inner[256];
    (void)snprintf(inner, sizeof inner, "%s%s250", path, path[0] != '\0' ? "/" : "");
    try_change(s, inner, ADD_INT, 1, NULL, "unknown field");
    for (pb_field f; pb_next(&at, stop, &f);) {
        const ProtobufCFieldDescriptor *known = protobuf_c_message_descriptor_get_field(type, f.number);
        (void)snprintf(inner, sizeof inner, "%s%s%u.%zu", path, path[0] != '\0' ? "/" : "", f.number,
                       counts[f.number & 255]++);
        change_field(s, &f, known, inner);
        if (known == NULL || known->type != PROTOBUF_C_TYPE_MESSAGE) continue;
        size_t start = (size_t)(f.data - s->file->data);
        sweep_message(s, known->descriptor, start, start + f.size, inner);
    }
}

static void every_field(void **state) {
    (void)state;
    pb file = {0};
    rich_document(&file);
    sweep s = {.file = &file};
    sweep_message(&s, &onnx__model_proto__descriptor, 0, file.size, "");
    print_message("%zu changes of single fields, none missed; of %zu the data could not be found\n", s.tried,
                  s.refused);
    assert_true(s.tried > 1000 && s.refused < 40);
    pb_free(&file);
}

/* ---- the document has every field that there is ---- */

typedef struct known_type {
    const ProtobufCMessageDescriptor *type;
    uint64_t seen; /* bits by index of the field */
} known_type;

static known_type types[64];
static size_t n_types;

static known_type *type_row(const ProtobufCMessageDescriptor *type) {
    for (size_t i = 0; i < n_types; i++) {
        if (types[i].type == type) return &types[i];
    }
    assert_true(n_types < 64);
    types[n_types] = (known_type){.type = type};
    return &types[n_types++];
}

static void note_fields(const ProtobufCMessageDescriptor *type, const unsigned char *at, const unsigned char *end) {
    known_type *row = type_row(type);
    for (pb_field f; pb_next(&at, end, &f);) {
        const ProtobufCFieldDescriptor *known = protobuf_c_message_descriptor_get_field(type, f.number);
        if (known == NULL) continue;
        row->seen |= UINT64_C(1) << (known - type->fields);
        if (known->type == PROTOBUF_C_TYPE_MESSAGE) note_fields(known->descriptor, f.data, f.data + f.size);
    }
}

/* All that onnx.proto of ONNX 1.12 has; what later versions add is unknown there, and compared by its bytes. */
static int is_later(const char *field) {
    static const char *const later[] = {"overload",        "metadata_props",        "value_info",
                                        "attribute_proto", "device_configurations", "configuration"};
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        if (strcmp(field, later[i]) == 0) return 1;
    }
    return 0;
}

static void nothing_is_left_out(void **state) {
    (void)state;
    pb file = {0};
    rich_document(&file);
    note_fields(&onnx__model_proto__descriptor, file.data, file.data + file.size);
    for (size_t i = 0; i < n_types; i++) {
        for (unsigned k = 0; k < types[i].type->n_fields; k++) {
            const char *field = types[i].type->fields[k].name;
            if ((types[i].seen >> k & 1) != 0 || is_later(field)) continue;
            fail_msg("the rich document has no %s of %s", field, types[i].type->short_name);
        }
    }
    assert_int_equal(n_types, 21);
    pb_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list),
        cmocka_unit_test(every_field),
        cmocka_unit_test(nothing_is_left_out),
    };
    return cmocka_run_group_tests(tests, pair_setup, pair_teardown);
}
