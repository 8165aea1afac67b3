#!/bin/sh
# Brings the schemas of Temporal's two databases to this version of the server; up to date already, it changes nothing.
set -eu
for database in temporal:temporal temporal_visibility:visibility; do
    export SQL_DATABASE="${database%:*}"
    temporal-sql-tool setup-schema --version 0.0
    temporal-sql-tool update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/${database#*:}/versioned"
done
