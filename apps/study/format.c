/* format.c: numbers and text for readers. Locale independent: the point is a point.
 *
 * The JSON carries every number in full; here the eye comes first, hence four digits and real exponents.
 */
#include "study/write.h"

#include <math.h>
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

void eks_number(double value, char text[64]) {
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

void eks_percent(double fraction, char text[64]) {
    char plain[32];
    snprintf(plain, sizeof plain, "%.1f", 100 * fabs(fraction));
    point(plain);
    size_t length = strlen(plain);
    if (length > 2 && strcmp(plain + length - 2, ".0") == 0) plain[length - 2] = 0;
    snprintf(text, 64, "%s%s%%", fraction < 0 && strcmp(plain, "0") != 0 ? "−" : "", plain);
}

void eks_cell_words(const eks_cell *cell, char text[64]) {
    char number[64];
    eks_number(cell->value, number);
    snprintf(text, 64, "%s", cell->text[0] ? cell->text : number);
}

void eks_rule(const eks_endpoint *endpoint, char text[80]) {
    static const char *const signs[] = {"=", "≤", "≥", "±"};
    char number[64], expected[64];
    (endpoint->percent ? eks_percent : eks_number)(endpoint->threshold, number);
    (endpoint->percent ? eks_percent : eks_number)(endpoint->expected, expected);
    if (endpoint->relation == EKS_WITHIN)
        snprintf(text, 80, "%.30s ± %.30s", expected, number);
    else
        snprintf(text, 80, "%s %s", signs[endpoint->relation], number);
}

void eks_escaped(FILE *out, const char *text) {
    for (const char *p = text; *p; p++) switch (*p) {
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '"': fputs("&quot;", out); break;
        case '\'': fputs("&#39;", out); break;
        default:
            if ((unsigned char)*p >= 32 || *p == '\n' || *p == '\t') fputc(*p, out);
        }
}
