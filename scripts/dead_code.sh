#!/usr/bin/env bash
# dead_code.sh BUILD: refuses internal functions (eki_) of the libraries that nothing refers to: no relocation in any object of the
# libraries, the programs and the tests, and, as a call may be inlined, no use in the text beside definition and declaration.
set -eu
cd "$(dirname "$0")/.."
objects=$(find "$1" -name '*.o')
defined=$(nm --defined-only -g $(find "$1/CMakeFiles" -path '*/ek_*.dir/*' -name '*.o') 2>/dev/null |
    awk '$2 == "T" && $3 ~ /^eki_/ { print $3 }' | sort -u)
used=$(objdump -r $objects 2>/dev/null | awk '$3 ~ /^eki_/ { sub(/[-+].*/, "", $3); print $3 }' | sort -u)
dead=
for name in $(comm -23 <(echo "$defined") <(echo "$used")); do
    uses=$(grep -rhoE "\b$name\b" src apps tests --include='*.[ch]' 2>/dev/null | wc -l)
    [ "$uses" -gt 2 ] || dead="$dead $name"
done
[ -z "$dead" ] || { printf 'nothing uses: %s\n' $dead; exit 1; }
echo "dead code: none of $(echo "$defined" | wc -l) internal functions is unused"
