# reference.awk: a public header as a page of Markdown. The comment at the top is the introduction; every later comment
# in the first column, with the declarations below it up to an empty line, is an entry, named after what it declares.

# "/* text", " * text" and "text */" without the marks.
function bare(line) {
    sub(/ *\*\/$/, "", line)
    sub(/^\/\* ?/, "", line)
    sub(/^ \* ?/, "", line)
    return line ~ /^ *\*?$/ ? "" : line
}
# Outside of `code` the marks of Markdown lose their meaning.
function escaped(line,    parts, count, i, out) {
    count = split(line, parts, "`")
    for (i = 1; i <= count; i++) {
        if (i % 2 == 1) gsub(/[*<>]/, "\\\\&", parts[i])
        out = out (i > 1 ? "`" : "") parts[i]
    }
    return out
}
# Four spaces make a line code, which wants an empty line before and after.
function add_prose(line,    code, gap) {
    code = line ~ /^    /
    gap = text != "" && line != "" && code != was_code && last_line != ""
    text = text (gap ? "\n" : "") (code ? line : escaped(line)) "\n"
    was_code = code
    last_line = line
}
function take_text(    taken) {
    taken = text
    sub(/\n+$/, "\n", taken)
    text = last_line = ""
    was_code = 0
    return taken
}
function entry_name(    name) {
    if (match(declaration, /} ek_[a-z0-9_]+;/)) return substr(declaration, RSTART + 2, RLENGTH - 3)
    if (match(declaration, /[ *]ek_[a-z0-9_]+\(/)) {
        name = substr(declaration, RSTART + 1, RLENGTH - 1)
        return name ")"
    }
    if (match(declaration, /(EK_|ek_)[A-Za-z0-9_]+/)) return substr(declaration, RSTART, RLENGTH)
    return "declarations"
}
function flush_entry() {
    if (declaration == "") return
    printf "\n## %s\n", entry_name()
    if (text != "") printf "\n%s", take_text()
    printf "\n```c\n%s```\n", declaration
    declaration = ""
}
function hidden(line) { # what serves the compiler only
    return line ~ /^#(if|endif|else|include|define EVENKEEL_)/ || line ~ /^extern "C"/ || line == "}" || \
        line ~ /^#define EK_(API|NODISCARD)/
}

NR == 1 {
    title = bare($0)
    sub(/^[a-z]+\.h: /, "", title)
    printf "# `<evenkeel/%s>`\n\n", file
    add_prose(toupper(substr(title, 1, 1)) substr(title, 2))
    introduction = 1
}
introduction {
    if (NR > 1) add_prose(bare($0))
    if ($0 ~ /\*\/$/) {
        introduction = 0
        printf "%s", take_text()
    }
    next
}
comment {
    add_prose(bare($0))
    if ($0 ~ /\*\/$/) comment = 0
    next
}
/^$/ { flush_entry(); next }
hidden($0) && declaration == "" { next }
/^\/\*/ {
    flush_entry()
    add_prose(bare($0))
    comment = $0 !~ /\*\/$/
    next
}
hidden($0) && $0 != "}" { next }
{ declaration = declaration $0 "\n" }
END { flush_entry() }
