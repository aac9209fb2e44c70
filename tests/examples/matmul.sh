#!/usr/bin/env bash
# The product of two matrices of N x N, in blocks of rows: usage: matmul.sh [N [BLOCKS]]
#
#     bramble local --agents 4 -- ./matmul.sh 1000 20
#
# Both matrices go to the nodes once, as files; a call to the kernel `matmul` names a block of their product and gets it
# (agent/kernels/README.md says how the bytes lie). Whether the product P is A B is looked at by P x = A (B x).
set -euo pipefail

n=${1:-240} blocks=${2:-4}
work=$(mktemp -d "${TMPDIR:-/tmp}/matmul-XXXXXX")
trap 'rm -rf "$work"' EXIT

# Whole numbers, so that sums are exact.
cat >"$work/matrices.py" <<'PYTHON'
import array, struct, sys
work, n, blocks = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
A = lambda i: array.array("d", ((i * j) % 7 - 3 for j in range(n)))
B = lambda i: array.array("d", ((i + 2 * j) % 5 - 2 for j in range(n)))
PYTHON

cat "$work/matrices.py" - >"$work/write.py" <<'PYTHON'
for name, row in ("A", A), ("B", B):
    with open(f"{work}/{name}", "wb") as file:
        file.write(struct.pack("<2I", n, n))
        for i in range(n):
            row(i).tofile(file)
with open(f"{work}/calls", "wb") as file:
    for block in range(blocks):
        first, after = n * block // blocks, n * (block + 1) // blocks
        file.write(struct.pack("<5I", 16, first, after - first, 0, n))  # 16: the length of a call
PYTHON
python3 "$work/write.py" "$work" "$n" "$blocks"

bramble call matmul --each-frame --input "$work/A" --input "$work/B" <"$work/calls" >"$work/products"

cat "$work/matrices.py" - >"$work/check.py" <<'PYTHON'
product = array.array("d")
with open(f"{work}/products", "rb") as file:
    while head := file.read(4):
        product.frombytes(file.read(*struct.unpack("<I", head)))
assert len(product) == n * n, f"the product has {len(product)} elements in place of {n * n}"
times = lambda row, vector: sum(a * b for a, b in zip(row, vector))
x = [k * k % 11 - 5 for k in range(n)]
Bx = [times(B(i), x) for i in range(n)]
wrong = [i for i in range(n) if times(product[i * n : (i + 1) * n], x) != times(A(i), Bx)]
print(f"{n} x {n}: wrong in rows {wrong[:9]}" if wrong else f"{n} x {n}: all rows are as they must be")
sys.exit(bool(wrong))
PYTHON
python3 "$work/check.py" "$work" "$n" "$blocks"
