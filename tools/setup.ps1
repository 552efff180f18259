# Looks for what building and running needs on Windows, and says where it comes from when it is missing. Installs nothing.
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$sdks = if (Get-Command dotnet -ErrorAction SilentlyContinue) { dotnet --list-sdks } else { @() }
if (-not ($sdks -match '^10\.')) {
    throw 'The .NET 10 SDK is missing: install it (https://dotnet.microsoft.com/download) and run this again.'
}

$inSdk = $env:VULKAN_SDK -and (Test-Path (Join-Path $env:VULKAN_SDK 'Bin/glslc.exe'))
if (-not $inSdk -and -not (Get-Command glslc -ErrorAction SilentlyContinue)) {
    throw 'glslc, the shader compiler, is missing: install the Vulkan SDK (https://vulkan.lunarg.com/sdk/home), which sets VULKAN_SDK, and open a new terminal.'
}
