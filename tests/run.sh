#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds everything and runs all tests: with g++, with clang++, the unit tests under the sanitizers, and the programs for
# MemPool on the model.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'USAGE'
usage: tests/run.sh [--quick]

  --quick  g++ only

Installs missing packages where it may (root or password-free sudo), else prints the command to run.

TESSERA_GOLDEN_DIR   a folder with more golden vectors (*.npz) to check
TESSERA_NETWORK_DIR  a folder with more networks and their expected values
USAGE
}

quick=false
for argument in "$@"; do
  case $argument in
    --quick) quick=true ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

# The tests run in other folders, so relative names would not be found there.
for variable in TESSERA_GOLDEN_DIR TESSERA_NETWORK_DIR; do
  if [[ -n ${!variable:-} ]]; then
    if [[ ! -d ${!variable} ]]; then
      echo "$variable=${!variable} is not a folder" >&2
      exit 2
    fi
    declare -x "$variable=$(cd "${!variable}" && pwd)"
  fi
done

cmake/install-packages.sh --tests

jobs=$(nproc)
summary=()
SECONDS=0

# stage PRESET [CTEST_ARGUMENT...]: configures, builds, tests.
stage() {
  local preset=$1 start=$SECONDS
  shift
  echo "=== $preset"
  cmake --preset "$preset" >/dev/null
  cmake --build --preset "$preset" -j "$jobs"
  ctest --preset "$preset" -j "$jobs" --no-tests=error "$@"
  summary+=("$preset $((SECONDS - start)) s")
}

# What is labelled `project` (headers, packages, code that must not compile) looks at the sources, once; the fragments
# that must not compile are tried with both compilers there.
stage gcc
stage rv32-gcc
if ! $quick; then
  stage clang --label-exclude project
  stage asan-ubsan --label-exclude project
  stage rv32-clang
fi

printf -v passed '%s, ' "${summary[@]}"
echo "=== all tests passed: ${passed%, } ($((SECONDS / 60)) min $((SECONDS % 60)) s in all)"
