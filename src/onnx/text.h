/* text.h: text out of files: is it UTF-8, how is it shown, and what is a file that is no model. */
#ifndef EKI_ONNX_TEXT_H
#define EKI_ONNX_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Valid UTF-8 without NUL (shortest form, no surrogates, at most U+10FFFF). */
bool eki_text_valid(const unsigned char *data, size_t size);

/* Rewrites `text` (a buffer of `room` bytes) so that a terminal shows it as it is: control characters and bytes that
 * are not UTF-8 become \x1b and the like; cut at the end when it grows beyond the room. */
void eki_text_escape(char *text, size_t room);

/* "a gzip archive; unpack it first", if the bytes are recognized as something that is not ONNX; else NULL. */
const char *eki_text_other_kind(const unsigned char *data, size_t size);

#endif
