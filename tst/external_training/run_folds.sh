#!/usr/bin/env bash
# Trains every fold that is not trained yet, in LLaMA-Factory's own environment.
#   LLAMAFACTORY=PATH  its llamafactory-cli, where that is not on PATH
#   MODEL=PATH         the same base model at another place
#   FOLDS="0-0 0-1"    these folds alone
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
cli=$(command -v "${LLAMAFACTORY:-llamafactory-cli}") || {
  echo "no ${LLAMAFACTORY:-llamafactory-cli} on PATH; set LLAMAFACTORY=PATH" >&2
  exit 2
}
mkdir -p adapters
"$(dirname "$cli")/python" - > adapters/versions.json << 'PYTHON'
import importlib.metadata, json
there = {}
for name in ("llamafactory", "torch", "transformers", "peft", "trl", "datasets", "accelerate"):
    try:
        there[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        continue
print(json.dumps(there))
PYTHON
all=$(ls train-*.yaml | sed 's/^train-//; s/\.yaml$//')
for fold in ${FOLDS:-$all}; do
  # trainer_state.json is the last file that LLaMA-Factory writes
  if [ -e "adapters/$fold/trainer_state.json" ]; then
    echo "fold $fold is trained"
    continue
  fi
  "$cli" train "train-$fold.yaml" ${MODEL:+"model_name_or_path=$MODEL"}
done
