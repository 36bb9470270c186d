#!/usr/bin/env bash
# A job as clusters run them: writes its resume script, its logs and its metrics into its own tree.
set -eu
recipe=$1 model=$2
job=$$
steps=$(sed -n 's/^steps: //p' "configs/$recipe.yaml")
modules=$(find src -name '*.py' | wc -l)

printf '#!/bin/sh\nexec bash jobs/train.sh %s %s\n' "$recipe" "$model" >continue.sh
mkdir "$job-logs"
for ((step = 1; step <= steps; step++)); do
  echo "$recipe $model step $step loss $((1000 / step))" >>"$job-logs/driver.log"
done
printf '{"job": %s, "model": "%s", "modules": %s, "steps": %s, "loss": %s}\n' \
  "$job" "$model" "$modules" "$steps" "$((1000 / steps))" >metrics.json

# In a tree that it shares with another job it would see that one's logs.
[ "$(find . -maxdepth 1 -name '*-logs' | wc -l)" = 1 ]
[ "$(wc -l <"$job-logs/driver.log")" = "$steps" ]
