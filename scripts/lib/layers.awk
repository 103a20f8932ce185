# layers.awk: judges the lines that check_layers.sh makes: the table, then includes and symbols.
function fail(text) {
    if (!(text in said)) print text
    said[text] = 1
    failed = 1
}

# How `room` may use `other`: "all", "public", or "".
function leave(room, other) {
    if (room == other) return "all"
    if ((room, other) in need) return need[room, other]
    return (room in outside) && root[other] == "src" ? "public" : ""
}

$1 == "row" {
    root[$3] = $2
    for (i = 4; i <= NF; i++) {
        other = $i
        if (other ~ /^(nothing|libc|headers)$/) continue
        if (other == "public") { outside[$3] = 1; continue }
        how = gsub(/[()]/, "", other) ? "public" : "all"
        if (!(other in root)) fail("the table: " $3 " needs " other ", which is no room above it")
        need[$3, other] = how
    }
}

$1 == "include" {
    other = $4
    sub(/\/.*/, "", other)
    used[$2, other] = 1
    if (leave($2, other) != "all") fail($3 " includes \"" $4 "\": " $2 " does not need " other " in the table of ARCHITECTURE.md")
}

$1 == "object" {
    room_of[substr($0, length($2) + 9)] = $2
    built[$2] = 1
}

$1 == "symbol" {
    at = index($0, ": ")
    object = substr($0, 8, at - 8)
    split(substr($0, at + 2), symbol, " ")
    if (symbol[2] == "U") {
        wants++
        by[wants] = object
        wanted[wants] = symbol[1]
    } else if (symbol[2] != "w" && !(symbol[1] in owner)) {
        owner[symbol[1]] = room_of[object]
    }
}

END {
    for (i = 1; i <= wants; i++) {
        name = wanted[i]
        if (!(name in owner)) continue # of the system
        room = room_of[by[i]]
        other = owner[name]
        used[room, other] = 1
        how = leave(room, other)
        call = by[i] " calls " name ": " room
        sub(/.*\//, "", call)
        if (how == "") fail(call " does not need " other " in the table of ARCHITECTURE.md")
        if (how == "public" && name !~ /^ek_/) fail(call " may call public functions (ek_) of " other " only")
    }
    for (pair in need) {
        split(pair, of, SUBSEP)
        if ((of[1] in built) && !(pair in used)) fail("the table: " of[1] " names " of[2] " and does not need it")
    }
    exit failed
}
