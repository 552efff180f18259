#!/usr/bin/env bash
# Installs what building and running needs on Debian or Ubuntu and is not there yet. Does nothing, quickly, when all is there.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: tools/setup.sh [option...]

Always: the Vulkan loader and glslc (the shader compiler). Looks for the .NET 10 SDK.

  --software-driver   Mesa's Vulkan drivers, with the one that runs on the CPU
  --validation        the Khronos validation layer
  --swiftshader       SwiftShader, a second software driver, from the package chromium-common if there is one
  --native-aot        clang and zlib, which NativeAOT links with
  --arm               an emulator of Arm64 and its C library
  --wine              Wine, which runs programs for Windows, and a screen that is not there
  --msgpack           Python's MessagePack (tests compare its bytes with ours)
  --node              Node.js, npm and curl (the check of the PowerShell scripts, clients of the server)
  --browser           Chromium (tests of the server's pages)
TEXT
}

say() { printf '%s\n' "$*" >&2; }
die() { say "setup: $*"; exit 1; }
has_file() { compgen -G "$1" >/dev/null; }

packages=()
optional=()
need() { packages+=("$@"); }

command -v glslc >/dev/null || need glslc
ldconfig=$(command -v ldconfig || echo /sbin/ldconfig)
[[ $("$ldconfig" -p) == *libvulkan.so.1* ]] || need libvulkan1

for option in "$@"; do
    case $option in
        --software-driver)
            has_file '/usr/share/vulkan/icd.d/lvp_icd*.json' || need mesa-vulkan-drivers ;;
        --validation)
            has_file '/usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json' || need vulkan-validationlayers ;;
        --swiftshader)
            [[ -f /usr/lib/chromium/vk_swiftshader_icd.json ]] || optional+=(chromium-common) ;;
        --native-aot)
            command -v clang >/dev/null || need clang
            [[ -f /usr/include/zlib.h ]] || need zlib1g-dev ;;
        --arm)
            command -v qemu-aarch64 >/dev/null || need qemu-user
            [[ -f /usr/aarch64-linux-gnu/lib/libstdc++.so.6 ]] || need libc6-arm64-cross libstdc++6-arm64-cross ;;
        --wine)
            command -v wine >/dev/null || need wine64 wine
            command -v Xvfb >/dev/null || need xvfb ;;
        --msgpack)
            /usr/bin/python3 -c 'import msgpack' 2>/dev/null || need python3-msgpack ;;
        --node)
            command -v node >/dev/null || need nodejs
            command -v npm >/dev/null || need npm
            command -v curl >/dev/null || need curl ;;
        --browser)
            [[ -x /usr/bin/chromium ]] || need chromium ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done

sdks=$(dotnet --list-sdks 2>/dev/null || true)
if [[ ! $'\n'$sdks == *$'\n'10.* ]]; then
    die "the .NET 10 SDK is missing: install it (https://dotnet.microsoft.com/download) and run this again."
fi
if ((${#packages[@]} + ${#optional[@]} == 0)); then
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    ((${#packages[@]})) || exit 0
    die "this is not Debian or Ubuntu; install what these of their packages hold, then run this again: ${packages[*]}"
fi

sudo=()
if ((EUID != 0)); then
    command -v sudo >/dev/null || die "run as root (there is no sudo), or install: ${packages[*]}"
    sudo=(sudo)
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { # apt-get, silent unless it fails
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 "$@" </dev/null >"$log" 2>&1
}

say "setup: looking up packages"
apt update || { cat "$log" >&2; die "apt-get update failed."; }
if ((${#packages[@]})); then
    say "setup: installing ${packages[*]}"
    apt install --no-install-recommends "${packages[@]}" || { cat "$log" >&2; die "could not install ${packages[*]}."; }
fi
for package in "${optional[@]}"; do
    say "setup: installing $package"
    apt install --no-install-recommends "$package" || say "setup: no $package here; going on without it"
done
