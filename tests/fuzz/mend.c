/* mend.c: see mend.h. */
#include "mend.h"

#include "base/file.h"
#include "train/trainer.h"

#include <string.h>
#include <zlib.h>

enum { PNG_HEAD = 8, CHUNK_HEAD = 8, CHECKSUM = 4 };

static uint32_t big_endian(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

void mend_png(uint8_t *data, size_t size) {
    for (size_t at = PNG_HEAD; size >= CHUNK_HEAD + CHECKSUM && at <= size - CHUNK_HEAD - CHECKSUM;) {
        size_t length = big_endian(data + at);
        if (length > size - at - CHUNK_HEAD - CHECKSUM) return;
        uint32_t crc = (uint32_t)crc32(0, data + at + 4, (uInt)length + 4);
        uint8_t *to = data + at + CHUNK_HEAD + length;
        for (int i = 0; i < CHECKSUM; i++) to[i] = (uint8_t)(crc >> (24 - 8 * i));
        at += CHUNK_HEAD + length + CHECKSUM;
    }
}

static void mend_end(uint8_t *data, size_t at, uint32_t sections) {
    eki_end_record end = {.crc = eki_crc32c(0, data, at), .sections = sections};
    memcpy(data + at + EKI_SECTION_HEADER, &end, sizeof end);
}

void mend_state(uint8_t *data, size_t size) {
    uint32_t sections = 0;
    for (size_t at = EKI_STATE_HEADER; at <= size && size - at >= EKI_SECTION_HEADER; sections++) {
        eki_section_header header;
        memcpy(&header, data + at, sizeof header);
        uint8_t *payload = data + at + sizeof header;
        if (header.size > size - at - sizeof header) return;
        if (memcmp(header.tag, "END!", 4) == 0 && header.size == sizeof(eki_end_record)) mend_end(data, at, sections);
        header.payload_crc = eki_crc32c(0, payload, (size_t)header.size);
        header.header_crc = eki_crc32c(0, &header, sizeof header - sizeof header.header_crc);
        memcpy(data + at, &header, sizeof header);
        at += sizeof header + (size_t)header.size;
    }
}
