#!/usr/bin/env bash
# reference.sh: docs/reference/, one page per public header, made of the header's comments.
#   scripts/reference.sh           writes the pages
#   scripts/reference.sh --check   fails when they are not what the headers say now
set -euo pipefail
cd "$(dirname "$0")/.."
pages=docs/reference
[ "${1:-}" != --check ] || { pages=$(mktemp -d); trap 'rm -rf "$pages"' EXIT; }

mkdir -p "$pages"
rm -f "$pages"/*.md
{
    printf '# Reference\n\nMade of the public headers by `scripts/reference.sh`; the headers are the source.\n\n'
    printf '| header | what for |\n|---|---|\n'
    for header in include/evenkeel/*.h; do
        name=$(basename "$header")
        what=$(head -n 5 "$header" | sed -E 's/^(\/| )\* ?//; s/ *\*\/$//' | tr '\n' ' ' |
            sed -E 's/^[a-z]+\.h: (([^.]|\.[^ ])*)\. .*$/\1/')
        printf '| [%s](%s.md) | %s |\n' "$name" "${name%.h}" "$what"
    done
} >"$pages/README.md"
for header in include/evenkeel/*.h; do
    name=$(basename "$header")
    awk -v file="$name" -f scripts/lib/reference.awk "$header" >"$pages/${name%.h}.md"
done

if [ "${1:-}" = --check ]; then
    diff -r docs/reference "$pages" >&2 || { echo "reference: out of date; run scripts/reference.sh" >&2; exit 1; }
    # Every declared function has its entry or stands in one.
    for function in $(cat include/evenkeel/*.h | grep -oE '\bek_[a-z0-9_]+\(' | sort -u); do
        grep -qF "$function" docs/reference/*.md || { echo "reference: $function) is missing" >&2; exit 1; }
    done
fi
echo "reference: $(find docs/reference -name '*.md' | wc -l) pages"
