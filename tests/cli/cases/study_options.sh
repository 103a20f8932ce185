expect 2 evenkeel study --card x 2> a; contains a "--card: 'x'"
expect 4 evenkeel study -o none/page.html 2> b; contains b "cannot write none/page.html"
only a b
