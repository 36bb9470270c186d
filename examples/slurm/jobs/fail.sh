echo "this job fails" && exit 3
