# Fuzzes the parsers of files from strangers: tools\fuzz.ps1 MINUTES [PARSER] [SEED]. MINUTES are shared among the parsers when PARSER is left out or
# "all". Found inputs go to tests/MixtralVk.Tests/Loading/corpus/PARSER, where the tests run them from then on. Ends with 1 when something was found.
param([Parameter(Mandatory)][double]$Minutes, [string]$Parser = 'all', [string]$Seed)
$ErrorActionPreference = 'Stop'
$root = Split-Path $PSScriptRoot
$corpus = Join-Path $root 'tests/MixtralVk.Tests/Loading/corpus'
dotnet build (Join-Path $root 'tools/Fuzz') -c Release -v quiet -nologo
if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
$arguments = @($Minutes.ToString([cultureinfo]::InvariantCulture), $corpus, $Parser)
if ($Seed) { $arguments += $Seed }
dotnet (Join-Path $root 'tools/Fuzz/bin/Release/net10.0/Fuzz.dll') @arguments
$code = $LASTEXITCODE
# A process that died left the input it died of.
foreach ($running in Get-ChildItem $corpus -Filter *.running -ErrorAction SilentlyContinue) {
    $hash = Get-FileHash $running.FullName
    $name = $hash.Hash.ToLowerInvariant().Substring(0, 16)
    $found = Join-Path (Join-Path $corpus $running.BaseName) $name
    Move-Item $running.FullName $found -Force
    "$($running.BaseName): FOUND ${found}: the process ended ($code)"
}
exit $code
