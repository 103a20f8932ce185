evenkeel env --json > a
for key in version isa environment variables EVENKEEL_ISA; do contains a "\"$key\":"; done
EVENKEEL_ISA=generic evenkeel env
