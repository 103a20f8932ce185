#!/usr/bin/env bash
# verdicts.sh [LEVEL [SEED...]]: the study's verdicts for several seeds, one row per reading. Says where seeds
# contradict each other, and where a claim failed; exit status 1 then. LEVEL: quick (the default), default or full.
#   scripts/verdicts.sh quick 1 2 3 4 5
# EK_TOOL is the program, EK_DATA options such as "--data mnist".
set -euo pipefail
cd "$(dirname "$0")/.."
level=${1:-quick}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- 1 2 3 4 5
tool=${EK_TOOL:-build/release/evenkeel}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
case $level in
quick | full) flag=--$level ;;
default) flag= ;;
*) echo "verdicts: there is no level '$level': quick, default or full" >&2 && exit 2 ;;
esac
failed=0
for seed in "$@"; do
    # shellcheck disable=SC2086
    "$tool" study $flag --seed "$seed" ${EK_DATA:-} --quiet -o "$work/page.html" --results "$work/$seed.json" \
        >"$work/said" || { echo "seed $seed: exit status $?, $(grep claims "$work/said")"; failed=1; }
done
python3 - "$work" "$@" <<'PY' || failed=1
import json, sys
work, seeds = sys.argv[1], sys.argv[2:]
rows = {}
for seed in seeds:
    results = json.load(open(f"{work}/{seed}.json"))
    for card in results["cards"] + results["extras"]:
        for i, r in enumerate((card["evidence"] or {}).get("readings", [])):
            rows.setdefault((card["number"], i, r["sentence"]), []).append(r["verdict"])
letters = {"supported": "+", "refuted": "-", "inconclusive": "?"}
contradictions = 0
print("seeds " + " ".join(seeds) + "   + supported, - refuted, ? inconclusive")
for (number, i, sentence), verdicts in rows.items():
    against = "supported" in verdicts and "refuted" in verdicts
    contradictions += against
    print(f"{number:3}.{i + 1}  {' '.join(letters[v] for v in verdicts)}  {sentence}{'   CONTRADICTION' if against else ''}")
print(f"{contradictions} contradictions in {len(rows)} readings over {len(seeds)} seeds")
sys.exit(contradictions > 0)
PY
exit $failed
