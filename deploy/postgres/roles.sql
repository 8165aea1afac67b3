-- Run once, when the cluster is made: four roles, none a superuser, and three databases, each closed to the roles of the others.
\getenv owner OWNER_PASSWORD
\getenv app APP_PASSWORD
\getenv system SYSTEM_PASSWORD
\getenv temporal TEMPORAL_PASSWORD

create role cutroom_owner login password :'owner';
create role cutroom_app login password :'app';
create role cutroom_system login password :'system';
create role temporal login password :'temporal';

create database cutroom owner cutroom_owner;
create database temporal owner temporal;
create database temporal_visibility owner temporal;

revoke all on database cutroom, temporal, temporal_visibility, postgres from public;
grant connect on database cutroom to cutroom_app, cutroom_system;
