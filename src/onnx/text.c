/* text.c: names must be text. Kinds of files that are often mistaken for models are told by their first bytes. */
#include "onnx/text.h"

#include "base/show.h"

#include <stdio.h>
#include <string.h>

bool eki_text_valid(const unsigned char *data, size_t size) {
    for (size_t i = 0; i < size;) {
        size_t length = eki_utf8_sequence(data + i, size - i);
        if (length == 0 || data[i] == 0) return false;
        i += length;
    }
    return true;
}

typedef struct kind {
    size_t offset, size;
    const char *magic, *text;
} kind;

static const kind kinds[] = {
    {0, 2, "\x1f\x8b", "a gzip archive; unpack it first (gunzip)"},
    {0, 4, "PK\x03\x04",
     "a zip archive or a PyTorch checkpoint; unpack it, or export the model with torch.onnx.export"},
    {0, 6,
     "\xfd"
     "7zXZ",
     "an xz archive; unpack it first (unxz)"},
    {0, 4, "\x28\xb5\x2f\xfd", "a Zstandard archive; unpack it first (unzstd)"},
    {0, 3, "BZh", "a bzip2 archive; unpack it first (bunzip2)"},
    {0, 8, "\x89PNG\r\n\x1a\n", "a PNG image; give an .onnx file"},
    {0, 3, "\xff\xd8\xff", "a JPEG image; give an .onnx file"},
    {0, 8, "\x89HDF\r\n\x1a\n", "an HDF5 file (Keras weights?); convert the model to ONNX first (tf2onnx)"},
    {8, 2, "{\"", "a safetensors file, which holds weights without a graph; export the model to ONNX where it is made"},
    {0, 8, "EKSTATE\x1a", "the training state of a model; give the .onnx file beside it"},
    {0, 6, "\x93NUMPY", "a NumPy array; give an .onnx file"},
    {0, 4, "GGUF", "a GGUF model; convert it to ONNX first"},
    {4, 4, "TFL3", "a TensorFlow Lite model; convert it to ONNX first (tf2onnx)"},
    {0, 4,
     "\x7f"
     "ELF",
     "an executable file; give an .onnx file"},
    {0, 4, "%PDF", "a PDF document; give an .onnx file"},
    {0, 23, "version https://git-lfs", "a Git LFS pointer, not the model itself; fetch it first (git lfs pull)"},
    {0, 5, "<!DOC", "a web page, perhaps of a failed download; give an .onnx file"},
    {0, 5, "<html", "a web page, perhaps of a failed download; give an .onnx file"},
};

static bool looks_like_text(const unsigned char *data, size_t size) {
    size_t checked = size < 512 ? size : 512;
    for (size_t i = 0; i < checked; i++) {
        bool space = data[i] == '\n' || data[i] == '\r' || data[i] == '\t';
        if ((data[i] < 0x20 && !space) || data[i] == 0x7f) return false;
    }
    return checked > 0;
}

const char *eki_text_other_kind(const unsigned char *data, size_t size) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const kind *k = &kinds[i];
        if (size >= k->offset + k->size && memcmp(data + k->offset, k->magic, k->size) == 0) return k->text;
    }
    return looks_like_text(data, size) ? "a text file; give an .onnx file" : NULL;
}
