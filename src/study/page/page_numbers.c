/* page_numbers.c: a measurement in words for readers. */
#include "study/page/page.h"

#include <math.h>
#include <string.h>

/* Comparisons of fractions are differences: percentage points. */
static void in_unit(const eks_endpoint *endpoint, double value, char text[64]) {
    char number[64];
    if (!endpoint->percent) {
        eks_number(value, text);
        return;
    }
    int points = endpoint->contrast.terms > 1;
    eks_percent(fabs(value), number);
    if (points) number[strlen(number) - 1] = 0;
    snprintf(text, 64, "%s%.40s%s", value < 0 ? "−" : "", number, points ? " pp" : "");
}

void eks_measured(const eks_endpoint *endpoint, double value, double low, double high, char text[EKS_MEASURED_TEXT]) {
    char middle[64], from[64], to[64];
    in_unit(endpoint, value, middle);
    in_unit(endpoint, low, from);
    in_unit(endpoint, high, to);
    if (isfinite(low) && isfinite(high) && low < high)
        snprintf(text, EKS_MEASURED_TEXT, "%s (%s to %s)", middle, from, to);
    else
        snprintf(text, EKS_MEASURED_TEXT, "%s", middle);
}
