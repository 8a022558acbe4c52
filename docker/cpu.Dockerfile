# docker build -f docker/cpu.Dockerfile -t lsd_ros .
# Not built here: there is no Docker on the machine that made this. The steps are those of docs/quick_start.md.
FROM ros:jazzy
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv && rm -rf /var/lib/apt/lists/*
WORKDIR /ws
COPY . src/lsd_ros
RUN python3 -m venv --system-site-packages /depth \
 && /depth/bin/pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu \
      'torch>=2.6' safetensors openvino -c src/lsd_ros/constraints.txt
ENV PATH=/depth/bin:$PATH FASTDDS_BUILTIN_TRANSPORTS=LARGE_DATA
RUN apt-get update && rosdep update \
 && rosdep install -y --from-paths src --ignore-src --skip-keys 'python3-pytorch-pip python3-rosbags-pip rviz2' \
 && rm -rf /var/lib/apt/lists/* && . /opt/ros/jazzy/setup.sh && colcon build --packages-select lsd_ros
ENTRYPOINT ["/ros_entrypoint.sh", "bash", "-c", ". /ws/install/setup.bash && exec \"$@\"", "--"]
CMD ["ros2", "launch", "lsd_ros", "depth.launch.py"]
