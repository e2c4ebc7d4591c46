#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that Tessera builds with, where they are missing and where this user may; otherwise
# prints the one command to run. Does not touch apt when all are there.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: cmake/install-packages.sh [--tests] [--list]

  --tests  also what the whole test run needs: clang with its sanitizer runtime, ccache, for MemPool programs a RISC-V
           cross compiler, lld and gdb, and to check the model qemu-user and a compiler for RISC-V Linux
  --list   print the names of all packages, installed or not, and stop
USAGE
}

tests=false
list=false
for argument in "$@"; do
  case $argument in
    --tests) tests=true ;;
    --list) list=true ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

# A command may come from elsewhere than its package (pip, a container image): look for the command, not the package.
tools=(g++:g++ cmake:cmake ninja:ninja-build git:git python3:python3)
libraries=(libeigen3-dev libxsimd-dev doctest-dev libbenchmark-dev libfmt-dev nlohmann-json3-dev libcli11-dev zlib1g-dev
  libutf8proc-dev)
if $tests; then
  tools+=(clang++:clang ccache:ccache riscv64-unknown-elf-g++:gcc-riscv64-unknown-elf ld.lld:lld
    qemu-riscv32:qemu-user riscv64-linux-gnu-g++:g++-riscv64-linux-gnu gdb-multiarch:gdb-multiarch)
  # libFuzzer and the sanitizers of clang are a package of their own; its name carries clang's version (Debian 12: 14).
  clang_version=$(clang++ -dumpversion 2>/dev/null || echo 14)
  libraries+=("libclang-rt-${clang_version%%.*}-dev")
fi

if $list; then
  printf '%s\n' "${tools[@]#*:}" "${libraries[@]}"
  exit 0
fi

missing=()
for tool in "${tools[@]}"; do
  command -v "${tool%%:*}" >/dev/null || missing+=("${tool#*:}")
done
if command -v dpkg-query >/dev/null; then
  for library in "${libraries[@]}"; do
    state=$(dpkg-query --show --showformat='${db:Status-Status}' "$library" 2>/dev/null || true)
    [[ $state == installed ]] || missing+=("$library")
  done
else
  # Other systems name their packages differently: let CMake say what it cannot find.
  echo "This is no Debian system, so libraries are not checked. Tessera needs what Debian calls: ${libraries[*]}" >&2
fi

if ((${#missing[@]} == 0)); then
  exit 0
fi

install=(apt-get install --yes --no-install-recommends "${missing[@]}")
become=()
if ((EUID != 0)); then
  become=(sudo)
fi
if ! command -v apt-get >/dev/null; then
  echo "Missing: ${missing[*]}. Please install them, or their equivalents on this system." >&2
  exit 1
fi
if ((EUID != 0)) && ! sudo --non-interactive true 2>/dev/null; then
  echo "Packages are missing, and installing them needs root. Please run:" >&2
  echo "  sudo apt-get update && sudo ${install[*]}" >&2
  exit 1
fi

# apt is talkative: keep what it says for the case that it fails.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() {
  if ! "$@" >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    echo "failed: $*" >&2
    exit 1
  fi
}
apt() {
  quietly "${become[@]}" env DEBIAN_FRONTEND=noninteractive apt-get --option DPkg::Lock::Timeout=300 "$@"
}
echo "Installing ${#missing[@]} packages: ${missing[*]}"
echo "  refreshing the list of packages ..."
apt update
echo "  downloading and unpacking ..."
apt "${install[@]:1}"
echo "  done"
