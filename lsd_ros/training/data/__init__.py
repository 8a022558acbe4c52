"""What the trainer learns from: snippets of sequences, augmented, mixed and cached."""
