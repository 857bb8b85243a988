#!/bin/sh
# Run once by the PostgreSQL image on an empty volume: the same roles, database and rights as the demo has.
# `cgt_owner` migrates, `cgt_app` and `cgt_relay` work behind the row walls, `cgt_auditor` reads and writes nothing.
set -eu
for name in CGT_OWNER_PASSWORD CGT_APP_PASSWORD CGT_RELAY_PASSWORD CGT_AUDITOR_PASSWORD; do
    eval "value=\${$name:-}"
    [ -n "$value" ] || { echo "$name must be set" >&2; exit 1; }
done

psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set owner="$CGT_OWNER_PASSWORD" --set app="$CGT_APP_PASSWORD" \
    --set relay="$CGT_RELAY_PASSWORD" --set auditor="$CGT_AUDITOR_PASSWORD" <<'SQL'
CREATE ROLE cgt_owner LOGIN CREATEDB NOCREATEROLE PASSWORD :'owner';
CREATE ROLE cgt_app LOGIN NOCREATEDB NOCREATEROLE PASSWORD :'app';
CREATE ROLE cgt_relay LOGIN NOCREATEDB NOCREATEROLE PASSWORD :'relay';
CREATE ROLE cgt_auditor LOGIN NOCREATEDB NOCREATEROLE BYPASSRLS PASSWORD :'auditor';
CREATE DATABASE cgt OWNER cgt_owner;
REVOKE ALL ON DATABASE cgt FROM PUBLIC;
GRANT CONNECT ON DATABASE cgt TO cgt_app, cgt_relay, cgt_auditor;
SQL

psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname cgt <<'SQL'
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS citext;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO cgt_app, cgt_relay, cgt_auditor;
ALTER DEFAULT PRIVILEGES FOR ROLE cgt_owner IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO cgt_app, cgt_relay;
ALTER DEFAULT PRIVILEGES FOR ROLE cgt_owner IN SCHEMA public GRANT SELECT ON TABLES TO cgt_auditor;
ALTER DEFAULT PRIVILEGES FOR ROLE cgt_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO cgt_app, cgt_relay;
SQL
