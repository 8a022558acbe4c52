#!/bin/sh
# Trains the weights for rooms by the two phases of the method: a teacher, frozen, and a student that imitates it.
#
#   DATA=... RENDERED=... NYU=... RUNS=runs sh experiments/shipped/rooms.sh
#
# DATA has the real sequences in our own format (7-Scenes redkitchen, TUM fr1 rpy); RENDERED those of `lsd_ros synthesize --world rooms` and of its
# forerunner, whose rooms are of the same kinds; NYU the labelled images of NYU Depth v2, as nyu.py says.
set -eu
here=experiments/shipped
RUNS=${RUNS:-runs}
TRI=${TRI:-$RUNS/triangulated}
export OMP_NUM_THREADS=1
near='--set nearest_m=0.4 --set furthest_m=10 --set baseline_m=0.04 --set width=256 --set views=2'
lsd_ros synthesize --world rooms --out "$RENDERED" --first-seed 1000 --count 45 --clips 3 --frames 4
lsd_ros triangulate "$DATA/indoor_7scenes_redkitchen_a" "$DATA/tum_fr1_rpy" --out "$TRI" $near
shape='--set network.teacher.encoder=efficientnet_lite0 --set network.teacher.full_width=8 --set network.teacher.padding=replicate'
fast='--set loop.precision=bf16'
whole='--set data.width=416 --set data.height=128'
kitchen="$TRI/indoor_7scenes_redkitchen_a" office="$TRI/tum_fr1_rpy"
shares='data.shares=["indoor_* 0.2","tum_* 0.15","* 0.65"]'
# Phase 1: the teacher. First at half the size and without the office, to see what it makes of a real place that it never saw; then all of it
lsd_ros train teacher --config $here/rooms_teacher.yaml --out "$RUNS/rooms_small" --max-steps 600 $shape $fast --data "$RENDERED"/* "$kitchen" \
  --validate "$DATA/tum_fr1_rpy" --set 'data.shares=["indoor_* 0.2","* 0.8"]' --set encoder_weights=imagenet --set optimiser.final_factor=0.4 \
  --set data.width=288 --set data.height=96 --set metric.focal_px=145
lsd_ros train teacher --config $here/rooms_teacher.yaml --out "$RUNS/rooms_teacher" --max-steps 760 $shape $fast --data "$RENDERED"/* "$kitchen" "$office" \
  --set "$shares" --set start_from="$RUNS/rooms_small" $whole --set optimiser.learning_rate=7e-4
# Phase 2: the student, from the weights that were shipped before, whose pose network it keeps
git show d27f998:lsd_ros/weights/indoors.safetensors > "$RUNS/indoors_before.safetensors"
lsd_ros train student --config $here/rooms_teacher.yaml --out "$RUNS/rooms_taught" --max-steps 1400 $fast --data "$RENDERED"/* "$kitchen" "$office" \
  --set "$shares" --teacher "$RUNS/rooms_teacher" --set start_from="$RUNS/indoors_before.safetensors" $whole --set pose.output_scale=0.03 \
  --set pose_from_teacher=false --set truth.scale_free=0.6 --set optimiser.learning_rate=1.5e-3 --set optimiser.weight_decay=0.001
# and once more by true depth alone, which is two and a half times as fast: the teacher no longer holds the maps
lsd_ros train student --config $here/rooms_teacher.yaml --out "$RUNS/rooms_student" --max-steps 2100 $fast --data "$RENDERED"/* "$kitchen" "$office" \
  --set 'data.shares=["indoor_* 0.25","tum_* 0.15","* 0.6"]' --set start_from="$RUNS/rooms_taught/weights.safetensors" $whole --set pose.output_scale=0.03 \
  --set truth.scale_free=0.6 --set optimiser.learning_rate=1.5e-3 --set optimiser.weight_decay=0.001
# Real rooms of many homes: with them the network sees shape in rooms that it never saw. From the weights that the lines above made, on a processor without bf16;
# of RENDERED, 120 sequences of the forerunner and the 45 new ones were there
git show 4eb0c11:lsd_ros/weights/indoors.safetensors > "$RUNS/indoors_rendered.safetensors"
python $here/nyu.py "$NYU" "$RUNS"
lsd_ros synthesize --world rooms --out "$RENDERED" --first-seed 20000 --count 9 --clips 5 --frames 2
student="--config $here/rooms_teacher.yaml --validate $RUNS/nyu_val $whole --set pose.output_scale=0.03 --set truth.scale_free=0.6
  --set optimiser.weight_decay=0.001 --set data.augmentation.filter=0.15"
lsd_ros train student $student --out "$RUNS/rooms_homes" --max-steps 1100 --data "$RUNS/nyu_fit" "$RENDERED"/* --set 'data.shares=["nyu_* 0.6","* 0.4"]' \
  --set start_from="$RUNS/indoors_rendered.safetensors" --set optimiser.learning_rate=1.5e-3 --set optimiser.final_factor=0.4
lsd_ros train student $student --out "$RUNS/rooms_all" --max-steps 1000 --data "$RUNS/nyu_fit" "$RENDERED"/* "$kitchen" "$DATA/tum_fr1_rpy" \
  --set 'data.shares=["nyu_* 0.5","indoor_* 0.1","tum_* 0.04","* 0.36"]' --set start_from="$RUNS/rooms_homes/weights.safetensors" \
  --set optimiser.learning_rate=1.2e-3 --set optimiser.warmup_steps=30
# Four times as many steps of the same, on a processor with bf16. The first of them was stopped by hand at step 3100, when the error on the images that choose no
# longer fell; of RENDERED it had the forerunner alone, the second one 18 of the places from 20000 on, too
lsd_ros synthesize --world rooms --out "$RENDERED" --first-seed 20009 --count 9 --clips 5 --frames 2
git show fb22e52:lsd_ros/weights/indoors.safetensors > "$RUNS/indoors_homes.safetensors"
lsd_ros train student $student $fast --out "$RUNS/rooms_longer" --max-steps 4000 --data "$RUNS/nyu_fit" "$RENDERED"/*_[012]????[ab] "$DATA/tum_fr1_rpy" \
  --set 'data.shares=["nyu_* 0.55","tum_* 0.06","* 0.39"]' --set start_from="$RUNS/indoors_homes.safetensors" --set optimiser.learning_rate=1.5e-3 \
  --set optimiser.final_factor=0.4
python $here/ship.py "$RUNS" "$RUNS" rooms_stopped
lsd_ros train student $student $fast --out "$RUNS/rooms_now" --max-steps 4800 --data "$RUNS/nyu_fit" "$RENDERED"/* "$kitchen" "$DATA/tum_fr1_rpy" \
  --set 'data.shares=["nyu_* 0.5","indoor_* 0.1","tum_* 0.04","*_2*_? 0.22","* 0.14"]' --set start_from="$RUNS/rooms_stopped.safetensors" \
  --set optimiser.learning_rate=1.2e-3 --set optimiser.warmup_steps=30
python $here/ship.py "$RUNS" "$RUNS" indoors_before # commit 8696c99
# Again from these, without the kitchen, with more of the desk; FRAMES are the 120 sequences of the forerunner alone. The mean of two seeds and of what they
# began at, and once more with 25 of the places from 20000 on, on a processor without bf16
again="--config $here/rooms_teacher.yaml --validate $RUNS/nyu_val $whole --set pose.output_scale=0.03 --set truth.scale_free=0.6
  --set optimiser.weight_decay=0.001 --set data.augmentation.filter=0.15 --set optimiser.learning_rate=1.2e-3 --set optimiser.warmup_steps=30"
for seed in 0 1; do
  lsd_ros train student $again --out "$RUNS/rooms_seed$seed" --max-steps 900 --set loop.seed=$seed --set data.seed=$seed \
    --set start_from="$RUNS/indoors_before.safetensors" --data "$RUNS/nyu_fit" "$FRAMES"/* "$DATA/tum_fr1_rpy" \
    --set 'data.shares=["nyu_* 0.55","tum_* 0.06","* 0.39"]'
done
python $here/ship.py "$RUNS" "$RUNS" rooms_three
lsd_ros train student $again --out "$RUNS/rooms_more" --max-steps 2600 --set loop.seed=2 --set data.seed=2 --set start_from="$RUNS/rooms_three.safetensors" \
  --data "$RUNS/nyu_fit" "$FRAMES"/* "$DATA/tum_fr1_rpy" "$RENDERED"/*_2????_? \
  --set 'data.shares=["nyu_* 0.48","tum_* 0.05","*_2????_? 0.2","* 0.27"]'
# what is shipped is a third of that and two thirds of what the seeds began at, which had seen the kitchen
python $here/ship.py "$RUNS" lsd_ros/weights indoors
