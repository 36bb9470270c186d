# Each of the two tasks appends to shared.log, waits for the other's lines, and finds its own as well.
for line in 1 2 3 4 5; do
  echo "$SLURMD_NODENAME $line" >>shared.log
done
for second in $(seq 60); do
  [ "$(grep -c '^n[12] [1-5]$' shared.log)" = 10 ] && exit
  sleep 1
done
cat shared.log
exit 1
