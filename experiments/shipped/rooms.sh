#!/bin/sh
# Trains the weights for rooms by the two phases of the method: a teacher, frozen, and a student that imitates it.
#
#   DATA=... RENDERED=... RUNS=runs sh experiments/shipped/rooms.sh
#
# DATA has the real sequences in our own format (7-Scenes redkitchen, TUM fr1 rpy); RENDERED those of `lsd_ros synthesize --world rooms` and of its
# forerunner, whose rooms are of the same kinds.
set -eu
here=experiments/shipped
RUNS=${RUNS:-runs}
TRI=${TRI:-$RUNS/triangulated}
export OMP_NUM_THREADS=1
near='--set nearest_m=0.4 --set furthest_m=10 --set baseline_m=0.04 --set width=256 --set views=2'
lsd_ros synthesize --world rooms --out "$RENDERED" --first-seed 1000 --count 45 --clips 3 --frames 4
lsd_ros triangulate "$DATA/indoor_7scenes_redkitchen_a" "$DATA/tum_fr1_rpy" --out "$TRI" $near
shape='--set network.teacher.encoder=efficientnet_lite0 --set network.teacher.full_width=8 --set network.teacher.padding=replicate'
small='--set data.width=288 --set data.height=96 --set metric.focal_px=145'
teacher() { lsd_ros train teacher --config $here/rooms_teacher.yaml --out "$RUNS/$1" --max-steps "$2" $shape $3; }
kitchen="$TRI/indoor_7scenes_redkitchen_a"
office="$TRI/tum_fr1_rpy"
# without the office first, which was left out to see what the teacher makes of a real place that it never saw
teacher rooms_small 600 "$small --set encoder_weights=imagenet --set optimiser.final_factor=0.4 --data $RENDERED/* $kitchen --validate $DATA/tum_fr1_rpy --set data.shares=['indoor_* 0.2','* 0.8']"
