/* text.c: names from files are shown to people, so they must be valid text and must not steer a terminal.
 *
 * UTF-8 is checked as in the Unicode Standard, table 3-7. Escaping happens once, on the finished error message, so
 * that no message can forget it. Kinds of files that are often mistaken for models are told by their first bytes.
 */
#include "onnx/text.h"

#include <stdio.h>
#include <string.h>

/* Bytes of the valid UTF-8 sequence at `p`, 0 when there is none. */
static size_t sequence(const unsigned char *p, size_t left) {
    unsigned char lead = p[0];
    if (lead < 0x80) return 1;
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || length > left) return 0;
    unsigned char low = 0x80, high = 0xbf;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
    if (p[1] < low || p[1] > high) return 0;
    for (size_t i = 2; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80) return 0;
    }
    return length;
}

bool eki_text_valid(const unsigned char *data, size_t size) {
    for (size_t i = 0; i < size;) {
        size_t length = sequence(data + i, size - i);
        if (length == 0 || data[i] == 0) return false;
        i += length;
    }
    return true;
}

/* C0, DEL, C1 (U+0080 to U+009F), and what reorders text (U+202A to U+202E, U+2066 to U+2069). */
static bool steers_terminal(const unsigned char *p, size_t length) {
    if (length == 1) return p[0] < 0x20 || p[0] == 0x7f;
    if (length == 2) return p[0] == 0xc2 && p[1] < 0xa0;
    if (length != 3 || p[0] != 0xe2) return false;
    return (p[1] == 0x80 && p[2] >= 0xaa && p[2] <= 0xae) || (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);
}

void eki_text_escape(char *text, size_t room) {
    char shown[4096];
    if (room > sizeof shown) room = sizeof shown;
    size_t size = strlen(text), used = 0;
    for (size_t i = 0; i < size;) {
        const unsigned char *p = (const unsigned char *)text + i;
        size_t length = sequence(p, size - i);
        bool plain = length > 0 && !steers_terminal(p, length);
        size_t taken = length > 0 ? length : 1, needed = plain ? taken : 4 * taken;
        if (used + needed + 1 > room) break;
        if (plain) {
            memcpy(shown + used, p, taken);
        } else {
            for (size_t k = 0; k < taken; k++) (void)snprintf(shown + used + 4 * k, 5, "\\x%02x", p[k]);
        }
        used += needed;
        i += taken;
    }
    memcpy(text, shown, used);
    text[used] = '\0';
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
