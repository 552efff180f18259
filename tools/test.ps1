# Builds once and runs all tests, then the CPU path again on lesser processors. Closes with the sum over all runs: "N passed, N failed, N skipped".
$ErrorActionPreference = 'Stop'
$root = Split-Path $PSScriptRoot
$solution = Join-Path $root 'MixtralVk.sln'
$results = Join-Path $root 'artifacts/test-results'

& (Join-Path $PSScriptRoot 'setup.ps1')
npm ci --prefix (Join-Path $root 'tests/MixtralVk.Server.Tests/clients') --ignore-scripts --no-audit --no-fund --silent
if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }

$env:DOTNET_NOLOGO = '1'
if (Test-Path $results) { Remove-Item $results -Recurse -Force }
dotnet build $solution -c Release -warnaserror -v quiet -nologo
if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
dotnet test $solution -c Release --no-build -nologo --logger trx --results-directory $results
$good = $LASTEXITCODE -eq 0
# The CPU path as older processors, and those with none of its instruction sets, run it.
foreach ($setting in 'DOTNET_EnableAVX512', 'DOTNET_EnableHWIntrinsic') {
    Set-Item "env:$setting" '0'
    dotnet test (Join-Path $root 'tests/MixtralVk.Tests') --filter 'FullyQualifiedName~.Cpu.|FullyQualifiedName~.Quantization.' -c Release --no-build -nologo --logger trx --results-directory (Join-Path $results $setting)
    $good = $good -and $LASTEXITCODE -eq 0
    Remove-Item "env:$setting"
}

$passed = 0
$failed = 0
$skipped = 0
foreach ($file in Get-ChildItem $results -Filter *.trx -Recurse -ErrorAction SilentlyContinue) {
    $counters = ([xml](Get-Content $file.FullName -Raw)).TestRun.ResultSummary.Counters
    $passed += [int]$counters.passed
    $failed += [int]$counters.failed + [int]$counters.error + [int]$counters.timeout + [int]$counters.aborted
    $skipped += [int]$counters.total - [int]$counters.executed
}

"$passed passed, $failed failed, $skipped skipped"
if (-not $good -or $failed -gt 0 -or $passed -eq 0) { exit 1 }
