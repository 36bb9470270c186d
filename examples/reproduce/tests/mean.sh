#!/bin/sh
# The mean of the numbers is 20.
set -eu
mean=$(awk "{ sum += \$1 } END { printf \"%.${DIGITS}f\", sum / NR }" numbers.txt)
echo "mean: $mean"
[ "$mean" = 20.00 ]
