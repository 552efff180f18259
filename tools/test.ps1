# Builds once and runs all tests. Closes with the sum over all test projects: "N passed, N failed, N skipped".
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
$code = $LASTEXITCODE

$passed = 0
$failed = 0
$skipped = 0
foreach ($file in Get-ChildItem $results -Filter *.trx -ErrorAction SilentlyContinue) {
    $counters = ([xml](Get-Content $file.FullName -Raw)).TestRun.ResultSummary.Counters
    $passed += [int]$counters.passed
    $failed += [int]$counters.failed + [int]$counters.error + [int]$counters.timeout + [int]$counters.aborted
    $skipped += [int]$counters.total - [int]$counters.executed
}

"$passed passed, $failed failed, $skipped skipped"
if ($code -ne 0 -or $failed -gt 0 -or $passed -eq 0) { exit 1 }
