#!/usr/bin/env bash
# Compiles the kernels with the compilers of real GPUs, without any GPU, and fails where a shipped one spills registers.
# Without arguments AMD's five generations, with Mesa's driver as Debian or Ubuntu package it. The report of all vendors:
#   tools/vendor-report.sh --drivers DIR --output docs/vendors.md
# DIR: a root folder of a Linux system (made by debootstrap, say) with Mesa's Vulkan drivers for Intel and NVIDIA, and in DIR/shim the
# fake kernel devices they open: libintel_noop_drm_shim.so and libnouveau_noop_drm_shim.so, from Mesa's sources (meson: -Dtools=drm-shim,intel).
# The program is started inside it by chroot, so that needs root. More options: --help.
# Linux only, hence no .ps1 beside it: the compilers are Mesa's, and the fake devices stand in for Linux kernel devices.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

"$root/tools/setup.sh" --software-driver
export DOTNET_NOLOGO=1
dotnet build "$root/tools/VendorReport" -c Release -v quiet -nologo >&2
exec dotnet "$root/tools/VendorReport/bin/Release/net10.0/VendorReport.dll" "$@"
