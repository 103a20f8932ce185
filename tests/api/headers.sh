#!/usr/bin/env bash
# headers.sh CC INCLUDE: every public header compiles alone, as C11 and (where there is a C++ compiler) as C++17, with
# warnings as errors; and everything a header declares begins with ek_ or EK_.
set -euo pipefail
cc=$1 include=$2
strict="-Wall -Wextra -Wpedantic -Wshadow -Werror -fsyntax-only -I$include"
for header in "$include"/evenkeel/*.h; do
    name=evenkeel/$(basename "$header")
    # shellcheck disable=SC2086
    printf '#include <%s>\n#include <%s>\nint main(void) { return 0; }\n' "$name" "$name" |
        $cc -std=c11 -Wstrict-prototypes $strict -x c -
    if command -v c++ >/dev/null; then
        # shellcheck disable=SC2086
        printf '#include <%s>\nint main() { return 0; }\n' "$name" |
            c++ -std=c++17 -Wold-style-cast $strict -x c++ -
    fi
    if grep -nE '^#define +[A-Za-z_]+' "$header" | grep -vE '#define +(EK_|EVENKEEL_[A-Z]+_H)'; then
        echo "$name: a macro that does not begin with EK_" >&2
        exit 1
    fi
    grep -q 'extern "C"' "$header" || ! grep -q 'EK_API' "$header" || { echo "$name: no extern \"C\"" >&2; exit 1; }
done
echo "headers: all compile alone"
