/* rich_document.h: a model with something of every message and field of onnx.proto, and changes of it by path. */
#ifndef TEST_DIFF_RICH_DOCUMENT_H
#define TEST_DIFF_RICH_DOCUMENT_H

#include "../onnx/protobuild.h"

/* Its external tensor is 16 bytes at 4 of weights.bin. */
void rich_document(pb *file);

typedef enum change_kind {
    SET_INT,   /* the field holds this number */
    SET_FLOAT, /* this float */
    SET_TEXT,  /* these bytes */
    REMOVE,
    ADD_INT,  /* a field of that number comes behind the message that the path leads to */
    ADD_TEXT, /* the same, with bytes */
    REPEAT,   /* the field comes twice */
    SWAP      /* the field and the next of its number change places */
} change_kind;

/* `path`: field numbers from the model down, with the occurrence where it is not the first: "7/1.2/5" is the first
 * attribute of the third node. For ADD_ the last number is that of the new field. Returns 0 where there is no such
 * field. */
int change_at(const pb *file, const char *path, change_kind kind, double number, const char *text, pb *out);

#endif
