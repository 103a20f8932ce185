/* rules.c: the table of fields that have a rule. What is not in it is compared as its type says (messages.c). */
#include "diff/rules.h"

#include "diff/words.h"
#include "onnx/schema.h"

#include <string.h>

static const eki_rule rules[] = {
    {"ModelProto", "ir_version", EKI_HOW_KIND, "ir-version", .key = {0}},
    {"ModelProto", "opset_import", EKI_HOW_KEYED, "opset", .key = {.name = OPSET_DOMAIN}},
    {"ModelProto", "metadata_props", EKI_HOW_KEYED, "metadata", .key = {.name = ENTRY_KEY}},
    {"ModelProto", "functions", EKI_HOW_KEYED, "function", .key = {.name = FUNCTION_NAME, .scope = FUNCTION_DOMAIN}},
    {"ModelProto", "training_info", EKI_HOW_KEYED, "training", .key = {0}},
    {"ModelProto", "graph", EKI_HOW_GRAPH, NULL, .key = {0}},
    {"TrainingInfoProto", "initialization", EKI_HOW_GRAPH, NULL, .key = {0}},
    {"TrainingInfoProto", "algorithm", EKI_HOW_GRAPH, NULL, .key = {0}},
    {"AttributeProto", "g", EKI_HOW_GRAPH, NULL, .key = {0}},
    {"AttributeProto", "graphs", EKI_HOW_GRAPH, NULL, .key = {0}},
    {NULL, "node", EKI_HOW_KEYED, "node", "node-added", "node-removed",
     .key = {.name = NODE_NAME, .also = NODE_OUTPUT, .sort = NODE_OP_TYPE}},
    {"GraphProto", "initializer", EKI_HOW_KEYED, "tensor", "tensor-added", "tensor-removed",
     .key = {.name = TENSOR_NAME}},
    {"GraphProto", "sparse_initializer", EKI_HOW_KEYED, "tensor", "tensor-added", "tensor-removed",
     .key = {.name = TENSOR_NAME, .inner = SPARSE_VALUES}},
    {"GraphProto", "input", EKI_HOW_KEYED, "input", .key = {.name = VALUE_INFO_NAME}},
    {"GraphProto", "output", EKI_HOW_KEYED, "output", .key = {.name = VALUE_INFO_NAME}},
    {NULL, "value_info", EKI_HOW_KEYED, "value-info", .key = {.name = VALUE_INFO_NAME}},
    {"GraphProto", "quantization_annotation", EKI_HOW_KEYED, "annotation", .key = {.name = ANNOTATION_TENSOR}},
    {"FunctionProto", "opset_import", EKI_HOW_KEYED, "opset", .key = {.name = OPSET_DOMAIN}},
    {"FunctionProto", "attribute_proto", EKI_HOW_KEYED, "attribute", .key = {.name = ATTR_NAME}},
    {"NodeProto", "attribute", EKI_HOW_KEYED, "attribute", .key = {.name = ATTR_NAME}},
    {"NodeProto", "input", EKI_HOW_NAMES, NULL, .key = {0}},
    {"NodeProto", "output", EKI_HOW_NAMES, NULL, .key = {0}},
    {"NodeProto", "op_type", EKI_HOW_WORD, NULL, .key = {0}},
    {"OperatorSetIdProto", "version", EKI_HOW_PLAIN, NULL, .key = {0}},
    {"StringStringEntryProto", "value", EKI_HOW_PLAIN, NULL, .key = {0}},
    {"ValueInfoProto", "type", EKI_HOW_TYPE, NULL, .key = {0}},
    {"AttributeProto", "f", EKI_HOW_PLAIN, NULL, .key = {0}},
    {"AttributeProto", "i", EKI_HOW_PLAIN, NULL, .key = {0}},
    {"AttributeProto", "s", EKI_HOW_PLAIN, NULL, .key = {0}},
    {"AttributeProto", "t", EKI_HOW_PLAIN, NULL, .key = {0}},
    {"AttributeProto", "floats", EKI_HOW_PLAIN, NULL, .key = {0}},
    {"AttributeProto", "ints", EKI_HOW_PLAIN, NULL, .key = {0}},
    {"AttributeProto", "strings", EKI_HOW_PLAIN, NULL, .key = {0}},
    {"AttributeProto", "tp", EKI_HOW_TYPE, NULL, .key = {0}},
};

/* Maps, wherever they stand: metadata, external_data, bindings, quantization parameters. */
static const eki_rule entries = {NULL, NULL, EKI_HOW_KEYED, NULL, .key = {.name = ENTRY_KEY}};

static const eki_rule *rule_of(const eki_message *type, const eki_member *member) {
    const char *name = eki_message_name(type);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const eki_rule *rule = &rules[i];
        if (strcmp(rule->member, member->name) != 0) continue;
        if (rule->message == NULL || strcmp(rule->message, name) == 0) return rule;
    }
    bool map = member->repeated && member->holds == EKI_HOLDS_MESSAGE &&
               strcmp(eki_message_name(member->message), "StringStringEntryProto") == 0;
    return map ? &entries : NULL;
}

/* ---- graphs ---- */

