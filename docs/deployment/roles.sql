-- The three roles of Vigil and its database, for a PostgreSQL 15 or newer of your own.
--
--   VIGIL_OWNER_PASSWORD=… VIGIL_APP_PASSWORD=… VIGIL_ENGINE_PASSWORD=… \
--     psql --no-psqlrc --set ON_ERROR_STOP=1 --file docs/deployment/roles.sql   (as a superuser)
--
-- None of them is a superuser or may step around row-level security: that is the point of them
-- (docs/architecture.md). What each may do with a table is granted by the migrations.
-- portal/embedded/roles.py does the same for the demo and the tests; a test compares the two.

\getenv owner_password VIGIL_OWNER_PASSWORD
\getenv app_password VIGIL_APP_PASSWORD
\getenv engine_password VIGIL_ENGINE_PASSWORD

-- Migrations and partitions.
CREATE ROLE vigil_owner WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION
    PASSWORD :'owner_password';
-- Everything that serves a person.
CREATE ROLE vigil_app WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION
    PASSWORD :'app_password';
-- The server ends an application that has vanished or stands still with a transaction open, and with
-- it the locks of alerts (portal/embedded/roles.py says why so long). A database from before these
-- lines is given them by running them once more; sessions that begin afterwards have them.
ALTER ROLE vigil_app SET tcp_keepalives_idle = '5';
ALTER ROLE vigil_app SET tcp_keepalives_interval = '2';
ALTER ROLE vigil_app SET tcp_keepalives_count = '3';
ALTER ROLE vigil_app SET tcp_user_timeout = '10000';
ALTER ROLE vigil_app SET client_connection_check_interval = '5s';
ALTER ROLE vigil_app SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE vigil_app SET lock_timeout = '30s';
-- Relay and hub: the log and the grants, nothing clinical.
CREATE ROLE vigil_engine WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION
    PASSWORD :'engine_password';

CREATE DATABASE vigil OWNER vigil_owner;
REVOKE ALL ON DATABASE vigil FROM PUBLIC;
GRANT CONNECT ON DATABASE vigil TO vigil_app, vigil_engine;

\connect vigil
ALTER SCHEMA public OWNER TO vigil_owner;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
