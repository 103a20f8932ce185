/* train_fixture.h: small models, made-up batches and a folder to write in, for the tests of models and training. */
#ifndef TRAIN_FIXTURE_H
#define TRAIN_FIXTURE_H

#include <evenkeel/model.h>
#include <evenkeel/train.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Fails the test with the error's text when the call does not succeed. */
#define OK(call)                                                                                                       \
    do {                                                                                                               \
        ek_error ok_error_ = {.text = ""};                                                                             \
        ek_error *err = &ok_error_;                                                                                    \
        ek_status ok_status_ = (call);                                                                                 \
        if (ok_status_ != EK_OK) fail_msg("%s: %s: %s", #call, ek_status_name(ok_status_), ok_error_.text);            \
    } while (0)

/* Fails the test unless the call gives this status and a text with `part` in it. */
#define FAILS(wanted, part, call)                                                                                      \
    do {                                                                                                               \
        ek_error ok_error_ = {.text = ""};                                                                             \
        ek_error *err = &ok_error_;                                                                                    \
        fixture_expect((call), (wanted), ok_error_.text, (part), #call);                                               \
    } while (0)

void fixture_expect(ek_status status, ek_status wanted, const char *text, const char *part, const char *call);

/* A fresh folder under /tmp; removed with everything in it by fixture_clean. The models in it must be ones that other
 * programs take (tests/written); those that a test damages are called bad*. */
const char *fixture_folder(void);
/* "<folder>/<name>", in one of eight buffers used in turn. */
const char *fixture_path(const char *name);
void fixture_clean(void);

/* Images and labels from counter-based numbers keyed by `key`: count x elements, classes. */
typedef struct fixture_batch {
    ek_batch batch;
    float *images;
    int32_t *labels;
    uint64_t *ids;
} fixture_batch;

fixture_batch fixture_make_batch(int64_t count, int64_t elements, int classes, uint64_t key);
void fixture_free_batch(fixture_batch *batch);

/* A built model: architecture, norm, small extents. */
ek_model *fixture_model(const char *architecture, ek_norm_kind norm, int extent, double dropout);
/* Asserts that two models have the same initializers, bit for bit. */
void fixture_same_tensors(const ek_model *a, const ek_model *b);
/* FNV hash over all initializers. */
uint64_t fixture_hash(const ek_model *model);

unsigned char *fixture_read(const char *path, size_t *size); /* malloc'ed; NULL = no such file */
void fixture_write(const char *path, const void *data, size_t size);

#endif
