#!/bin/sh
# Train on several machines: run this on each of them, with the same settings, and give it the options of snadnet train.
#
#   HOST=first-machine NODES=2 PROCESSES=8 launch/torchrun.sh -c configs/snadnet/celeba.yaml -r /shared/runs/celeba
#
# HOST       the machine where the others meet; it must be one of them, and reached by all under this name
# NODES      how many machines there are
# PROCESSES  processes on each: one a GPU, or one a core or two on a CPU (default 1)
# PORT       a free port of HOST (default 29400)
# ID         the same for all machines of one training, another for each training on HOST (default snadnet)
#
# All machines must reach the faces and the run's folder by the same paths. If one process ends, all do; the same
# command then goes on from the last checkpoint.
set -eu
exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes "${NODES:?say how many machines there are}" \
    --nproc_per_node "${PROCESSES:-1}" \
    --rdzv_backend c10d \
    --rdzv_endpoint "${HOST:?name the machine where the others meet}:${PORT:-29400}" \
    --rdzv_id "${ID:-snadnet}" \
    --max_restarts 0 \
    -m snadnet train "$@"
