#!/bin/sh
# check_names.sh [FILE...]: refuses a document that names a file which is not there: every `name` in backquotes that ends
# like a source or a script, with or without its folder; * stands for anything, and of a name with <...> in it only the
# folder must be there. Default: CONTRIBUTING.md,
# ARCHITECTURE.md, README.md and the README.md of every folder. A recipe of CONTRIBUTING.md has at most five places.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- CONTRIBUTING.md ARCHITECTURE.md $(find . -name README.md -not -path './build/*' -not -path './.git/*')
files=$(mktemp)
trap 'rm -f "$files"' EXIT
find . -type f -not -path './build/*' -not -path './.git/*' | sed 's|^\./|/|' >"$files"
status=0
for document; do
    for name in $(grep -oE '`[A-Za-z0-9_./<>*-]+\.(c|h|def|sh|py|mjs|cmake|tsv)`' "$document" | tr -d '`' | sort -u); do
        case $name in
        */*'<'*) name=${name%%<*}; name=${name%/*}/ ;; # what is to be written: its folder is there
        *'<'*) continue ;;
        esac
        pattern=$(printf '%s' "$name" | sed -e 's/[.]/[.]/g' -e 's/[*]/[^\/]*/g')
        [ "$name" = "${name%/}" ] || pattern="$pattern[^/]*"
        grep -qE "/$pattern\$" "$files" || { echo "$document names $name, which is not there" >&2; status=1; }
    done
done
long=$(awk '/^## /{ recipe = $0; places = 0 } /^[0-9]+\. /{ if (++places > 5) print recipe }' CONTRIBUTING.md | sort -u)
[ -z "$long" ] || { echo "CONTRIBUTING.md: more than five places: $long" >&2; status=1; }
exit $status
