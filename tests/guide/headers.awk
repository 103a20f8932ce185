# headers.awk: the examples in the comments of a header, one file each: FOLDER/NAME-K.inc (-v folder=FOLDER -v name=NAME).
# An example is what a comment indents by four spaces or more, from one line of prose to the next, and has a line that
# is a call or an assignment.
function finish() {
    if (statements) {
        file = sprintf("%s/%s-%d.inc", folder, name, ++count)
        printf "%s", text >file
        close(file)
    }
    text = ""
    statements = 0
}
/^ \*     / {
    line = substr($0, 4)
    text = text line "\n"
    sub(/ *\/\/.*$/, "", line)
    if (line ~ /[a-z_]\(.*\);$|= .*;$/) statements = 1
    next
}
/^ \*$/ { next }
{ finish() }
