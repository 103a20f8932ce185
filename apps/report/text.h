/* text.h: numbers and text for readers, whatever the locale. */
#ifndef EKI_TEXT_H
#define EKI_TEXT_H

/* A number as people write it: 0, 128, 0.0526, 99.7 or 3.2 × 10⁻⁷. */
void eki_number(double value, char text[64]);
void eki_percent(double fraction, char text[64]);

/* Length of the UTF-8 sequence at `s` (1 to 4), or 0 when it is not one. Overlong forms and surrogates are not. */
int eki_utf8_length(const unsigned char *s);

#endif
