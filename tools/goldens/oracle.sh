#!/bin/sh
# Makes the committed oracle logits, tests/MixtralVk.Tests/Oracle/goldens, with llama.cpp:
#
#     tools/goldens/oracle.sh LCPP
#
# LCPP is a program around libllama with these two commands:
#     LCPP quantize -m IN.gguf -o OUT.gguf -q f32               expands quantised weights to the floats they stand for
#     LCPP logits -b cpu -e -f 0 -m M.gguf -t 1,5,9 -o OUT.f32  logits of every position, little-endian float32, with the CPU
#                                                               backend, 32-bit keys and values, no flash attention
# llama.cpp rounds activations to 8 bits for quantised weights; on the expanded file it does not, so its logits are exact.
# models.sha256 lets the tests see that the models they write are the ones these logits belong to.
set -e
lcpp=$1
[ -x "$lcpp" ] || { sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2; }
root=$(cd "$(dirname "$0")/../.." && pwd)
goldens=$root/tests/MixtralVk.Tests/Oracle/goldens
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

dotnet run --project "$root/tools/goldens/OracleModels" -c Release -- "$root/samples/models" "$work" > "$work/cases"
mkdir -p "$goldens"
rm -f "$goldens"/*
while read -r name bytes tokens; do
    "$lcpp" quantize -m "$work/$name.gguf" -o "$work/$name-as-f32.gguf" -q f32 > /dev/null
    "$lcpp" logits -b cpu -e -f 0 -m "$work/$name-as-f32.gguf" -t "$tokens" -o "$work/$name.f32"
    tail -c "$bytes" "$work/$name.f32" > "$goldens/$name.f32"
    rm "$work/$name-as-f32.gguf"
done < "$work/cases"
(cd "$work" && sha256sum -- *.gguf) > "$goldens/models.sha256"
du -sh "$goldens"
