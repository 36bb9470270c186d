# Runs beside append.sh: its own shared.log stays as it is.
for second in 1 2 3 4 5; do
  [ "$(cat shared.log)" = "from the source" ] || exit 1
  sleep 1
done
