/* broken_wire.c: files that are not ONNX, and damage below the level of messages. */
#include "models.h"

static void whole(pb *file) {
    pb graph = {0};
    relu_graph(&graph);
    finish_model(file, &graph);
}

static void then(pb *file, const char *bytes, size_t size) {
    whole(file);
    pb_raw(file, bytes, size);
}

static void empty(pb *file) { (void)file; }
static void one_byte(pb *file) { pb_raw(file, "\x08", 1); }
static void text(pb *file) { pb_raw(file, "hello, this is a text\n", 22); }
static void lfs(pb *file) { pb_raw(file, "version https://git-lfs.github.com/spec/v1\n", 43); }
static void gzip(pb *file) { pb_raw(file, "\x1f\x8b\x08\0\0\0\0\0\0\x03", 10); }
static void png(pb *file) { pb_raw(file, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16); }
static void zip(pb *file) { pb_raw(file, "PK\x03\x04\x14\0\0\0", 8); }
static void junk(pb *file) { then(file, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11); }
static void zeros(pb *file) { then(file, "\0\0\0\0", 4); }
static void field_zero(pb *file) { then(file, "\x02\x01x", 3); }
static void huge_field(pb *file) { then(file, "\xf8\xff\xff\xff\x7f\x01", 6); }
static void group(pb *file) { then(file, "\xa3\x06\xa4\x06", 4); }
static void wire_type_7(pb *file) { then(file, "\xa7\x06", 2); }
static void long_varint(pb *file) { then(file, "\xa0\x06\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 13); }
static void varint_65_bits(pb *file) { then(file, "\xa0\x06\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 12); }
static void long_tag(pb *file) { then(file, "\xa0\x86\x80\x80\x80\x80\0\x01", 8); }
static void long_length(pb *file) { then(file, "\xa2\x06\x80\x80\x80\x80\x80\0", 8); }
static void length_past_end(pb *file) { then(file, "\xa2\x06\x7fxyz", 6); }
static void length_4_gib(pb *file) { then(file, "\xa2\x06\xff\xff\xff\xff\x0f", 7); }
static void fixed_past_end(pb *file) { then(file, "\xa5\x06\x01\x02", 4); }
static void graph_as_number(pb *file) { then(file, "\x38\x01", 2); }
static void name_as_float(pb *file) { then(file, "\x15\0\0\0\0", 5); }
static void two_graphs(pb *file) {
    pb graph = {0};
    whole(file);
    relu_graph(&graph);
    pb_message(file, 7, &graph);
}

static void tensor_file(pb *file) {
    pb_int(file, 1, 1);
    pb_int(file, 1, 2);
    pb_int(file, 2, EK_F32);
    pb_bytes(file, 9, "\0\0\0\0\0\0\0\0", 8);
}

static void packed_floats_of_7_bytes(pb *file) {
    pb graph = {0}, tensor = {0};
    relu_graph(&graph);
    pb_int(&tensor, 2, EK_F32);
    pb_bytes(&tensor, 4, "\0\0\0\0\0\0\0", 7);
    pb_message(&graph, 5, &tensor);
    finish_model(file, &graph);
}

static void packed_number_without_end(pb *file) {
    pb graph = {0}, tensor = {0};
    relu_graph(&graph);
    pb_int(&tensor, 2, EK_I64);
    pb_bytes(&tensor, 7, "\x01\xff", 2);
    pb_message(&graph, 5, &tensor);
    finish_model(file, &graph);
}

static void named(pb *file, const char *name, size_t size) {
    pb graph = {0}, node = {0};
    pb_bytes(&node, 2, name, size);
    pb_bytes(&node, 3, name, size);
    pb_text(&node, 4, "Relu");
    pb_message(&graph, 1, &node);
    finish_model(file, &graph);
}

static void name_latin1(pb *file) { named(file, "caf\xe9", 4); }
static void name_nul(pb *file) { named(file, "a\0b", 3); }
static void name_surrogate(pb *file) { named(file, "\xed\xa0\x80", 3); }
static void name_overlong(pb *file) { named(file, "\xc0\xaf", 2); }

/* A node that reads a value of that name, which nothing provides. */
static void reads(pb *file, const char *name) {
    pb graph = {0};
    add_node(&graph, "Relu", name, "y");
    add_info(&graph, 12, "y", NULL);
    finish_model(file, &graph);
}

static void name_ansi(pb *file) { reads(file, "\x1b[2J\x1b]0;owned\x07"); }
static void name_newline(pb *file) { reads(file, "a\nb"); }
static void name_c1(pb *file) {
    reads(file, "a\xc2\x9b"
                "31m");
}
static void name_bidi(pb *file) { reads(file, "a\xe2\x80\xae"); }
static void name_unicode(pb *file) { reads(file, "caf\xc3\xa9 \xe6\xbc\xa2"); }

static const broken_case cases[] = {
    {"empty", empty, EK_ERR_FORMAT, "the file is empty"},
    {"one byte", one_byte, EK_ERR_FORMAT, "cut short"},
    {"text", text, EK_ERR_FORMAT, "is a text file"},
    {"git lfs pointer", lfs, EK_ERR_FORMAT, "Git LFS pointer"},
    {"gzip", gzip, EK_ERR_FORMAT, "is a gzip archive"},
    {"png", png, EK_ERR_FORMAT, "is a PNG image"},
    {"zip", zip, EK_ERR_FORMAT, "is a zip archive"},
    {"tensor file", tensor_file, EK_ERR_FORMAT, "is a tensor"},
    {"trailing junk", junk, EK_ERR_FORMAT, "a field tag is longer than 64 bits"},
    {"trailing zeros", zeros, EK_ERR_FORMAT, "field number 0"},
    {"field 0", field_zero, EK_ERR_FORMAT, "field number 0"},
    {"field over 2^29", huge_field, EK_ERR_FORMAT, "valid are 1 to 536870911"},
    {"group", group, EK_ERR_FORMAT, "is a protobuf group"},
    {"wire type 7", wire_type_7, EK_ERR_FORMAT, "wire type 7"},
    {"overlong varint", long_varint, EK_ERR_FORMAT, "a number is longer than 64 bits"},
    {"varint of 65 bits", varint_65_bits, EK_ERR_FORMAT, "a number is longer than 64 bits"},
    {"overlong tag", long_tag, EK_ERR_FORMAT, "a field tag takes 7 bytes"},
    {"overlong length", long_length, EK_ERR_FORMAT, "a length takes 6 bytes"},
    {"length past the end", length_past_end, EK_ERR_FORMAT, "needs 127 bytes, its message has 3 left"},
    {"length of 4 GiB", length_4_gib, EK_ERR_FORMAT, "needs 4294967295 bytes"},
    {"fixed past the end", fixed_past_end, EK_ERR_FORMAT, "needs 4 bytes, its message has 2 left"},
    {"graph as number", graph_as_number, EK_ERR_FORMAT, "'graph' of ModelProto is a varint, expected a length"},
    {"name as float", name_as_float, EK_ERR_FORMAT, "'producer_name' of ModelProto is a 32-bit number"},
    {"two graphs", two_graphs, EK_ERR_FORMAT, "'graph' of ModelProto is given twice"},
    {"packed floats of 7 bytes", packed_floats_of_7_bytes, EK_ERR_FORMAT, "expected a multiple of 4"},
    {"packed number without end", packed_number_without_end, EK_ERR_FORMAT, "a number that does not end"},
    {"name in latin-1", name_latin1, EK_ERR_FORMAT, "is 'caf\\xe9', which is not UTF-8"},
    {"name with NUL", name_nul, EK_ERR_FORMAT, "not UTF-8 text (or holds a NUL)"},
    {"name with a surrogate", name_surrogate, EK_ERR_FORMAT, "\\xed\\xa0\\x80"},
    {"name in overlong UTF-8", name_overlong, EK_ERR_FORMAT, "\\xc0\\xaf"},
    {"name with terminal escapes", name_ansi, EK_ERR_FORMAT, "reads '\\x1b[2J\\x1b]0;owned\\x07'"},
    {"name with a newline", name_newline, EK_ERR_FORMAT, "reads 'a\\x0ab'"},
    {"name with C1 controls", name_c1, EK_ERR_FORMAT, "reads 'a\\xc2\\x9b31m'"},
    {"name with reordering", name_bidi, EK_ERR_FORMAT, "reads 'a\\xe2\\x80\\xae'"},
    {"name in unicode", name_unicode, EK_ERR_FORMAT, "reads 'caf\xc3\xa9 \xe6\xbc\xa2'"},
};

broken_list broken_wire(void) { return (broken_list){cases, sizeof cases / sizeof *cases}; }
