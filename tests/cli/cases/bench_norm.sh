# A table with one line a case, and geometric means.
printf '# two cases\nbatch 2x8x4x4\n\n  layer 4x32  # rows\n' > shapes.txt
evenkeel bench norm --shapes shapes.txt --rounds 1 > table
[ "$(grep -c '^batch 2x8x4x4 ' table)" -eq 9 ] || die "$(cat table)"
[ "$(grep -c '^layer 4x32 ' table)" -eq 3 ] || die "$(cat table)"
contains table "Geometric means"
[ "$(grep -c '^batch  *best ' table)" -eq 3 ] || die "$(cat table)"
evenkeel bench norm --shape "group 2x8x4x4 groups=2" --layout blocked8 --phase backward --rounds 2 --threads 1 --json > a.json
for key in isa threads rounds cases geometric_means share_of_copy; do contains a.json "\"$key\":"; done
contains a.json '"layout": "blocked8"'
contains a.json '"slower": '
evenkeel bench norm --shape "batch 2x8x4x4" --fused --rounds 1 > table
contains table "apart us"
contains a.json '"onednn_seconds": null'
expect 2 evenkeel bench 2> e; contains e "norm"
expect 2 evenkeel bench matmul 2> e; contains e "there are 'norm' and 'model'"
expect 2 evenkeel bench norm --rounds 0 2> e; contains e "--rounds"
expect 2 evenkeel bench norm --shape "batch 2x0" 2> e; contains e "batch 2x0"
expect 3 evenkeel bench norm --shape "layer 4x32" --layout nhwc --rounds 1 2> e; contains e "nchw only"
expect 4 evenkeel bench norm --shapes missing.txt 2> e; contains e "missing.txt"
printf 'batch 2x8\nbatch two\n' > bad.txt
expect 3 evenkeel bench norm --shapes bad.txt 2> e; contains e "bad.txt, line 2"
