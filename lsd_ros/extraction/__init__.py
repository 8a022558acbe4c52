"""Training sequences from bags and videos."""
