#!/bin/sh
# Makes the committed blocks of every weight format and the floats they stand for, tests/MixtralVk.Tests/Quantization/goldens, with llama.cpp:
#
#     tools/goldens/blocks.sh LCPP
#
# LCPP is a program around libllama with this command:
#     LCPP quantize -m IN.gguf -o OUT.gguf -q TYPE     q4_0, q5_1, … : every matrix in that type; f32: the floats the matrices stand for
# <format>.blocks: 12 rows of 256 columns of random bits with denormal, negative, zero and greatest scales, then 2 rows that llama.cpp
# quantised itself. <format>.f32: their little-endian floats.
set -e
lcpp=$1
[ -x "$lcpp" ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
root=$(cd "$(dirname "$0")/../.." && pwd)
goldens=$root/tests/MixtralVk.Tests/Quantization/goldens
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

dotnet build "$root/tools/goldens/BlockModels" -v q -nologo
blocks() { dotnet run --project "$root/tools/goldens/BlockModels" --no-build -- "$@"; }
blocks models "$work" > "$work/formats"
while read -r format; do
    "$lcpp" quantize -m "$work/$format.gguf" -o "$work/$format-f32.gguf" -q f32 > /dev/null
    "$lcpp" quantize -m "$work/values.gguf" -o "$work/$format-made.gguf" -q "$format" > /dev/null
    "$lcpp" quantize -m "$work/$format-made.gguf" -o "$work/$format-made-f32.gguf" -q f32 > /dev/null
done < "$work/formats"
rm -rf "$goldens"
mkdir -p "$goldens"
blocks collect "$work" "$goldens"
du -sh "$goldens"
