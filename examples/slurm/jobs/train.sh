# train.sh RECIPE: what a training job leaves, and a tracked file that it writes in place
mkdir "$SLURM_JOB_ID-logs"
echo "$1 on $SLURMD_NODENAME" >"$SLURM_JOB_ID-logs/train.log"
echo '{"loss": 1}' >metrics.json
echo "trained: $1" >>config.yaml
[ "$(cat config.yaml)" = "lr: 1
trained: $1" ]
