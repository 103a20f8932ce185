# gate.sh: sourced by what runs tests: stages, each with its minutes and what it leaves on the disk, and one verdict. Its
# parts meet in $EK_GATE, a folder of notes, so that scripts run by scripts/test.sh count, too.

# stage NAME FOLDER: ends the stage before and begins one, whose files are in FOLDER.
stage() {
    end_stage
    say "$1"
    stage_name=$1 stage_folder=$2 stage_start=$SECONDS
}
end_stage() {
    [ -n "${stage_name:-}" ] || return 0
    row "$stage_name" "$((SECONDS - stage_start))" "$stage_folder" >>"$EK_GATE/stages"
    stage_name=
}
row() { # NAME SECONDS FOLDER
    local kilobytes=0
    [ ! -e "$3" ] || kilobytes=$(du -sk "$3" | cut -f 1)
    awk -v n="$1" -v s="$2" -v k="$kilobytes" 'BEGIN { printf "%-44s %8.1f %8.2f\n", n, s / 60, k / 1048576 }'
}

# tests BUILD CTEST-OPTIONS: all of it but ctest's closing lines, which are kept: the verdict ends with the last ones. Of
# models that tests wrote nothing is left where all passed.
tests() {
    local folder=$1 log=$1/ctest.log status=0
    shift
    ctest --test-dir "$folder" --output-on-failure --timeout 900 "$@" 2>&1 | tee "$log" |
        sed -u '/^[0-9]*% tests passed, /,$d' || status=$?
    [ "$status" -eq 0 ] || sed -n '/^[0-9]*% tests passed, /,$p' "$log"
    [ "$status" -ne 0 ] || { rm -rf "$folder/written"; find "$folder/tests" -name '*.onnx' -delete 2>/dev/null || true; }
    [ -n "${EK_GATE:-}" ] || { grep '^[0-9]*% tests passed, ' "$log" || true; return "$status"; }
    grep -hE '^ *[0-9]+/[0-9]+ Test +#' "$log" >>"$EK_GATE/results" || true
    grep '^[0-9]*% tests passed, ' "$log" >"$EK_GATE/closing" || true
    reasons "$folder" >>"$EK_GATE/reasons"
    return "$status"
}

# Which tests, or parts of tests, were skipped, and why: the lines `skipped: WHY` of what they printed.
reasons() { # BUILD
    awk -v where="$(basename "$1")" '
        /^[0-9]+\/[0-9]+ Testing: / { test = $3 }
        match($0, /(^|[^A-Za-z])(skipped|SKIPPED): /) {
            print "  " where ": " test " (" substr($0, RSTART + RLENGTH) ")"
        }' "$1/Testing/Temporary/LastTest.log" | sort -u
}

# verdict STATUS: the table, what was counted, and ctest's own closing line, last.
verdict() {
    local unfinished=${stage_name:-}
    end_stage
    say "stages"
    printf '%-44s %8s %8s\n' stage minutes GiB
    cat "$EK_GATE/stages"
    row "all of it, and what build/ holds now" "$SECONDS" build
    touch "$EK_GATE/results" "$EK_GATE/reasons" "$EK_GATE/closing"
    say "verdict"
    awk '/ Passed / { passed++; next } /\*\*\*Skipped/ { skipped++; next } { failed++ }
         END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped }' "$EK_GATE/results"
    if [ -s "$EK_GATE/reasons" ]; then
        echo "Skipped, whole or in part:"
        cat "$EK_GATE/reasons"
    fi
    if [ "$1" -ne 0 ]; then echo "FAILED: ${unfinished:-before the first stage}"; else cat "$EK_GATE/closing"; fi
}
