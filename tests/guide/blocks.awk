# blocks.awk: the fenced blocks of a page, one file each: FOLDER/NNN.LANGUAGE, numbered in order (-v folder=FOLDER).
# A block that is opened and not closed, or that names no language, is an error: nothing on a page escapes the test.
/^```/ {
    if (file != "") {
        close(file)
        file = ""
    } else if ($0 == "```") {
        print FILENAME ":" FNR ": a block without a language" >"/dev/stderr"
        bad = 1
        exit
    } else {
        file = sprintf("%s/%03d.%s", folder, ++count, substr($0, 4))
        printf "" >file
    }
    next
}
file != "" { print >file }
END {
    if (file != "") print FILENAME ": a block is not closed" >"/dev/stderr"
    exit bad || file != ""
}
