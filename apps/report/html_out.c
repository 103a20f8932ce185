/* html_out.c: text for HTML, and the frame of a page. */
#include "report/html_out.h"

#include "report/text.h"

static void escaped(FILE *out, const unsigned char *s, int length) {
    static const char unknown[] = "\xEF\xBF\xBD";
    int c1_control = length == 2 && s[0] == 0xC2 && s[1] < 0xA0;
    int control = length == 1 && (s[0] == 0x7F || (s[0] < 0x20 && s[0] != '\n' && s[0] != '\t'));
    if (length == 0 || control || c1_control)
        fputs(unknown, out);
    else
        fwrite(s, 1, (size_t)length, out);
}

void eki_html(FILE *out, const char *text) {
    for (const unsigned char *s = (const unsigned char *)text; *s != 0;) {
        int length = eki_utf8_length(s);
        switch (*s) {
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '"': fputs("&quot;", out); break;
        case '\'': fputs("&#39;", out); break;
        default: escaped(out, s, length);
        }
        s += length > 0 ? length : 1;
    }
}

void eki_put(FILE *out, const char *open, const char *text, const char *close) {
    fputs(open, out);
    eki_html(out, text);
    fputs(close, out);
}

void eki_page_open(FILE *out, const eki_page *page) {
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n",
          out);
    eki_put(out, "<meta name=\"description\" content=\"", page->description, "\">\n");
    eki_put(out, "<title>", page->title, "</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n");
    fputs(eki_page_css, out);
    fputs(page->css, out);
    eki_put(out, "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#", page->skip_to, "\">");
    eki_put(out, "", page->skip, "</a>\n");
}

void eki_page_close(FILE *out) { fputs("</body>\n</html>\n", out); }
