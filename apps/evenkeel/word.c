/* word.c: words of a command line that cannot mean what they say: what a shell left as it was, what is no file, numbers
 * in another notation. */
#include "command.h"
#include "message.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A `~/` at the beginning of a path: of the word, or after a comma or `NAME=`. */
static const char *tilde_in(const char *word) {
    for (const char *s = word; *s != '\0'; s++)
        if (s[0] == '~' && s[1] == '/' && (s == word || s[-1] == '=' || s[-1] == ',')) return s;
    return NULL;
}

ek_status word_check_path(const char *what, const char *word, ek_error *err) {
    const char *tilde = tilde_in(word);
    if (access(word, F_OK) == 0) return EK_OK;
    if (tilde != NULL)
        return fail(err, EK_ERR_ARG, "%s: the shell left '~' in '%s' as it is; write $HOME%s", what, word, tilde + 1);
    if (strstr(word, "://") != NULL)
        return fail(err, EK_ERR_ARG, "%s: '%s' is an address; only files are read and written: download it first", what,
                    word);
    if (strpbrk(word, "*?") != NULL) return fail(err, EK_ERR_ARG, "%s: no file matches '%s'", what, word);
    return EK_OK;
}

void word_number_hint(const char *word, int whole, char hint[64]) {
    char plain[32], *end = NULL;
    hint[0] = '\0';
    if (word[0] == '\0' || strlen(word) >= sizeof plain) return;
    strcpy(plain, word);
    char *comma = strchr(plain, ','), *last = plain + strlen(plain) - 1;
    int percent = *last == '%';
    if (comma != NULL) *comma = '.';
    if (percent) *last = '\0';
    double number = strtod(plain, &end);
    if (end == plain || *end != '\0' || !isfinite(number)) return;
    if (percent && !whole)
        snprintf(hint, 64, "; as a fraction: %g", number / 100);
    else if (comma != NULL && !whole)
        snprintf(hint, 64, "; with a point: %s", plain);
    else if (whole && number == floor(number) && fabs(number) < 1e15 && comma == NULL)
        snprintf(hint, 64, "; in full: %.0f", number);
}

static int ends_in(const char *word, const char *end) {
    size_t length = strlen(word), tail = strlen(end);
    return length >= tail && strcmp(word + length - tail, end) == 0;
}

ek_status word_check_extension(const char *what, const char *word, const char *wanted, ek_error *err) {
    if (ends_in(word, wanted)) return EK_OK;
    return fail(err, EK_ERR_ARG, "%s %s: this is written as %s; give a name that ends so", what, word, wanted);
}

ek_status word_check_model_output(const char *word, ek_error *err) {
    static const char *const others[] = {".pt",   ".pth",  ".h5",  ".keras", ".tflite", ".safetensors",
                                         ".pkl",  ".pb",   ".zip", ".gz",    ".npy",    ".csv",
                                         ".json", ".html", ".png", ".jpg",   ".txt"};
    if (ends_in(word, ".state"))
        return fail(err, EK_ERR_ARG,
                    "--output %s: .state is the training state that stands beside a model; name the "
                    "model, %.*s",
                    word, (int)strlen(word) - 6, word);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (ends_in(word, others[i]))
            return fail(err, EK_ERR_ARG, "--output %s: the model is written as ONNX; give a name that ends in .onnx",
                        word);
    return EK_OK;
}
