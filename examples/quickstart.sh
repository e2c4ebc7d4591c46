#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a fresh clone to labels: installs what is missing, builds the command-line tool, and classifies sentences with a
# small trained I-BERT network, in integer arithmetic, on two targets that must agree bit for bit.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# WordNet definitions that the network has not seen in training; it says which kind of thing each one defines. It is a
# small network: the last answer is wrong (WordNet files the gust under noun.phenomenon).
sentences=(
  "primitive dinosaur found in Brazil"
  "a French liqueur originally made by Benedictine monks"
  "move or proceed at an angle"
  "someone who teaches horsemanship"
  "a small rug; several can be used in a room"
  "a short light gust of air"
)
model=examples/networks/wordnet-ibert
tool=build/release/bin/tessera

cmake/install-packages.sh

echo "Building the command-line tool ..."
log=$(mktemp)
results=$(mktemp -d)
trap 'rm -rf "$log" "$results"' EXIT
if ! { cmake --preset release && cmake --build --preset release --target tessera_tool; } >"$log" 2>&1; then
  cat "$log" >&2
  echo "The build failed; see above." >&2
  exit 1
fi

texts=()
for sentence in "${sentences[@]}"; do
  texts+=(--text "$sentence")
done
for target in reference host; do
  "$tool" classify --model "$model" "${texts[@]}" --target "$target" --json >"$results/$target.json"
done

# Floating-point output is compared as text: the same bits print the same digits.
python3 - "$results" "${sentences[@]}" <<'PYTHON'
import json
import sys

folder, sentences = sys.argv[1], sys.argv[2:]
answers = {}
for target in ("reference", "host"):
    with open(f"{folder}/{target}.json", encoding="utf-8") as file:
        answers[target] = json.load(file, parse_float=str)["results"]
    if len(answers[target]) != len(sentences):
        sys.exit(f"{target}: {len(answers[target])} results for {len(sentences)} sentences")

width = max(map(len, sentences))
print(f"\n{'sentence':{width}}  {'reference':<20}  host")
differing = 0
for sentence, reference, host in zip(sentences, answers["reference"], answers["host"]):
    same = reference["label"] == host["label"] and reference["logits"] == host["logits"]
    differing += not same
    print(f"{sentence:{width}}  {reference['label']:<20}  {host['label']}{'' if same else '   DIFFERS'}")

logits = sum(len(result["logits"]) for result in answers["host"])
if logits == 0:
    sys.exit("\nno logits to compare")
if differing:
    sys.exit(f"\nThe targets disagree on {differing} of {len(sentences)} sentences.")
print(f"\nreference and host agree bit for bit on all {logits} logits of {len(sentences)} sentences.")
PYTHON
