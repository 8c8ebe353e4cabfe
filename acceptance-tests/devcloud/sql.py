#!/usr/bin/env python3
"""sql.py PORT STATEMENT...: run statements on the cloud's MariaDB."""

import sys

import pymysql

with pymysql.connect(host='127.0.0.1', port=int(sys.argv[1]), user='root', autocommit=True) as connection:
    with connection.cursor() as cursor:
        for statement in sys.argv[2:]:
            cursor.execute(statement)
