# Never ends by itself.
echo "begun on $SLURMD_NODENAME" >>shared.log
sleep 3600
