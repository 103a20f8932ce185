/* show.c: names from files are shown to people, so they must be valid text and must not steer a terminal.
 *
 * UTF-8 is checked as in the Unicode Standard, table 3-7.
 */
#include "base/show.h"

#include <evenkeel/status.h>
#include <string.h>

size_t eki_utf8_sequence(const unsigned char *text, size_t left) {
    unsigned char lead = text[0];
    if (lead < 0x80) return 1;
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || length > left) return 0;
    unsigned char low = 0x80, high = 0xbf;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
    if (text[1] < low || text[1] > high) return 0;
    for (size_t i = 2; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) return 0;
    }
    return length;
}

/* C0, DEL, C1 (U+0080 to U+009F), and what reorders text (U+202A to U+202E, U+2066 to U+2069). */
static bool steers_terminal(const unsigned char *p, size_t length) {
    if (length == 1) return p[0] < 0x20 || p[0] == 0x7f;
    if (length == 2) return p[0] == 0xc2 && p[1] < 0xa0;
    if (length != 3 || p[0] != 0xe2) return false;
    return (p[1] == 0x80 && p[2] >= 0xaa && p[2] <= 0xae) || (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);
}

static void escape(const unsigned char *from, size_t count, char *to) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        const char one[4] = {'\\', 'x', digits[from[i] >> 4], digits[from[i] & 15]};
        memcpy(to + 4 * i, one, sizeof one);
    }
}

size_t ek_text_show(const char *text, size_t length, char *shown, size_t room) {
    size_t whole = 0, written = 0;
    bool fits = shown != NULL && room > 0;
    for (size_t i = 0; text != NULL && i < length;) {
        const unsigned char *p = (const unsigned char *)text + i;
        size_t valid = eki_utf8_sequence(p, length - i), taken = valid > 0 ? valid : 1;
        bool plain = valid > 0 && !steers_terminal(p, valid);
        size_t needed = plain ? taken : 4 * taken;
        fits = fits && whole + needed < room;
        if (fits && plain) memcpy(shown + whole, p, taken);
        if (fits && !plain) escape(p, taken, shown + whole);
        whole += needed;
        if (fits) written = whole;
        i += taken;
    }
    if (shown != NULL && room > 0) shown[written] = '\0';
    return whole;
}
