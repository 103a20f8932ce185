#!/usr/bin/env bash
# symbols.sh INCLUDE STATIC SHARED: what the libraries offer to a linker.
# The shared one exports the functions that its headers mark EK_API, all of version EVENKEEL_0.1, and nothing else; every
# global of the static one begins with ek_ or eki_ (the engine's has the generated onnx__ as well).
set -euo pipefail
include=$1 static=$2 shared=$3
fail() { echo "symbols: $*" >&2; exit 1; }

[ "$(nm -g --defined-only "$static" | awk 'NF == 3' | wc -l)" -gt 10 ] || fail "$static looks empty"
foreign=$(nm -g --defined-only "$static" | awk 'NF == 3 && $3 !~ /^eki?_/ && $3 !~ /^onnx__/ { print $3 }')
[ -z "$foreign" ] || fail "$static has globals that do not begin with ek_ or eki_: $foreign"

exported=$(nm -D --defined-only "$shared" | awk '$2 != "A" { print $3 }' | sort)
wrong=$(grep -vE '^ek_[a-z0-9_]+@@EVENKEEL_[0-9.]+$' <<<"$exported" || true)
[ -z "$wrong" ] || fail "$shared exports $wrong"

# Declarations may span lines; the name is the last word before the first parenthesis.
declared=$(cat "$include"/evenkeel/*.h | tr '\n' ' ' | sed 's/EK_API/\n&/g' |
    sed -nE 's/^EK_API [^(;]*[ *](ek_[a-z0-9_]+)\(.*/\1/p' | sort -u)
[ -n "$declared" ] || fail "no EK_API in $include"
absent=$(comm -23 <(echo "$declared") <(sed 's/@.*//' <<<"$exported"))
hidden=$(comm -13 <(echo "$declared") <(sed 's/@.*//' <<<"$exported"))
[ -z "$absent" ] || fail "declared, but not in $shared: $absent"
[ -z "$hidden" ] || fail "in $shared, but in no header: $hidden"
echo "symbols: $(wc -l <<<"$exported") functions, as declared"
