"""An application that holds what it has locked, with its transaction open, until it is ended.

python -m tests.faults.holder URL STATEMENT …      prints "held" when all of them were done
"""

import sys

import psycopg

if __name__ == "__main__":
    with psycopg.connect(sys.argv[1]) as connection:
        for statement in sys.argv[2:]:
            connection.execute(statement)
        print("held", flush=True)
        sys.stdin.read()
