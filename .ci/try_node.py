#!/usr/bin/env python3
"""Start a built depth_node, see it become active, and end it: .ci/try_node.py EXECUTABLE."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

from lsd_ros.ros import environment

TIMEOUT_S = 60.0


def main() -> None:
    """Try the node; exit with a sentence where it fails."""
    environment.prepare()
    command = [sys.argv[1], '--ros-args', '-p', 'autostart:=true']
    with subprocess.Popen(command) as process:
        try:
            state = _state_when_settled(process)
        finally:
            process.send_signal(signal.SIGINT)
        code = process.wait(TIMEOUT_S)
    if state != 'active':
        sys.exit(f'depth_node became {state}, not active')
    if code != 0:
        sys.exit(f'depth_node ended with exit code {code}')


def _state_when_settled(process: subprocess.Popen[bytes]) -> str:
    import rclpy
    from lifecycle_msgs.srv import GetState

    rclpy.init()
    node = rclpy.create_node('try_node')
    client = node.create_client(GetState, '/depth_node/get_state')
    state = 'unknown'
    end = time.monotonic() + TIMEOUT_S
    while state != 'active' and process.poll() is None and time.monotonic() < end:
        if not client.wait_for_service(0.5):
            continue
        answer = client.call_async(GetState.Request())
        rclpy.spin_until_future_complete(node, answer, timeout_sec=1.0)
        if answer.done():
            state = answer.result().current_state.label
    rclpy.shutdown()
    return state


if __name__ == '__main__':
    main()
