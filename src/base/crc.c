/* crc.c: CRC-32C (polynomial 0x82f63b78, Castagnoli 1993), four bits at a time.
 *
 * A table of 16 entries is small enough to build per call; checksumming is far from any hot path.
 */
#include "base/file.h"

uint32_t eki_crc32c(uint32_t crc, const void *data, size_t bytes) {
    uint32_t table[16];
    for (uint32_t i = 0; i < 16; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 4; bit++) value = value & 1u ? 0x82f63b78u ^ (value >> 1) : value >> 1;
        table[i] = value;
    }
    const unsigned char *p = data;
    crc = ~crc;
    for (size_t i = 0; i < bytes; i++) {
        crc ^= p[i];
        crc = table[crc & 15] ^ (crc >> 4);
        crc = table[crc & 15] ^ (crc >> 4);
    }
    return ~crc;
}
