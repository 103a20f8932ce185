/* jpeg.c: JPEG files through TurboJPEG, reading from memory.
 *
 * A warning of the decoder (a file that ends too early, bad codes) counts as damage: the rest of such an image would be
 * gray. The accurate integer transform is used, so that pixels agree between machines.
 */
#include "base/memory.h"
#include "data/image.h"

#include <turbojpeg.h>

static ek_status fail_damaged(const eki_encoded *file, tjhandle handle, ek_error *err) {
    return eki_fail(err, EK_ERR_FORMAT, "%s: damaged JPEG (%s); replace or remove it", file->path,
                    tjGetErrorStr2(handle));
}

static ek_status read_header(const eki_encoded *file, tjhandle handle, eki_image *image, ek_error *err) {
    int sampling, colours;
    if (tjDecompressHeader3(handle, file->data, (unsigned long)file->size, &image->width, &image->height, &sampling,
                            &colours) != 0) {
        return fail_damaged(file, handle, err);
    }
    if (colours == TJCS_CMYK || colours == TJCS_YCCK) {
        return eki_fail(err, EK_ERR_UNSUPPORTED, "%s: is a CMYK JPEG, expected gray or RGB; convert it to RGB",
                        file->path);
    }
    image->channels = colours == TJCS_GRAY ? 1 : 3;
    return EK_OK;
}

ek_status eki_jpeg_probe(const eki_encoded *file, eki_image *image, ek_error *err) {
    tjhandle handle = tjInitDecompress();
    if (handle == NULL) return eki_fail_nomem(err, file->size);
    ek_status status = read_header(file, handle, image, err);
    tjDestroy(handle);
    return status;
}

ek_status eki_jpeg_decode(const eki_encoded *file, eki_image *image, ek_error *err) {
    tjhandle handle = tjInitDecompress();
    if (handle == NULL) return eki_fail_nomem(err, file->size);
    int flags = TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING;
#ifdef TJFLAG_LIMITSCANS
    flags |= TJFLAG_LIMITSCANS;
#endif
    ek_status status = EK_OK;
    if (tjDecompress2(handle, file->data, (unsigned long)file->size, image->pixels, image->width, 0, image->height,
                      image->channels == 1 ? TJPF_GRAY : TJPF_RGB, flags) != 0) {
        status = fail_damaged(file, handle, err);
    }
    tjDestroy(handle);
    return status;
}
