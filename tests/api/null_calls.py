"""null_calls.py INCLUDE COMPILER LIBRARY SCRATCH [FLAGS...]: every public call survives NULL for all of its pointers.

A program is made from the headers: each call that returns a status must return EK_ERR_ARG and say something; the others
must return. Those whose pointers all are optional are listed below, with what they do then.
"""
import os
import re
import subprocess
import sys

include, compiler, library, scratch, *flags = sys.argv[1:]
FINE = {"ek_cpu_set_isa"}  # NULL: what the processor has
headers = sorted(f for f in os.listdir(os.path.join(include, "evenkeel")) if f.endswith(".h"))
calls = []
for header in headers:
    text = re.sub(r"/\*.*?\*/", "", open(os.path.join(include, "evenkeel", header)).read(), flags=re.S)
    for result, name, arguments in re.findall(r"EK_API\s+((?:EK_NODISCARD\s+)?[\w\s*]+?)\b(ek_\w+)\(([^;]*?)\);", text):
        # Commas between parentheses are of a function pointer's own arguments.
        parts = [] if arguments.strip() == "void" else [" ".join(a.split()) for a in re.split(r",(?![^()]*\))", arguments)]
        calls.append((" ".join(result.split()).replace("EK_NODISCARD ", ""), name, parts))


def value(argument):
    if argument.endswith("*err"):
        return "&err"
    if "*" in argument or "[" in argument:
        return "NULL"
    kind = argument.rsplit(" ", 1)[0].replace("const ", "")
    return f"({kind}){{0}}"


lines = ["#define EK_EXPERIMENTAL"] + [f"#include <evenkeel/{h}>" for h in headers]
lines += ["#include <stdio.h>", "int main(void) {", "    ek_error err; int bad = 0; (void)err;"]
for result, name, parts in calls:
    call = f"{name}({', '.join(value(p) for p in parts)})"
    if name in FINE or not any("*" in p or "[" in p for p in parts if not p.endswith("*err")):
        continue
    lines.append(f'    puts("{name}"); fflush(stdout);')
    if result == "ek_status" and parts[-1].endswith("*err"):
        lines.append("    err.text[0] = 0;")
        lines.append(f'    if ({call} != EK_ERR_ARG || !err.text[0]) {{ puts("    is not EK_ERR_ARG with a text"); bad++; }}')
    else:
        lines.append(f"    (void){call};")
lines += ["    return bad != 0;", "}"]
os.makedirs(scratch, exist_ok=True)
source, program = os.path.join(scratch, "null_calls.c"), os.path.join(scratch, "null_calls")
with open(source, "w") as file:
    file.write("\n".join(lines) + "\n")
subprocess.run([*compiler.split(), "-std=c11", "-I", include, source, "-o", program, library, *flags], check=True)
ran = subprocess.run([program], capture_output=True, text=True, env={**os.environ, "LD_LIBRARY_PATH": os.path.dirname(library)})
names = [line for line in ran.stdout.splitlines() if not line.startswith(" ")]
if ran.returncode != 0:
    print(ran.stdout[-4000:], ran.stderr[-1000:], f"status {ran.returncode}, last call {names[-1:]}", sep="\n")
    sys.exit(1)
print(f"{len(names)} of {len(calls)} public calls take pointers; none of them minds NULL")
sys.exit(0 if len(names) > 100 else 1)
