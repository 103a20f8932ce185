/* npy_header.c: a parser for the one Python dictionary that an .npy header is.
 *
 * Recursive descent over exactly three keys in any order, each once. Object arrays, structured and big-endian types and
 * Fortran order are recognized in order to be refused with the remedy.
 */
#include "data/npy_header.h"

#include <stdbool.h>
#include <string.h>

typedef struct type_row {
    const char *descr;
    ek_dtype dtype;
    size_t bytes;
} type_row;

static const type_row types[] = {
    {"<f4", EK_F32, 4}, {"<f8", EK_F64, 8},  {"<f2", EK_F16, 2}, {"|u1", EK_U8, 1},
    {"|i1", EK_I8, 1},  {"|b1", EK_BOOL, 1}, {"<i2", EK_I16, 2}, {"<i4", EK_I32, 4},
    {"<i8", EK_I64, 8}, {"<u2", EK_U16, 2},  {"<u4", EK_U32, 4}, {"<u8", EK_U64, 8},
};
enum { TYPES = sizeof types / sizeof types[0], WORD_ROOM = 32 };

const char *eki_npy_descr(ek_dtype dtype) {
    for (int i = 0; i < TYPES; i++) {
        if (types[i].dtype == dtype) return types[i].descr;
    }
    return NULL;
}

size_t eki_npy_item_bytes(ek_dtype dtype) {
    for (int i = 0; i < TYPES; i++) {
        if (types[i].dtype == dtype) return types[i].bytes;
    }
    return 0;
}

typedef struct parser {
    const char *path, *at, *end;
    ek_npy *array;
    ek_error *err;
} parser;

static ek_status fail_syntax(const parser *p, const char *expected) {
    return eki_fail(p->err, EK_ERR_FORMAT, "%s: damaged .npy header: expected %s; save the array again with numpy.save",
                    p->path, expected);
}

static void skip_space(parser *p) {
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\t' || *p->at == '\r')) p->at++;
}

static bool accept(parser *p, char c) {
    skip_space(p);
    if (p->at >= p->end || *p->at != c) return false;
    p->at++;
    return true;
}

/* A quoted string of plain printable characters. */
static ek_status parse_string(parser *p, char word[WORD_ROOM]) {
    skip_space(p);
    if (p->at >= p->end || (*p->at != '\'' && *p->at != '"')) return fail_syntax(p, "a quoted string");
    char quote = *p->at++;
    size_t used = 0;
    while (p->at < p->end && *p->at != quote) {
        if (used + 1 >= WORD_ROOM || *p->at < ' ' || *p->at > '~' || *p->at == '\\') {
            return fail_syntax(p, "a short plain string");
        }
        word[used++] = *p->at++;
    }
    if (p->at >= p->end) return fail_syntax(p, "the closing quote of a string");
    p->at++;
    word[used] = '\0';
    return EK_OK;
}

/* "<f4", also without the mark of byte order where there is none to mark ("u1", "<u1", "=u1"). */
static ek_dtype find_type(const char *descr) {
    const char *plain = strchr("<|=>", descr[0]) != NULL && descr[0] != '\0' ? descr + 1 : descr;
    for (int i = 0; i < TYPES; i++) {
        if (strcmp(types[i].descr + 1, plain) != 0) continue;
        if (types[i].bytes == 1 || descr[0] == '<') return types[i].dtype;
    }
    return EK_DTYPE_NONE;
}

static ek_status parse_descr(parser *p) {
    skip_space(p);
    if (p->at < p->end && *p->at == '[') {
        return eki_fail(p->err, EK_ERR_DTYPE,
                        "%s: holds records (a structured dtype), expected plain numbers; save one "
                        "field at a time",
                        p->path);
    }
    char descr[WORD_ROOM];
    EKI_TRY(parse_string(p, descr));
    if (strchr(descr, 'O') != NULL) {
        return eki_fail(p->err, EK_ERR_DTYPE,
                        "%s: holds Python objects (dtype %s), which are never loaded; save it "
                        "with a number type, such as a.astype('float32')",
                        p->path, descr);
    }
    if (descr[0] == '>') {
        return eki_fail(p->err, EK_ERR_DTYPE,
                        "%s: is big-endian (dtype %s), expected little-endian; save it as "
                        "a.astype('<%s')",
                        p->path, descr, descr + 1);
    }
    p->array->dtype = find_type(descr);
    if (p->array->dtype == EK_DTYPE_NONE) {
        return eki_fail(p->err, EK_ERR_DTYPE,
                        "%s: element type '%s' is not supported, expected f2, f4, f8, i1 to i8, u1 "
                        "to u8 or bool; save it as a.astype('float32')",
                        p->path, descr);
    }
    return EK_OK;
}

