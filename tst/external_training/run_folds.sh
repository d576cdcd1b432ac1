#!/usr/bin/env bash
# Trains every fold that is not trained yet, in LLaMA-Factory's own environment.
#   LLAMAFACTORY=PATH       its llamafactory-cli, where that is not on PATH
#   MODEL=PATH              the same base model at another place
#   FOLDS="0-0 0-1"         these folds alone
#   CUDA_VISIBLE_DEVICES=1  the GPU that trains; without it, the first
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
cli=$(command -v "${LLAMAFACTORY:-llamafactory-cli}") || {
  echo "no ${LLAMAFACTORY:-llamafactory-cli} on PATH; set LLAMAFACTORY=PATH" >&2
  exit 2
}
all=$(ls train-*.yaml | sed 's/^train-//; s/\.yaml$//')
for fold in ${FOLDS:-$all}; do
  if [ ! -e "train-$fold.yaml" ]; then
    echo "FOLDS: there is no fold $fold; there are" $all >&2
    exit 2
  fi
done
# on several GPUs LLaMA-Factory gives each a batch of its own: larger batches, fewer steps
CUDA_VISIBLE_DEVICES=${CUDA_VISIBLE_DEVICES-0}
export CUDA_VISIBLE_DEVICES="${CUDA_VISIBLE_DEVICES%%,*}"
mkdir -p adapters
"$(dirname "$cli")/python" - > "adapters/versions.$$" << 'PYTHON'
import importlib.metadata, json
there = {}
for name in ("llamafactory", "torch", "transformers", "peft", "trl", "datasets", "accelerate"):
    try:
        there[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        continue
print(json.dumps(there))
PYTHON
mv "adapters/versions.$$" adapters/versions.json # whole at once: folds may be trained side by side
for fold in ${FOLDS:-$all}; do
  # trainer_state.json is the last file that LLaMA-Factory writes
  if [ -e "adapters/$fold/trainer_state.json" ]; then
    echo "fold $fold is trained"
    continue
  fi
  code=0
  "$cli" train "train-$fold.yaml" ${MODEL:+"model_name_or_path=$MODEL"} || code=$?
  if [ "$code" = 0 ] && [ ! -e "adapters/$fold/trainer_state.json" ]; then
    echo "fold $fold: no adapters/$fold/trainer_state.json was written" >&2
    code=1
  fi
  if [ "$code" != 0 ]; then
    echo "fold $fold: $cli train ended with exit code $code. Folds that are trained stay; run this again" \
      "to train the others." >&2
    exit "$code"
  fi
done
