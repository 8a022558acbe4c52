#!/bin/sh
# What helps on a drive that was not learned from? Small networks, 192 x 64, judged on KITTI odometry 02 and its triangulated depth.
#
#   DATA=... SYNTH=... TRI=... sh experiments/shipped/held_out.sh
#
# The roads are those of commit cff7f28, without vans. SYNTH and TRI: the synthetic and the triangulated sequences of train.sh; RUNS (default: runs/held_out) becomes the trainings. KITTI 02 has been learned
# from by whatever is shipped, so every network here starts from nothing.
# "varied" of experiments/held_out.json: shade 0.8, brightness, contrast and gamma by 50 %, and in half of the batches images made of two (CutMix), which
# commit cff7f28 still had as truth.mixed.
set -eu
here=experiments/shipped
RUNS=${RUNS:-runs/held_out}
real="$TRI/karlsruhe2010_0019_left $TRI/karlsruhe2010_0019_right $TRI/kitti_odom00_cam0"
streets="$SYNTH/street10 $SYNTH/street11 $SYNTH/street12 $SYNTH/street13 $SYNTH/street14 $SYNTH/street15"
roads=$(for i in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do echo "$SYNTH/road$i"; done)
alone="--config $here/street.yaml --set data.width=192 --set data.height=64 --set trained=depth --set data.true_depth=true --set truth.weight=1
  --set truth.gradient=0.5 --set optimiser.learning_rate=2e-3 --set optimiser.average=0.995 --set data.motion_from_poses=false --set metric.motion=0
  --set data.stereo=[] --set record.checkpoint_every=2000"
shade="--set data.augmentation.shade=0.8"
export OMP_NUM_THREADS=1
mkdir -p "$RUNS"

student() {  # name, steps, sequences, more
  [ -e "$RUNS/$1.json" ] && return
  lsd_ros train student $alone --out "$RUNS/$1" --max-steps "$2" --data $3 $4
  lsd_ros evaluate --weights "$RUNS/$1/weights.safetensors" --data "$TRI/kitti_odom02_cam0" "$DATA/val/kitti_odom04_cam2" --json "$RUNS/$1.json"
}

student short 2000 "$real $streets" ""
student short_decay 2000 "$real $streets" "--set optimiser.kind=adamw --set optimiser.weight_decay=0.05"
student plain 4000 "$real $streets" ""
student roads 4000 "$real $streets $roads" ""
student roads_shade 4000 "$real $streets $roads" "$shade"
# tried later. roads_shade_fine had a second pattern of 5 to 16 x 10 to 40 in 60 % of the shadows, in code that is gone again; wide_shade had an early version
# of the roads of several widths, seeds 100 to 115
student roads_shade_gamma 4000 "$real $streets $roads" "$shade --set data.augmentation.gamma=1.5"
student roads_shade_colours 4000 "$real $streets $roads" "$shade --set data.augmentation.brightness=0.5 --set data.augmentation.contrast=0.5 --set data.augmentation.gamma=0.5"
student roads_shade_mix 4000 "$real $streets $roads" "$shade --set data.augmentation.depth_mix=0.5"
# roads of one to five lanes as they are drawn now, instead; and with the world wider or narrower by up to 1.6, which only commit 31d030d can
five=$(for i in $(seq 100 115); do echo "$SYNTH/road$i"; done)
student roads_five_shade 4000 "$real $streets $five" "$shade"
# student roads_five_shade_widen 4000 "$real $streets $five" "$shade --set data.augmentation.widen=0.6"
# a teacher, and a student that imitates it while it learns the same
lsd_ros train teacher $alone $shade --set 'network.teacher.group_blocks=[1,2,2,0,4,4]' --out "$RUNS/teacher" --max-steps 2500 --data $real $streets $roads
[ -e "$RUNS/teacher.json" ] || lsd_ros evaluate --weights "$RUNS/teacher" --data "$TRI/kitti_odom02_cam0" "$DATA/val/kitti_odom04_cam2" --json "$RUNS/teacher.json"
student taught 4000 "$real $streets $roads" "$shade --teacher $RUNS/teacher --set pose_from_teacher=false"
python $here/gather.py "$RUNS" > experiments/held_out.json
