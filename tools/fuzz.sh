#!/usr/bin/env bash
# Fuzzes the parsers of files from strangers: tools/fuzz.sh MINUTES [PARSER] [SEED]. MINUTES are shared among the parsers when PARSER is left out or
# "all". Found inputs go to tests/MixtralVk.Tests/Loading/corpus/PARSER, where the tests run them from then on. Ends with 1 when something was found.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
corpus=tests/MixtralVk.Tests/Loading/corpus
dotnet build tools/Fuzz -c Release -v quiet -nologo
code=0
dotnet tools/Fuzz/bin/Release/net10.0/Fuzz.dll "${1:?usage: tools/fuzz.sh MINUTES [PARSER] [SEED]}" "$corpus" "${2:-all}" ${3:+"$3"} || code=$?
# A process that died left the input it died of.
for running in "$corpus"/*.running; do
    [[ -f $running ]] || continue
    parser=$(basename "$running" .running)
    found=$corpus/$parser/$(sha256sum "$running" | cut -c 1-16)
    mv "$running" "$found"
    echo "$parser: FOUND $found: the process ended ($code)"
done
exit "$code"
