#!/usr/bin/env bash
# Random schemas, high temperatures, token limits down to the shortest answer: every constrained answer of the shipped model must be valid by ajv, an
# independent validator of JSON schemas. tools/constrained-replies.sh COUNT [SEED].
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/setup.sh --node
tool=tools/ConstrainedReplies
npm ci --prefix "$tool" --ignore-scripts --no-audit --no-fund --silent
dotnet build "$tool" -c Release -v quiet -nologo
dotnet "$tool/bin/Release/net10.0/ConstrainedReplies.dll" "${1:?usage: tools/constrained-replies.sh COUNT [SEED]}" samples/models/hearth-8x1m-q4_0.gguf "${2:-1}" |
    node "$tool/validate.mjs"
