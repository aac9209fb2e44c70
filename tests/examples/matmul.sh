#!/usr/bin/env bash
# The product of two matrices of N x N, in blocks of rows: usage: matmul.sh [N [BLOCKS]]
#
#     bramble local --agents 4 -- ./matmul.sh 300 6
#
# Each block of rows of A goes with all of B to the kernel `matmul`, as one call (agent/kernels/README.md says how the
# bytes lie). All calls are made at the same time. The sum of all elements is checked against (row sums of B) x A.
set -euo pipefail

n=${1:-240} blocks=${2:-4}
work=$(mktemp -d "${TMPDIR:-/tmp}/matmul-XXXXXX")
trap 'rm -rf "$work"' EXIT

# a[i][j] = (i * j) % 7 - 3 and b[i][j] = (i + 2 * j) % 5 - 2: whole numbers, so that sums are exact.
python3 - "$work" "$n" "$blocks" <<'PYTHON'
import struct, sys
work, n, blocks = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
a = lambda i: [float((i * j) % 7 - 3) for j in range(n)]
b = b"".join(struct.pack(f"<{n}d", *((i + 2 * j) % 5 - 2 for j in range(n))) for i in range(n))
for block in range(blocks):
    rows = range(n * block // blocks, n * (block + 1) // blocks)
    with open(f"{work}/{block}.call", "wb") as file:
        file.write(struct.pack("<3I", len(rows), n, n) + b"".join(struct.pack(f"<{n}d", *a(i)) for i in rows) + b)
PYTHON

pids=()
for ((block = 0; block < blocks; ++block)); do
  bramble call matmul --name "matmul, block $block" <"$work/$block.call" >"$work/$block.rows" &
  pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid"; done
for ((block = 0; block < blocks; ++block)); do cat "$work/$block.rows"; done >"$work/product"

python3 - "$work/product" "$n" <<'PYTHON'
import struct, sys
n = int(sys.argv[2])
data = open(sys.argv[1], "rb").read()
assert len(data) == 8 * n * n, f"the product has {len(data)} bytes in place of {8 * n * n}"
total = sum(struct.unpack(f"<{n * n}d", data))
sums = [sum((k + 2 * j) % 5 - 2 for j in range(n)) for k in range(n)]
wanted = sum(((i * k) % 7 - 3) * sums[k] for i in range(n) for k in range(n))
print(f"{n} x {n}: the elements add up to {total:.0f}, as they must" if total == wanted else f"wrong: {total}, not {wanted}")
sys.exit(total != wanted)
PYTHON
