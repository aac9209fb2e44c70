#!/usr/bin/env bash
# Trains a network and asks it about data: usage: learn.sh [SPEC [DATA]]      (iris.toml and its flowers; or digits.toml)
#
#     bramble local --agents 4 -- ./learn.sh digits.toml
#
# Each mini-batch is cut in shards, whose gradients the nodes compute; the model is the same to the last bit on any
# number of them. It goes to the current folder; a progress line for each epoch goes to standard error.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
spec=${1:-iris.toml}
[ -e "$spec" ] || spec=$here/$spec
data=${2:-$(cd "$(dirname "$spec")" && realpath "$(sed -n 's/^file = "\(.*\)"$/\1/p' "$spec")")}
model=$(basename "$spec" .toml).model

bramble train "$spec" >&2
bramble infer "$model" "$data" --summary
