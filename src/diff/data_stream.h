/* data_stream.h: the numbers of a tensor as one stream of bytes, wherever and however they are stored. */
#ifndef EKI_DIFF_DATA_STREAM_H
#define EKI_DIFF_DATA_STREAM_H

#include "diff/comparison.h"
#include "onnx/external.h"
#include "onnx/storage.h"

typedef enum eki_stored {
    EKI_STORED_NONE = 0,
    EKI_STORED_RAW,
    EKI_STORED_TYPED,
    EKI_STORED_OUTSIDE, /* in a file beside the model */
    EKI_STORED_SEVERAL  /* in two ways at once, which nothing allows: no stream */
} eki_stored;

typedef struct eki_data_stream {
    eki_side *side;
    int64_t dtype;
    const eki_storage *storage; /* NULL = a type that is not known */
    eki_stored stored;
    eki_bytes raw;
    eki_member typed;
    eki_items items;
    eki_external external;
    uint64_t offset; /* OUTSIDE: where the first byte lies */
    uint64_t bytes;  /* of the stream */
    uint64_t at;
    bool misfit; /* a typed number does not fit the data type, so that the stream is not all that was said */
} eki_data_stream;

/* What a TensorProto holds. For OUTSIDE the file is opened; EK_ERR_IO, EK_ERR_FORMAT name it. */
ek_status eki_data_stream_of(eki_comparison *c, int side, const eki_message *type, eki_bytes tensor,
                             eki_data_stream *numbers);

/* The next bytes, as many as there are and fit. */
ek_status eki_data_stream_get(eki_comparison *c, eki_data_stream *numbers, void *to, size_t room, size_t *got);
void eki_data_stream_rewind(eki_data_stream *numbers);

/* "raw_data", "float_data", ... */
const char *eki_stored_words(const eki_data_stream *numbers);

#endif
