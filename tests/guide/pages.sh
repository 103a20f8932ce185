#!/usr/bin/env bash
# pages.sh PROGRAM SOURCE: whether what the pages name is there: the target of every relative link, and every option of a
# command line that they show (`evenkeel COMMAND ... --option`).
set -eu
program=$1
cd "$2"
status=0
complain() {
    echo "pages: $*" >&2
    status=1
}
mapfile -t pages < <(find . -name '*.md' -not -path './build/*' -not -path './.*' | sort)
[ "${#pages[@]}" -gt 20 ] || complain "only ${#pages[@]} pages were found"

links=0
for page in "${pages[@]}"; do
    while read -r target; do
        links=$((links + 1))
        [ -e "$(dirname "$page")/${target%%#*}" ] || complain "$page: no such file: $target"
    done < <(grep -oE '\]\([^)#: ]+(#[^) ]*)?\)' "$page" | sed -E 's/^\]\(//; s/\)$//')
done
[ "$links" -gt 50 ] || complain "only $links links were found"

# One line for each command: its name, then its options.
known=$(for command in $("$program" --help | sed -nE 's/^  ([a-z]+)  +[A-Z].*/\1/p'); do
    printf '%s ' "$command"
    "$program" "$command" --help --json | sed -nE 's/^ *"(name|alias)": "([a-z-]+)".*/\2/p' | tr '\n' ' '
    echo
done)
lines=0
while IFS=$'\t' read -r page command words; do
    lines=$((lines + 1))
    options=" $(sed -n "s/^$command //p" <<<"$known") "
    for word in $(grep -oE '(^| )--[a-z][a-z-]+' <<<"$words"); do
        case $options in *" ${word#--} "*) ;; *) complain "$page: evenkeel $command has no option $word" ;; esac
    done
done < <(grep -HoE '\bevenkeel (train|eval|predict|run|models|inspect|freeze|fold|unfold|recalibrate|convert|diff|bench|study|env) [^`|;#]*' \
    "${pages[@]}" | sed -E "s/^([^:]*):evenkeel ([a-z]+) (.*)/\1\t\2\t\3/")
[ "$lines" -gt 50 ] || complain "only $lines command lines were found"
[ "$status" -ne 0 ] || echo "pages: ${#pages[@]} pages, $links links, $lines command lines"
exit $status
