#!/usr/bin/env bash
# The words of a text by how often they occur: usage: wordcount.sh < TEXT
#
#     bramble local --agents 4 -- ./wordcount.sh < big.txt
#
# Each line of the text is a call of the kernel `wordcount`, which stays on the nodes; thousands of lines travel together.
# What comes back are counts of each line, added up here.
set -euo pipefail
export LC_ALL=C

bramble call wordcount --each-line |
  awk -F '\t' 'NF == 2 { count[$1] += $2 } END { for (word in count) print count[word] "\t" word }' |
  sort -k1,1nr -k2
