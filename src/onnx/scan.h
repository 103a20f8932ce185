/* scan.h: the check of a whole file before anything is built from it. */
#ifndef EKI_ONNX_SCAN_H
#define EKI_ONNX_SCAN_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { EKI_MAX_MESSAGE_DEPTH = 100, EKI_MAX_GRAPH_DEPTH = 32 };

/* Checks the bytes against the schema of ModelProto: lengths, wire types, nesting, text, singular fields given once.
 * Uses no memory but the stack, in time linear in the bytes. */
ek_status eki_onnx_scan(const unsigned char *data, size_t size, ek_error *err);

/* Whether the bytes are a TensorProto, for the message of a failed load. */
bool eki_onnx_is_tensor(const unsigned char *data, size_t size);

/* Whether they are an AttributeProto without graphs. */
bool eki_onnx_is_plain_attribute(const unsigned char *data, size_t size);

#endif
