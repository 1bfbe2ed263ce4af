-- SPDX-FileCopyrightText: The trustpub authors
-- SPDX-License-Identifier: Apache-2.0
-- What the first version left behind: dumped from its own code, and never to be changed.
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE claims (
	issuer TEXT NOT NULL,
	"key" TEXT NOT NULL,
	expires INTEGER NOT NULL,
	CONSTRAINT pk_claims PRIMARY KEY (issuer, "key")
)
 STRICT;
INSERT INTO "claims" VALUES('https://token.actions.githubusercontent.com','jti:1',1790000390);
CREATE TABLE counters (
	name TEXT NOT NULL,
	value INTEGER NOT NULL,
	CONSTRAINT pk_counters PRIMARY KEY (name)
)
 STRICT;
INSERT INTO "counters" VALUES('projects',2);
CREATE TABLE events (
	id INTEGER NOT NULL,
	at REAL NOT NULL,
	kind TEXT NOT NULL,
	project_id TEXT,
	publisher_id TEXT,
	facts TEXT NOT NULL,
	CONSTRAINT pk_events PRIMARY KEY (id)
)
 STRICT;
INSERT INTO "events" VALUES(1,1790000000.25,'publisher-added','project-1','00000000-0000-0000-0000-000000000001','{"repository": "Octo-Org/Hello", "workflow": "Release.yml", "environment": "pypi prod", "owner_id": "1", "repository_id": "2", "issuer": "https://token.actions.githubusercontent.com"}');
INSERT INTO "events" VALUES(2,1790000000.25,'publisher-added','project-1','00000000-0000-0000-0000-000000000002','{"repository": "octo-org/hello", "workflow": "Release.yml", "owner_id": "1", "repository_id": "2", "issuer": "https://token.actions.githubusercontent.com"}');
INSERT INTO "events" VALUES(3,1790000000.25,'project-held','00000000-0000-0000-0000-000000000003',NULL,'{"project": "New-Thing", "until": 1792592000}');
INSERT INTO "events" VALUES(4,1790000000.25,'publisher-added','00000000-0000-0000-0000-000000000003','00000000-0000-0000-0000-000000000004','{"repository": "octo-org/new", "workflow": "gr\u00f6\u00dfe.yml", "issuer": "https://token.actions.githubusercontent.com"}');
CREATE TABLE facts (
	name TEXT NOT NULL,
	value TEXT NOT NULL,
	CONSTRAINT pk_facts PRIMARY KEY (name)
)
 STRICT;
INSERT INTO "facts" VALUES('audience','index_example_1234');
CREATE TABLE files (
	filename TEXT NOT NULL,
	normalized TEXT NOT NULL,
	project_id TEXT NOT NULL,
	version TEXT NOT NULL,
	filetype TEXT NOT NULL,
	size INTEGER NOT NULL,
	sha256 TEXT NOT NULL,
	blake2b_256 TEXT NOT NULL,
	md5 TEXT,
	metadata_sha256 TEXT,
	requires_python TEXT,
	uploaded REAL NOT NULL,
	token_id TEXT NOT NULL,
	yanked TEXT,
	CONSTRAINT pk_files PRIMARY KEY (filename),
	CONSTRAINT fk_files_project_id FOREIGN KEY(project_id) REFERENCES projects (id),
	CONSTRAINT uq_files_normalized UNIQUE (normalized)
)
 STRICT;
