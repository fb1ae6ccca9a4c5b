#!/bin/sh
# One job of `unlearn jobs plan` for each task of an array:
#
#     sbatch --array=1-N slurm.sh JOBS
#
# JOBS is the folder that the plan was written to, N the number of jobs in it, and UNLEARN the program where it is not in the path. Large networks
# compute on more cores (--cpus-per-task=4); --time and --mem, which some clusters ask for, go on the command line, too.
#SBATCH --job-name=unlearn
#SBATCH --cpus-per-task=1
#SBATCH --requeue
set -eu
exec "${UNLEARN:-unlearn}" jobs run "$SLURM_ARRAY_TASK_ID" --in "${1:?the folder of jobs}" --threads "${SLURM_CPUS_PER_TASK:-1}" --quiet
