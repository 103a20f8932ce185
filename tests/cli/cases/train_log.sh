# --log: a row for each epoch and every so many steps, CSV or JSON lines; cut to the checkpoint when resumed. --clip.
few=(--data builtin:strokes:400 --limit 240 --model lenet --batch 40 --threads 1 --seed 3 --validation 0.2)
names=row,epoch,step,loss,accuracy,lr,gradient_norm,gradient_norm_max,clipped,validation_loss,validation_accuracy,validation_precision,validation_recall,validation_f1,validation_top5,best,seconds
evenkeel train "${few[@]}" --epochs 3 --clip 0.5 --log a.csv --log-every 2 -o m.onnx >out 2>err
contains err "at most"
[ "$(head -1 a.csv)" = "$names" ] || die "the header is $(head -1 a.csv)"
[ "$(cut -d, -f1-3 a.csv | tr '\n' ' ')" = "row,epoch,step step,1,2 step,1,4 epoch,1,5 step,2,6 step,2,8 step,2,10 epoch,2,10 step,3,12 step,3,14 epoch,3,15 " ] ||
    die "rows: $(cut -d, -f1-3 a.csv)"
awk -F, 'NF != 17 || (NR > 1 && ($4 <= 0 || $7 <= 0 || $9 > 5)) { exit 1 } $1 == "epoch" && ($8 < $7 || $10 == "" || $17 == "") { exit 1 }
    $1 == "step" && ($9 != ($7 > 0.5) || $8 $10 $11 $12 $13 $14 $15 $16 $17 != "") { exit 1 }' a.csv || die "cells: $(cat a.csv)"
[ "$(awk -F, '$16 == 1 { best = $10 } END { print best }' a.csv)" = "$(awk -F, '$1 == "epoch" && (least == "" || $10 + 0 < least) { least = $10 } END { print least }' a.csv)" ] ||
    die "the last row with best = 1 has not the least loss"

# The same as lines of JSON.
evenkeel train "${few[@]}" --epochs 2 --log b.jsonl -o n.onnx -q >out
[ "$(grep -c '^{"row": "epoch", "epoch": [12], "step": [0-9]*, "loss": .*"gradient_norm": .*"best": [01], "seconds": .*}$' b.jsonl)" -eq 2 ] ||
    die "lines: $(cat b.jsonl)"
lacks b.jsonl clipped\":\ 1

# A clip that is never reached changes no bit, and neither does a log.
evenkeel train "${few[@]}" --epochs 2 --clip 1e9 -o c.onnx -q >out
same n.onnx c.onnx

# Killed after a checkpoint and some more rows, the last one cut: the same log in the end, but for the seconds.
cut -d, -f1-16 a.csv >whole
cp m.onnx.state end.state
evenkeel train "${few[@]}" --epochs 3 --clip 0.5 --log a.csv --log-every 2 -o m.onnx --overwrite -q >out
cut -d, -f1-16 a.csv >again
same whole again
printf 'step,9,99,1,1,1,1,,0,,,,,,,,\nepoch,10,10' >>a.csv
evenkeel train --resume m.onnx -q >out
cut -d, -f1-16 a.csv >again
same whole again
# Epochs that the file lacks are known from the checkpoint.
evenkeel train --resume m.onnx --log new.csv -q >out
grep -e row, -e epoch, whole >epochs
cut -d, -f1-16 new.csv >again
same epochs again

# What is no log is not touched.
echo "my diary" >d.csv
expect 3 evenkeel train --resume m.onnx --log d.csv 2>e
contains e "--log: d.csv: its first line is not that of a log of this version"
contains d.csv "my diary"
{ head -2 a.csv; echo "something else"; } >d.csv
expect 3 evenkeel train --resume m.onnx --log d.csv 2>e
contains e "d.csv: line 3 is not a row of a log"
expect 2 evenkeel train "${few[@]}" --log a.txt -o x.onnx 2>e
contains e "FILE.csv or FILE.jsonl"
expect 2 evenkeel train "${few[@]}" --log-every 3 -o x.onnx 2>e
contains e "--log-every is for --log"
expect 4 evenkeel train "${few[@]}" --log nowhere/a.csv -o x.onnx 2>e
contains e "nowhere/a.csv: cannot write"
missing x.onnx
