# The forms of one option are the same.
plan() { evenkeel train --data builtin:strokes:100 --dry-run --json "$@"; }
plan --batch 10 > a; plan --batch=10 > b; plan -b 10 > c; plan -b10 > d; plan -qb10 > e
plan --batch 3 -b 10 > e2; same a e2 # the last one counts
same a b; same a c; same a d; same a e
contains a '"steps_per_epoch": 10'
plan -b10 -o x > f; plan -b10 --output=x > g; plan -b10 --out x > h
same f g; same f h
contains f '"file": "x"'
rm a b c d e e2 f g h
[ -z "$(ls -A)" ] || die "files were written"
