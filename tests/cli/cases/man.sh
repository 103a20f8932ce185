evenkeel help --man > evenkeel.1
contains evenkeel.1 ".TH EVENKEEL 1"
for command in train eval run models env study help completion version; do
    evenkeel help --man $command > page
    contains page ".TH EVENKEEL-$command 1"
    contains page ".SH EXIT STATUS"
    contains page '.B \-\-json'
    if command -v groff > /dev/null; then
        groff -man -Tutf8 -ww -z page 2> lint
        [ ! -s lint ] || die "groff: $(cat lint)"
    fi
done
