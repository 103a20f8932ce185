# A page beside the text or the JSON; tests/report looks at it in a browser.
train_tiny --norm batch -o m.onnx > out
evenkeel inspect m.onnx > plain
evenkeel inspect m.onnx --report page.html > a
contains a "report  page.html"
grep -v '^report ' a > rest && same rest plain
[ "$(head -c 15 page.html)" = "<!doctype html>" ] || die "page.html is no page"
contains page.html "</html>"
lacks page.html "<script"
contains page.html "Running variance"
evenkeel inspect m.onnx --report again.html --json > b
contains b '"report": "again.html"'
contains b '"median": '
contains b '"gain": {'
same page.html again.html
# Findings are at their norm, and --check turns them into status 1 all the same.
evenkeel train "${tiny_data[@]}" --model lenet --steps 1 --freeze-stats --quiet -o n.onnx > out
expect 1 evenkeel inspect n.onnx --check --report page.html > c
contains page.html 'href="#finding-never-updated"'
evenkeel inspect n.onnx --json > d
contains d '"norm_index": 0'
# What cannot be written: another kind of file, no folder, the model itself under whatever name.
expect 2 evenkeel inspect m.onnx --report page.txt 2> e; contains e ".html"
expect 4 evenkeel inspect m.onnx --report none/page.html 2> e; contains e "none/page.html"
cp m.onnx kept
ln m.onnx link.html
expect 2 evenkeel inspect m.onnx --report link.html 2> e; contains e "that is the model itself"
same m.onnx kept
# A page that could not be finished leaves the one that was there, and nothing beside it.
cp page.html before
( ulimit -f 8; trap '' XFSZ; expect 4 evenkeel inspect m.onnx --report page.html > c 2> e )
same page.html before
only a again.html b before c d e kept link.html m.onnx m.onnx.state n.onnx n.onnx.state out page.html plain rest