static ek_status parse_order(parser *p) {
    skip_space(p);
    size_t rest = (size_t)(p->end - p->at);
    if (rest >= 5 && memcmp(p->at, "False", 5) == 0) {
        p->at += 5;
        return EK_OK;
    }
    if (rest >= 4 && memcmp(p->at, "True", 4) == 0) {
        return eki_fail(p->err, EK_ERR_UNSUPPORTED,
                        "%s: is in Fortran order, expected C order; save it as "
                        "numpy.ascontiguousarray(a)",
                        p->path);
    }
    return fail_syntax(p, "True or False for 'fortran_order'");
}

static ek_status parse_extent(parser *p, int64_t *value) {
    skip_space(p);
    if (p->at >= p->end || *p->at < '0' || *p->at > '9') return fail_syntax(p, "a number in 'shape'");
    *value = 0;
    for (; p->at < p->end && *p->at >= '0' && *p->at <= '9'; p->at++) {
        if (__builtin_mul_overflow(*value, 10, value) || __builtin_add_overflow(*value, *p->at - '0', value)) {
            return eki_fail(p->err, EK_ERR_LIMIT, "%s: an extent in 'shape' does not fit 64 bits", p->path);
        }
    }
    return EK_OK;
}

static ek_status parse_shape(parser *p) {
    ek_npy *a = p->array;
    if (!accept(p, '(')) return fail_syntax(p, "( of 'shape'");
    while (!accept(p, ')')) {
        if (a->rank == EK_NPY_MAX_RANK) {
            return eki_fail(p->err, EK_ERR_LIMIT, "%s: has more than %d dimensions; reshape it", p->path,
                            EK_NPY_MAX_RANK);
        }
        EKI_TRY(parse_extent(p, &a->dims[a->rank++]));
        if (accept(p, ',')) continue;
        if (!accept(p, ')')) return fail_syntax(p, ", or ) in 'shape'");
        break;
    }
    return EK_OK;
}

typedef struct key_row {
    const char *name;
    ek_status (*parse)(parser *p);
} key_row;

static const key_row keys[] = {{"descr", parse_descr}, {"fortran_order", parse_order}, {"shape", parse_shape}};
enum { KEYS = sizeof keys / sizeof keys[0] };

static ek_status parse_pair(parser *p, bool seen[KEYS]) {
    char word[WORD_ROOM];
    EKI_TRY(parse_string(p, word));
    if (!accept(p, ':')) return fail_syntax(p, ": after a key");
    for (int k = 0; k < KEYS; k++) {
        if (strcmp(word, keys[k].name) != 0) continue;
        if (seen[k]) return fail_syntax(p, "each key once");
        seen[k] = true;
        return keys[k].parse(p);
    }
    return fail_syntax(p, "the keys 'descr', 'fortran_order' and 'shape' only");
}

ek_status eki_npy_parse_header(const char *path, const char *text, size_t length, ek_npy *array, ek_error *err) {
    parser p = {.path = path, .at = text, .end = text + length, .array = array, .err = err};
    bool seen[KEYS] = {false};
    array->rank = 0;
    if (!accept(&p, '{')) return fail_syntax(&p, "{ at the beginning");
    while (!accept(&p, '}')) {
        EKI_TRY(parse_pair(&p, seen));
        if (accept(&p, ',')) continue;
        if (!accept(&p, '}')) return fail_syntax(&p, ", or } after a value");
        break;
    }
    skip_space(&p);
    if (p.at != p.end) return fail_syntax(&p, "nothing after }");
    for (int k = 0; k < KEYS; k++) {
        if (!seen[k]) return fail_syntax(&p, "'descr', 'fortran_order' and 'shape'");
    }
    return EK_OK;
}
