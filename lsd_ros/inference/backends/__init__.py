"""What runs the networks: torch, OpenVINO or ONNX Runtime on the CPU, captured graphs on CUDA."""
