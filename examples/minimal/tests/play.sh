#!/usr/bin/env bash
# Writes itself into the tracked file that all tests share, and wants to be the only one who did.
set -eu
player=$1
[ "$(cat scores.txt)" = "nobody 0" ]
for score in 1 2 3; do
  echo "$player $score" >>scores.txt
  sleep 0.1
done
[ "$(grep -c . scores.txt)" = 4 ]
! grep -vE "^(nobody|$player) " scores.txt
