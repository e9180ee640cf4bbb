#!/bin/sh
# Training within a budget of minutes, for a machine that is lent for a short while: pairs are made on all cores but one beside the trainer, which takes the GPU where there is
# one. Nothing is fetched. The same command goes on where an earlier call stopped, as long as OUT is kept. The first shards, half a minute's work or so, come on top of the budget.
#
#   MATERIAL=... ASSETS=... PREPARED=photos.npz OUT=run MINUTES=8 INIT=../weights/dffnet-m.safetensors sh bounded-run.sh [further arguments of `train`]
#
# Also: NETWORK, WORKERS (processes that make pairs; at least one a level), COUNT (pairs that each makes), LEVELS, SEED, PYTHON.
set -eu
: "${MATERIAL:?folder of the material}" "${ASSETS:?unpacked @mediapipe/face_mesh}" "${PREPARED:?file that prepare wrote}" "${OUT:?folder of the run}" "${MINUTES:?budget}"
cores=$(getconf _NPROCESSORS_ONLN)
WORKERS=${WORKERS:-$((cores > 1 ? cores - 1 : 1))}
COUNT=${COUNT:-4096} SEED=${SEED:-1} NETWORK=${NETWORK:-dffnet-m} PYTHON=${PYTHON:-python3}
LEVELS=${LEVELS:-rendered-varied photowarp-varied second-model turned rendered-perspective photowarp-perspective}
mkdir -p "$OUT/sets"

pids= sets= seed=$SEED made=0
trap 'kill $pids 2>/dev/null || true' EXIT INT TERM
while [ -z "$sets" ] || [ "$made" -lt "$WORKERS" ]; do
  for level in $LEVELS; do
    # Each worker has a set of its own: they never wait for each other.
    set_folder="$OUT/sets/$level-train-$seed"
    nice -n 5 "$PYTHON" -m deepfaceflow_training generate --material "$MATERIAL" --assets "$ASSETS" --prepared "$PREPARED" --split train --seed "$seed" --count "$COUNT" \
      --level "$level" --out "$OUT/sets" > "$OUT/$level-$seed.log" 2>&1 &
    pids="$pids $!" made=$((made + 1)) sets="$sets $set_folder"
  done
  seed=$((seed + 1))
done

# The trainer wants a complete shard of every set before it begins.
arguments=
for set_folder in $sets; do
  until [ -e "$set_folder/shard-00000/meta.json" ]; do
    alive=0
    for pid in $pids; do if kill -0 "$pid" 2>/dev/null; then alive=1; fi; done
    if [ "$alive" = 0 ] && [ ! -e "$set_folder/shard-00000/meta.json" ]; then
      echo "no pairs in $set_folder: see $OUT/*.log" >&2
      exit 1
    fi
    sleep 1
  done
  arguments="$arguments --sets $set_folder"
done
"$PYTHON" -m deepfaceflow_training train --assets "$ASSETS" --network "$NETWORK" ${INIT:+--init "$INIT"} --out "$OUT" $arguments --minutes "$MINUTES" --steps 1000000 --window 160 \
  --feeders "$((WORKERS < 4 ? WORKERS : 4))" --seed "$SEED" "$@"
