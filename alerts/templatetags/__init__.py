"""What templates of alerts need from Python."""
