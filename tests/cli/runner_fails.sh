#!/usr/bin/env bash
# runner_fails.sh: every case must be able to fail. A program that does nothing and succeeds, and one that prints
# rubbish and fails, must each fail every single case.
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '#!/bin/sh\nexit 0\n' >"$work/silent"
printf '#!/bin/sh\necho rubbish\necho rubbish >&2\nexit 77\n' >"$work/rubbish"
chmod +x "$work/silent" "$work/rubbish"
status=0
for file in "$here"/cases/*.sh; do
    name=$(basename "$file" .sh)
    for fake in silent rubbish; do
        if CLI_FAKE=1 "$here/run.sh" "$work/$fake" "$name" >"$work/log" 2>&1; then
            echo "case $name passes with a $fake program"
            status=1
        fi
    done
done
[ $status -eq 0 ] && echo "every case can fail"
exit $status
