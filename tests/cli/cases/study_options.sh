expect 2 evenkeel study --card x 2> a; contains a "--card: 'x'"
expect 4 evenkeel study -o none/page.html 2> b; contains b "cannot write none/page.html"
expect 4 evenkeel study --anki none/notes.txt 2> c; contains c "cannot write none/notes.txt"
expect 0 evenkeel study --quick --card 8 -q -o page.html --anki notes.txt > d; contains d "anki      notes.txt"
contains notes.txt "#columns:Question" "#separator:tab"
only a b c d page.html notes.txt
