# A chat with the model shipped in this repository. Arguments go to `mixtralvk chat`: a GGUF file, --device vulkan, --help...
# Lines piped in are answered one by one.
$ErrorActionPreference = 'Stop'
$root = Split-Path $PSScriptRoot

& (Join-Path $PSScriptRoot 'setup.ps1')

$env:DOTNET_NOLOGO = '1'
dotnet build (Join-Path $root 'tools/MixtralVk.Cli') -c Release -v quiet -nologo | Out-Host
if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }

$mixtralvk = Join-Path $root 'tools/MixtralVk.Cli/bin/Release/net10.0/mixtralvk.exe'
if ($MyInvocation.ExpectingInput) {
    $input | & $mixtralvk chat @args
} else {
    & $mixtralvk chat @args
}
exit $LASTEXITCODE