INSERT INTO "files" VALUES('lilo_tools-1.0.tar.gz','["lilo-tools", "1.0", "tar.gz"]','project-1','1.0','sdist',3,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',NULL,NULL,NULL,1790000000.125,'token-1',NULL);
CREATE TABLE issuers (
	url TEXT NOT NULL,
	kind TEXT NOT NULL,
	jwks TEXT,
	ca TEXT,
	CONSTRAINT pk_issuers PRIMARY KEY (url)
)
 STRICT;
INSERT INTO "issuers" VALUES('https://token.actions.githubusercontent.com','github',NULL,NULL);
INSERT INTO "issuers" VALUES('https://ghes.example/_services/token','github','{"keys": [{"kid": "1", "kty": "RSA"}]}','PEM');
CREATE TABLE members (
	project_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	CONSTRAINT pk_members PRIMARY KEY (project_id, user_id),
	CONSTRAINT fk_members_project_id FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE,
	CONSTRAINT fk_members_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
)
 STRICT;
INSERT INTO "members" VALUES('project-1','user-1');
INSERT INTO "members" VALUES('00000000-0000-0000-0000-000000000003','user-1');
CREATE TABLE projects (
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	normalized TEXT NOT NULL,
	created INTEGER NOT NULL,
	pending_until INTEGER,
	serial INTEGER NOT NULL,
	CONSTRAINT pk_projects PRIMARY KEY (id),
	CONSTRAINT uq_projects_normalized UNIQUE (normalized)
)
 STRICT;
INSERT INTO "projects" VALUES('project-1','Lilo_Tools','lilo-tools',1,NULL,3);
INSERT INTO "projects" VALUES('project-3','1i1o.tools','1i1o-tools',2,NULL,0);
INSERT INTO "projects" VALUES('00000000-0000-0000-0000-000000000003','New-Thing','new-thing',1790000000,1792592000,0);
CREATE TABLE publisher_links (
	publisher_id TEXT NOT NULL,
	project_id TEXT NOT NULL,
	CONSTRAINT pk_publisher_links PRIMARY KEY (publisher_id, project_id),
	CONSTRAINT fk_publisher_links_project_id FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE,
	CONSTRAINT fk_publisher_links_publisher_id FOREIGN KEY(publisher_id) REFERENCES publishers (id) ON DELETE CASCADE
)
 STRICT;
INSERT INTO "publisher_links" VALUES('00000000-0000-0000-0000-000000000001','project-1');
INSERT INTO "publisher_links" VALUES('00000000-0000-0000-0000-000000000002','project-1');
INSERT INTO "publisher_links" VALUES('00000000-0000-0000-0000-000000000004','00000000-0000-0000-0000-000000000003');
CREATE TABLE publishers (
	id TEXT NOT NULL,
	issuer TEXT NOT NULL,
	kind TEXT NOT NULL,
	repository TEXT NOT NULL,
	identity TEXT NOT NULL,
	fields TEXT NOT NULL,
	pin_on_first_use INTEGER NOT NULL,
	CONSTRAINT pk_publishers PRIMARY KEY (id),
	CONSTRAINT fk_publishers_issuer FOREIGN KEY(issuer) REFERENCES issuers (url),
	CONSTRAINT uq_publishers_issuer_kind_identity UNIQUE (issuer, kind, identity)
)
 STRICT;
INSERT INTO "publishers" VALUES('00000000-0000-0000-0000-000000000001','https://token.actions.githubusercontent.com','github','octo-org/hello','["octo-org/hello", "Release.yml", "pypi prod"]','{"repository": "Octo-Org/Hello", "workflow": "Release.yml", "environment": "pypi prod", "owner_id": "1", "repository_id": "2"}',0);
INSERT INTO "publishers" VALUES('00000000-0000-0000-0000-000000000002','https://token.actions.githubusercontent.com','github','octo-org/hello','["octo-org/hello", "Release.yml", ""]','{"repository": "octo-org/hello", "workflow": "Release.yml", "owner_id": "1", "repository_id": "2"}',0);
INSERT INTO "publishers" VALUES('00000000-0000-0000-0000-000000000004','https://token.actions.githubusercontent.com','github','octo-org/new','["octo-org/new", "gr\u00f6\u00dfe.yml", ""]','{"repository": "octo-org/new", "workflow": "gr\u00f6\u00dfe.yml"}',1);
CREATE TABLE tokens (
	id TEXT NOT NULL,
	key_id TEXT NOT NULL,
	location TEXT NOT NULL,
	publisher_id TEXT,
	user_id TEXT,
	description TEXT NOT NULL,
	caveats TEXT NOT NULL,
	scope TEXT NOT NULL,
	created INTEGER NOT NULL,
	expires INTEGER,
	burned INTEGER,
	CONSTRAINT pk_tokens PRIMARY KEY (id),
	CONSTRAINT fk_tokens_publisher_id FOREIGN KEY(publisher_id) REFERENCES publishers (id) ON DELETE CASCADE,
	CONSTRAINT fk_tokens_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
)
 STRICT;
INSERT INTO "tokens" VALUES('token-1','key-1','index.example','00000000-0000-0000-0000-000000000001',NULL,'minted','[[0, 200, 100], [2, ["project-1"]], [4, "00000000-0000-0000-0000-000000000001"]]','upload',100,200,NULL);
INSERT INTO "tokens" VALUES('token-2','key-1','index.example',NULL,'user-1','Anna''s','[[3, "user-1"]]','upload',100,NULL,150);
CREATE TABLE users (
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	folded TEXT NOT NULL,
	created INTEGER NOT NULL,
	CONSTRAINT pk_users PRIMARY KEY (id),
	CONSTRAINT uq_users_folded UNIQUE (folded)
)
 STRICT;
INSERT INTO "users" VALUES('user-1','Anna','anna',1);
CREATE INDEX ix_events_project_id ON events (project_id);
CREATE INDEX ix_publishers_issuer_kind_repository ON publishers (issuer, kind, repository);
CREATE INDEX ix_publisher_links_project_id ON publisher_links (project_id);
CREATE INDEX ix_tokens_publisher_id ON tokens (publisher_id);
CREATE INDEX ix_tokens_user_id ON tokens (user_id);
CREATE INDEX ix_claims_expires ON claims (expires);
CREATE INDEX ix_files_blake2b_256 ON files (blake2b_256);
CREATE INDEX ix_files_project_id ON files (project_id);
CREATE INDEX ix_files_sha256 ON files (sha256);
COMMIT;
