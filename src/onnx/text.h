/* text.h: text out of files: is it UTF-8, and what is a file that is no model. */
#ifndef EKI_ONNX_TEXT_H
#define EKI_ONNX_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Valid UTF-8 without NUL (shortest form, no surrogates, at most U+10FFFF). */
bool eki_text_valid(const unsigned char *data, size_t size);

/* "a gzip archive; unpack it first", if the bytes are recognized as something that is not ONNX; else NULL. */
const char *eki_text_other_kind(const unsigned char *data, size_t size);

#endif
