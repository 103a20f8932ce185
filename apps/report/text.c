/* text.c: numbers and text for readers. Locale independent: the point is a point.
 *
 * The JSON carries every number in full; here the eye comes first, hence four digits and real exponents.
 */
#include "report/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void superscript(int exponent, char *text) {
    static const char *const digits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    char plain[16];
    snprintf(plain, sizeof plain, "%d", exponent < 0 ? -exponent : exponent);
    text[0] = 0;
    if (exponent < 0) strcat(text, "⁻");
    for (const char *p = plain; *p; p++) strcat(text, digits[*p - '0']);
}

static void point(char *text) {
    for (char *p = text; *p; p++)
        if (*p == ',') *p = '.';
}

/* 12345 as 12,345. */
static void grouped(long long value, char text[64]) {
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%lld", value < 0 ? -value : value), at = 0;
    if (value < 0) at = snprintf(text, 64, "−");
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0 && length > 4) text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = 0;
}

void eki_number(double value, char text[64]) {
    double size = fabs(value);
    if (isnan(value)) {
        snprintf(text, 64, "–");
    } else if (isinf(value)) {
        snprintf(text, 64, value > 0 ? "∞" : "−∞");
    } else if (value == floor(value) && size < 1e9) {
        grouped((long long)value, text);
    } else if (size >= 0.00001 && size < 100000 && (size >= 0.001 || log10(size) == floor(log10(size)))) {
        int decimals = size < 0.001 ? 5 : 3 - (int)floor(log10(size));
        char plain[32];
        snprintf(plain, sizeof plain, "%.*f", decimals > 0 ? decimals : 0, size);
        point(plain);
        if (strchr(plain, '.'))
            for (char *end = plain + strlen(plain) - 1; *end == '0' || *end == '.'; end--) {
                int last = *end == '.';
                *end = 0;
                if (last) break;
            }
        snprintf(text, 64, "%s%s", value < 0 ? "−" : "", plain);
    } else {
        int exponent = (int)floor(log10(size));
        double mantissa = size / pow(10, exponent);
        char plain[24], power[20];
        if (mantissa >= 9.95) {
            mantissa /= 10;
            exponent++;
        }
        snprintf(plain, sizeof plain, "%.1f", mantissa);
        point(plain);
        superscript(exponent, power);
        snprintf(text, 64, "%s%s × 10%s", value < 0 ? "−" : "", plain, power);
    }
}

void eki_percent(double fraction, char text[64]) {
    char plain[32];
    if (!isfinite(fraction)) {
        eki_number(fraction, text);
        return;
    }
    snprintf(plain, sizeof plain, "%.1f", 100 * fabs(fraction));
    point(plain);
    size_t length = strlen(plain);
    if (length > 2 && strcmp(plain + length - 2, ".0") == 0) plain[length - 2] = 0;
    snprintf(text, 64, "%s%s%%", fraction < 0 && strcmp(plain, "0") != 0 ? "−" : "", plain);
}

int eki_utf8_length(const unsigned char *s) {
    if (s[0] < 0x80) return 1;
    int length = s[0] >= 0xC2 && s[0] <= 0xDF ? 2 : (s[0] & 0xF0) == 0xE0 ? 3 : s[0] >= 0xF0 && s[0] <= 0xF4 ? 4 : 0;
    if (length == 0) return 0;
    unsigned char first = 0x80, last = 0xBF;
    if (s[0] == 0xE0) first = 0xA0;
    if (s[0] == 0xED) last = 0x9F;
    if (s[0] == 0xF0) first = 0x90;
    if (s[0] == 0xF4) last = 0x8F;
    if (s[1] < first || s[1] > last) return 0;
    for (int i = 2; i < length; i++)
        if ((s[i] & 0xC0) != 0x80) return 0;
    return length;
}
