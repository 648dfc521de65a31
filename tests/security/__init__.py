"""What an attacker tries: each test failed once, or would if a wall were taken down."""
