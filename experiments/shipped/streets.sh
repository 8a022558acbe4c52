#!/bin/sh
# Trains the weights for streets by the two phases of the method: a teacher, frozen, and a student that imitates it.
#
#   DATA=... SYNTH=... RUNS=runs sh experiments/shipped/streets.sh
#
# DATA has the real sequences in our own format, train/ and val/; SYNTH those of synthetic.py, streets, bends and roads; train/kitti_raw0039x_cam0 is left
# out and validates.
set -eu
here=experiments/shipped
RUNS=${RUNS:-runs}
TRI=${TRI:-$RUNS/triangulated_streets}
export OMP_NUM_THREADS=1
train="$DATA/train"
python $here/synthetic.py "$SYNTH"
lsd_ros triangulate "$train/kitti_odom00_cam0" "$train/kitti_odom02_cam0" "$train/kitti_odom03_cam0" "$train/kitti_odom00_cam2_small" --out "$TRI"
lsd_ros triangulate "$train/karlsruhe2010_0019_left" "$train/karlsruhe2010_0019_right" --out "$TRI" \
  --set 'stereo=[karlsruhe2010_0019_left karlsruhe2010_0019_right 0.5707]'
# what has neither poses nor a second camera is followed by the depth of the weights before
lsd_ros triangulate "$train/kitti_raw0005_cam0" "$train/kitti_raw0095_color" "$train/kitti_raw_boulevard_color" "$train/kitti_raw0015x_cam3" --out "$TRI" --weights street
shape='--set network.teacher.encoder=efficientnet_lite0 --set network.teacher.full_width=8 --set network.teacher.padding=replicate'
fast='--set loop.precision=bf16'
left_out="--validate $train/kitti_raw0039x_cam0"
streets="$SYNTH/street* $SYNTH/bend* $SYNTH/road*"
# Phase 1: the teacher, first at half the size and on two drives
lsd_ros train teacher --config $here/streets_teacher.yaml --out "$RUNS/streets_small" --max-steps 900 $shape $fast $left_out \
  --data $streets "$TRI/kitti_odom00_cam0" "$TRI/kitti_odom02_cam0" --set 'data.shares=["kitti_* 0.5","* 0.5"]' --set encoder_weights=imagenet \
  --set optimiser.final_factor=0.4 --set data.width=288 --set data.height=96 --set metric.focal_px=167
lsd_ros train teacher --config $here/streets_teacher.yaml --out "$RUNS/streets_teacher" --max-steps 1100 $shape $fast $left_out \
  --data $streets "$TRI"/kitti_odom* "$TRI"/karlsruhe* --set 'data.shares=["kitti_* 0.4","karlsruhe* 0.1","* 0.5"]' --set start_from="$RUNS/streets_small" \
  --set optimiser.learning_rate=7e-4
# Phase 2: the student, from the weights that were shipped before, whose pose network it keeps
git show d350a27:lsd_ros/weights/street.safetensors > "$RUNS/street_before.safetensors"
student="--config $here/streets_teacher.yaml $fast $left_out --set pose.output_scale=0.03 --set pose.focal_px=241 --set optimiser.learning_rate=1.5e-3
  --set optimiser.weight_decay=0.001"
shares='data.shares=["kitti_odom* 0.3","kitti_raw* 0.15","karlsruhe* 0.1","* 0.45"]'
lsd_ros train student $student --out "$RUNS/streets_taught" --max-steps 900 --data $streets "$TRI"/* --set "$shares" --teacher "$RUNS/streets_teacher" \
  --set start_from="$RUNS/street_before.safetensors" --set pose_from_teacher=false
# and once more by true depth alone, which is twice as fast: the teacher no longer holds the maps
lsd_ros train student $student --out "$RUNS/streets_student" --max-steps 1900 --data $streets "$TRI"/* --set "$shares" \
  --set start_from="$RUNS/streets_taught/weights.safetensors"
# from the mean of both, with a third of the images from roads with vans ahead and of one to five lanes
python $here/ship.py "$RUNS" "$RUNS" streets_mean
lsd_ros train student $student --out "$RUNS/streets_roads" --max-steps 1300 --set optimiser.learning_rate=1e-3 --data $streets "$TRI"/* \
  --set 'data.shares=["kitti_odom* 0.25","kitti_raw* 0.1","karlsruhe* 0.1","road* 0.35","* 0.2"]' --set start_from="$RUNS/streets_mean.safetensors"
# what is shipped is the mean of the three
python $here/ship.py "$RUNS" lsd_ros/weights street
