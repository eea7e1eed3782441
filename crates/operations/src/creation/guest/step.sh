# Runs one step with Berth's helpers in reach: step.sh SCRIPT
. "$BERTH_RUN/helpers.sh"
. "$1"
