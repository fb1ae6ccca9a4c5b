#!/bin/sh
# One job of `unlearn jobs plan` for each task of an array:
#
#     sbatch --array=1-8 slurm.sh JOBS
#
# JOBS is the folder that the plan was written to, and UNLEARN the program where it is not in the path.
#SBATCH --job-name=unlearn
#SBATCH --cpus-per-task=4
#SBATCH --requeue
set -eu
exec "${UNLEARN:-unlearn}" jobs run "$SLURM_ARRAY_TASK_ID" --in "$1" --threads "${SLURM_CPUS_PER_TASK:-1}" --quiet
