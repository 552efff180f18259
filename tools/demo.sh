#!/usr/bin/env bash
# A chat with the model shipped in this repository. Arguments go to `mixtralvk chat`: a GGUF file, --device vulkan, --help...
# Lines piped in are answered one by one.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

has_gpu() { compgen -G '/dev/dri/renderD*' >/dev/null || [[ -e /dev/nvidia0 ]]; }
has_driver() { compgen -G '/usr/share/vulkan/icd.d/*.json' >/dev/null; }

options=()
if [[ "$* " == *--device[\ =]vulkan\ * ]] && ! { has_gpu && has_driver; }; then
    options+=(--software-driver) # Mesa's package: the software driver, and AMD's and Intel's
fi
"$root/tools/setup.sh" "${options[@]}"

export DOTNET_NOLOGO=1
echo "demo: building" >&2
dotnet build "$root/tools/MixtralVk.Cli" -c Release -v quiet -nologo </dev/null >&2

exec "$root/tools/MixtralVk.Cli/bin/Release/net10.0/mixtralvk" chat "$@"
