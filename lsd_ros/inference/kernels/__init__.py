"""The depth network as 32 kernels in Triton, for CUDA devices."""
