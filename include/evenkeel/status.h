/* status.h: status values, error text and the export macro shared by every Evenkeel header.
 *
 * Every call that can fail returns an ek_status and takes, as its last argument, an optional ek_error in which it
 * writes one sentence: what was found, what was expected, and the remedy. Nothing is printed, nothing exits.
 */
#ifndef EVENKEEL_STATUS_H
#define EVENKEEL_STATUS_H

#include <stddef.h>

#if defined(__GNUC__)
#define EK_API __attribute__((visibility("default")))
#define EK_NODISCARD __attribute__((warn_unused_result))
#else
#define EK_API
#define EK_NODISCARD
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Status of a call. Values are pinned: they never change meaning. Zero is success, negative values are errors,
 * positive values are reserved for "in progress". */
typedef enum ek_status {
    EK_OK = 0,
    EK_ERR_ARG = -1,          /* an argument is outside its range */
    EK_ERR_SHAPE = -2,        /* shapes do not fit each other */
    EK_ERR_DTYPE = -3,        /* element type not supported here */
    EK_ERR_NOMEM = -4,        /* out of memory */
    EK_ERR_IO = -5,           /* reading or writing a file failed */
    EK_ERR_FORMAT = -6,       /* a file is damaged or not of the expected kind */
    EK_ERR_UNSUPPORTED = -7,  /* valid, but not implemented */
    EK_ERR_LIMIT = -8,        /* a size or memory limit would be exceeded */
    EK_ERR_NONFINITE = -9,    /* NaN or infinity where a finite number is required */
    EK_ERR_STATE = -10,       /* calls in an order that makes no sense */
    EK_ERR_DIST = -11,        /* ranks disagree, or one is lost */
    EK_ERR_INTERRUPTED = -12, /* stopped on request */
    EK_ERR_CHECK = -13        /* a verification ran and failed */
} ek_status;

enum { EK_ERROR_TEXT = 2048 };

/* Caller-owned error text. Written only when a call fails; `text` is always NUL-terminated. */
typedef struct ek_error {
    ek_status status;
    char text[EK_ERROR_TEXT];
} ek_error;

/* Name of a status value, such as "EK_ERR_SHAPE". Never NULL. */
EK_API const char *ek_status_name(ek_status status);

/* How text out of a file is shown to people: as it is, but for control characters, marks that turn the direction of
 * writing and bytes that are not UTF-8, which become \x1b and the like, so that no name steers a terminal or makes up a
 * line. Writes what fits into `shown`, with a NUL behind it; returns the length that all of it has. The text of an
 * ek_error is shown so already; names that other calls give are as the file has them. */
EK_API size_t ek_text_show(const char *text, size_t length, char *shown, size_t room);

/* Element types. Values equal ONNX TensorProto.DataType where ONNX has the type. Norms have those that are marked. */
typedef enum ek_dtype {
    EK_DTYPE_NONE = 0,
    EK_F32 = 1, /* norm */
    EK_U8 = 2,
    EK_I8 = 3,
    EK_U16 = 4,
    EK_I16 = 5,
    EK_I32 = 6,
    EK_I64 = 7,
    EK_STRING = 8,
    EK_BOOL = 9,
    EK_F16 = 10, /* norm */
    EK_F64 = 11, /* norm */
    EK_U32 = 12,
    EK_U64 = 13,
    EK_BF16 = 16 /* norm */
} ek_dtype;

#ifdef __cplusplus
}
#endif
#endif
