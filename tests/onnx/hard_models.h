/* hard_models.h: small models that are legal and easily mishandled; each must load and be written back as it is. */
#ifndef TEST_ONNX_HARD_MODELS_H
#define TEST_ONNX_HARD_MODELS_H

#include "models.h"

typedef struct hard_model {
    const char *name;
    void (*build)(pb *file);
} hard_model;

extern const hard_model hard_models[];
extern const size_t n_hard_models;

#endif
