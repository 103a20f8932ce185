# Waiting threads spin for a bounded time, unless the user says how threads wait; the process keeps its name and its words.
evenkeel env > a
turns=$(awk '$1 == "GOMP_SPINCOUNT" { print $2 }' a)
[ "$turns" -ge 250 ] && [ "$turns" -le 400000 ] || die "$turns turns"
contains a "OMP_WAIT_POLICY  (not set)"
OMP_WAIT_POLICY=passive evenkeel env > b
contains b "GOMP_SPINCOUNT   (not set)"
contains b "OMP_WAIT_POLICY  passive"
GOMP_SPINCOUNT=77 evenkeel env > c
contains c "GOMP_SPINCOUNT   77"
KMP_BLOCKTIME=0 evenkeel env > d
contains d "GOMP_SPINCOUNT   (not set)"
expect 2 evenkeel env 'two words' "it's" 2> e
contains e "'two words' is one word too many"
