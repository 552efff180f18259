#!/usr/bin/env bash
# Runs a script of this folder with what it needs from Debian's packages: tools/train/run.sh train.py --check
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/mixtralvk/train
blas=$cache/usr/lib/$(uname -m)-linux-gnu/openblas-pthread

if (($# == 0)); then
    echo "usage: tools/train/run.sh SCRIPT.py [argument...]" >&2
    exit 2
fi
if ! /usr/bin/python3 -c 'import torch, sentencepiece, numpy' 2>/dev/null || ! command -v gcc >/dev/null; then
    sudo=()
    ((EUID == 0)) || sudo=(sudo)
    "${sudo[@]}" apt-get -qq update
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends python3-torch python3-sentencepiece python3-numpy gcc libc6-dev
fi
# A BLAS of one's own, unpacked and not installed: Debian's default one is about 50 times slower.
if [[ ! -d $blas ]]; then
    mkdir -p "$cache"
    (cd "$cache" && apt-get -qq -o APT::Sandbox::User=root download libopenblas0-pthread && dpkg -x libopenblas0-pthread_*.deb . && rm libopenblas0-pthread_*.deb)
fi
export LD_LIBRARY_PATH=$blas OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
# OpenBLAS does not know every processor that has AVX-512.
grep -qs avx512f /proc/cpuinfo && export OPENBLAS_CORETYPE=SKYLAKEX
exec /usr/bin/python3 "$here/$1" "${@:2}"