/* They pair by position; one that only one document has is told as the field that it is. */
static ek_status compare_graphs(eki_comparison *c, const eki_member *member, eki_bytes a, eki_bytes b,
                                const eki_spot *at) {
    eki_items p = eki_items_of(a, member), q = eki_items_of(b, member);
    bool top = at == NULL, attribute = !top && at->role == EKI_SPOT_PART;
    for (size_t i = 0;; i++) {
        eki_item x, y;
        bool more = eki_items_next(&p, &x), more_too = eki_items_next(&q, &y);
        if (!more && !more_too) return EK_OK;
        eki_spot field = {.up = at, .role = EKI_SPOT_FIELD, .field = attribute ? NULL : member->name};
        field.numbered = member->repeated;
        field.index = i;
        eki_spot graph = {.up = top ? NULL : &field, .role = EKI_SPOT_GRAPH};
        if (more && more_too) {
            EKI_TRY(eki_compare_messages(c, member->message, x.bytes, y.bytes, &graph));
        } else {
            EKI_TRY(eki_tell(c, &field, NULL, 0, more ? "a graph -> none" : "none -> a graph"));
        }
    }
}

/* ---- nodes ---- */

static bool same_text(const eki_item *a, const eki_item *b) {
    return a->bytes.size == b->bytes.size &&
           (a->bytes.size == 0 || memcmp(a->bytes.data, b->bytes.data, a->bytes.size) == 0);
}

static size_t count_of(const eki_member *member, eki_bytes message) {
    eki_items items = eki_items_of(message, member);
    size_t count = 0;
    for (eki_item item; eki_items_next(&items, &item);) count++;
    return count;
}

static ek_status compare_names(eki_comparison *c, const eki_member *member, eki_bytes a, eki_bytes b,
                               const eki_spot *at) {
    size_t n_a = count_of(member, a), n_b = count_of(member, b);
    char left[EKI_WORDS], right[EKI_WORDS];
    eki_items p = eki_items_of(a, member), q = eki_items_of(b, member);
    eki_item x, y;
    if (n_a != n_b) {
        return eki_tell(c, at, NULL, 0, "%zu -> %zu %ss: %s -> %s", n_a, n_b, member->name,
                        eki_list_words(member, a, 0, left), eki_list_words(member, b, 0, right));
    }
    for (size_t i = 0; eki_items_next(&p, &x) && eki_items_next(&q, &y); i++) {
        if (same_text(&x, &y)) continue;
        size_t from = eki_parting(x.bytes, y.bytes);
        EKI_TRY(eki_tell(c, at, NULL, 0, "%s %zu: %s -> %s", member->name, i, eki_quote(x.bytes, from, left),
                         eki_quote(y.bytes, from, right)));
    }
    return EK_OK;
}

static ek_status compare_words(eki_comparison *c, const eki_member *member, eki_bytes a, eki_bytes b,
                               const eki_spot *at) {
    eki_item x = {0}, y = {0};
    (void)eki_item_of(a, member, &x);
    (void)eki_item_of(b, member, &y);
    if (same_text(&x, &y)) return EK_OK;
    return eki_tell(c, at, NULL, 0, "%.*s -> %.*s", x.bytes.size < 80 ? (int)x.bytes.size : 80,
                    x.bytes.size > 0 ? (const char *)x.bytes.data : "", y.bytes.size < 80 ? (int)y.bytes.size : 80,
                    y.bytes.size > 0 ? (const char *)y.bytes.data : "");
}

/* ---- types ---- */

/* In the words of types where these differ, which is what people read; else field by field. */
static ek_status compare_types(eki_comparison *c, const eki_member *member, eki_bytes a, eki_bytes b,
                               const eki_spot *at) {
    eki_item x, y;
    char left[EKI_WORDS], right[EKI_WORDS];
    bool here = eki_item_of(a, member, &x), there = eki_item_of(b, member, &y);
    if (!here && !there) return EK_OK;
    strcpy(left, "no type");
    strcpy(right, "no type");
    if (here) (void)eki_type_words(member->message, x.bytes, left);
    if (there) (void)eki_type_words(member->message, y.bytes, right);
    if (strcmp(left, right) != 0) return eki_tell(c, at, NULL, 0, "%s -> %s", left, right);
    eki_spot field = {.up = at, .role = EKI_SPOT_FIELD, .field = member->name};
    return eki_compare_member(c, member, a, b, &field);
}

ek_status eki_compare_by_rule(eki_comparison *c, const eki_message *type, const eki_member *member, eki_bytes a,
                              eki_bytes b, const eki_spot *at, bool *done) {
    const eki_rule *rule = rule_of(type, member);
    *done = rule != NULL;
    if (rule == NULL) return EK_OK;
    switch (rule->how) {
    case EKI_HOW_KEYED: return eki_compare_keyed(c, rule, member, a, b, at);
    case EKI_HOW_GRAPH: return compare_graphs(c, member, a, b, at);
    case EKI_HOW_NAMES: return compare_names(c, member, a, b, at);
    case EKI_HOW_WORD: return compare_words(c, member, a, b, at);
    case EKI_HOW_TYPE: return compare_types(c, member, a, b, at);
    case EKI_HOW_PLAIN: return eki_compare_member(c, member, a, b, at);
    case EKI_HOW_KIND: break;
    }
    eki_spot subject = {.up = at, .role = EKI_SPOT_SUBJECT, .kind = rule->kind};
    return eki_compare_member(c, member, a, b, &subject);
}
