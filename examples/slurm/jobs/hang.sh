# Never ends by itself.
echo "begun on $SLURMD_NODENAME" >>shared.log
exec sleep 3600
