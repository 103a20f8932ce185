/* test_op_table.c: is what ops.def says of ONNX's operators sound in itself, and does everybody else ask it? */
#include "ops/ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *name, *opsets, *changes;
} rows[] = {
#define EKI_OP(name, traits, opsets, changes) {#name, opsets, changes},
#include "ops/ops.def"
};
enum { ROWS = sizeof rows / sizeof *rows };

static void names_are_found(void **state) {
    (void)state;
    assert_int_equal(ROWS, EKI_OPS - 1);
    for (int i = 0; i < ROWS; i++) {
        eki_opcode code = eki_op_code(rows[i].name, i % 2 ? "" : "ai.onnx");
        assert_int_equal(code, i + 1); /* a name that stood twice would be found at its first place */
        assert_string_equal(eki_op_name(code), rows[i].name);
        assert_int_equal(eki_op_code(rows[i].name, "com.microsoft"), EKI_OP_NONE);
    }
    assert_int_equal(eki_op_code("relu", ""), EKI_OP_NONE);
    assert_false(eki_op_has(EKI_OP_NONE, UINT32_MAX));
}

/* Opsets rise; each "!" has its words, and no words are without one. */
static void changes_have_words(void **state) {
    (void)state;
    char text[96];
    for (int i = 0; i < ROWS; i++) {
        eki_opcode code = (eki_opcode)(i + 1);
        int marks = 0, words = rows[i].changes[0] != '\0';
        int64_t last = 0;
        for (const char *at = rows[i].opsets; *at != '\0';) {
            char *end;
            int64_t opset = strtol(at, &end, 10);
            if (opset <= last) fail_msg("%s: opsets '%s'", rows[i].name, rows[i].opsets);
            if ((*eki_op_change(code, opset, text) != '\0') != (*end == '!'))
                fail_msg("%s: what changed at %d?", rows[i].name, (int)opset);
            if (*end == '!') assert_int_equal(eki_op_next_change(code, last), opset);
            marks += *end == '!';
            last = *end == '!' ? opset : last;
            at = end + strspn(end, "! ");
        }
        for (const char *at = rows[i].changes; *at != '\0'; at++) words += *at == ';';
        assert_int_equal(marks, words);
        assert_int_equal(eki_op_next_change(code, last), 0);
        assert_int_equal(eki_op_since(code), atoi(rows[i].opsets));
    }
}

static void traits_hold(void **state) {
    (void)state;
    assert_true(eki_op_has(EKI_OP_ThresholdedRelu, EKI_ACTIVATION));
    assert_true(eki_op_has(EKI_OP_RMSNormalization, EKI_NORM));
    assert_false(eki_op_has(EKI_OP_LRN, EKI_NORM));
    for (int code = 1; code < EKI_OPS; code++) {
        bool sliding = eki_op_has((eki_opcode)code, EKI_CONVOLUTION);
        assert_true(!sliding || eki_op_has((eki_opcode)code, EKI_PRODUCT));
    }
    assert_int_equal(eki_op_next_change(EKI_OP_LessOrEqual, 12), 0);
    assert_int_equal(eki_op_next_change(EKI_OP_GreaterOrEqual, 12), 0);
}

/* With an argument, the table for another program to read: name, opsets. */
int main(int argc, char **argv) {
    (void)argv;
    for (int i = 0; argc > 1 && i < ROWS; i++) printf("%s %s\n", rows[i].name, rows[i].opsets);
    if (argc > 1) return 0;
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_are_found), cmocka_unit_test(changes_have_words),
                                       cmocka_unit_test(traits_hold)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
