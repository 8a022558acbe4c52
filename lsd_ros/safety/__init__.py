"""What can make a robot blind, how it is noticed, and whether obstacles may be reported."""
