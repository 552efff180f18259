#!/usr/bin/env bash
# Installs what the tests need, builds once and runs all tests; then the CPU path again on lesser processors, the kernels at other subgroup sizes and on a second driver.
# Closes with the sum over all runs: "N passed, N failed, N skipped".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

results=artifacts/test-results
swiftshader=/usr/lib/chromium/vk_swiftshader_icd.json
passed=0 failed=0 skipped=0 bad_runs=()

# run NAME ARGUMENT...: one `dotnet test`, its result files added to the sums. A run of no test counts as a bad one.
run() {
    local name=$1 code=0 before=$((passed + failed)) file
    shift
    printf '\n== %s\n' "$name"
    dotnet test "$@" -c Release --no-build -nologo --logger trx --results-directory "$results/$name" || code=$?
    for file in "$results/$name"/*.trx; do
        [[ -f $file ]] || continue
        passed=$((passed + $(counter "$file" passed)))
        failed=$((failed + $(counter "$file" failed) + $(counter "$file" error) + $(counter "$file" timeout) + $(counter "$file" aborted)))
        skipped=$((skipped + $(counter "$file" total) - $(counter "$file" executed)))
    done
    ((code == 0 && passed + failed > before)) || bad_runs+=("$name")
}

counter() { grep -o "<Counters [^>]*" "$1" | grep -o " $2=\"[0-9]*\"" | grep -o '[0-9]\+'; }

tools/setup.sh --software-driver --validation --swiftshader --msgpack --node --browser
npm ci --prefix tests/MixtralVk.Server.Tests/clients --ignore-scripts --no-audit --no-fund --silent
export DOTNET_NOLOGO=1
rm -rf "$results"
dotnet build MixtralVk.sln -c Release -warnaserror -v quiet -nologo

run all MixtralVk.sln
# The CPU path as older processors, and those with none of its instruction sets, run it.
processor=(tests/MixtralVk.Tests --filter 'FullyQualifiedName~.Cpu.|FullyQualifiedName~.Quantization.')
DOTNET_EnableAVX512=0 run cpu-without-avx512 "${processor[@]}"
DOTNET_EnableHWIntrinsic=0 run cpu-portable "${processor[@]}"
kernels=(tests/MixtralVk.Tests --filter FullyQualifiedName~.Kernels.)
for width in 128 512; do
    # lavapipe's subgroup is its vector register: 4, 8 (the usual one) or 16 lanes.
    LP_NATIVE_VECTOR_WIDTH=$width run "kernels-subgroup-$((width / 32))" "${kernels[@]}"
done
if [[ -f $swiftshader ]]; then
    VK_DRIVER_FILES=$swiftshader VK_ICD_FILENAMES=$swiftshader run kernels-swiftshader "${kernels[@]}"
else
    echo "SwiftShader is not here: its run is left out."
fi

((${#bad_runs[@]} == 0)) || printf '\nfailed: %s\n' "${bad_runs[*]}" >&2
printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
((failed == 0 && ${#bad_runs[@]} == 0))
