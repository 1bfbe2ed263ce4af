-- SPDX-FileCopyrightText: The trustpub authors
-- SPDX-License-Identifier: Apache-2.0
-- What the version before people signed in left behind: dumped from its own code, and never to be changed.
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
CREATE TABLE attempts (
	id TEXT NOT NULL, 
	project_id TEXT, 
	issuer TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	claims TEXT NOT NULL, 
	reasons TEXT NOT NULL, 
	first REAL NOT NULL, 
	last REAL NOT NULL, 
	count INTEGER NOT NULL, 
	peer TEXT NOT NULL, 
	CONSTRAINT pk_attempts PRIMARY KEY (id), 
	CONSTRAINT fk_attempts_project_id FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE
)
 STRICT

;
INSERT INTO "attempts" VALUES('49002df0-c0bb-4621-a440-b9499a33a16d','project-1','https://ci.example','github','91ad37c1dec7de4baa1d050af3a8d7e8cea84ab9b598dbb2e270e3796998f40b','{"repository": "octo-org/hello", "repository_id": "456789", "repository_owner_id": "123456", "job_workflow_ref": "octo-org/hello/.github/workflows/release.yml@refs/tags/v1", "environment": "other", "event_name": "push", "ref": "refs/tags/v1", "sha": "ffffffffffffffffffffffffffffffffffffffff"}','["Hello: environment is ''other'', wanted ''release'' (set the publishing job''s `environment:` to the registered one, or register another)"]',1790259200.25,1790259200.25,1,'192.0.2.7');
CREATE TABLE claims (
	issuer TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	expires INTEGER NOT NULL, token_id TEXT DEFAULT '' NOT NULL, at REAL DEFAULT 0 NOT NULL, peer TEXT DEFAULT '' NOT NULL, body_sha256 TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_claims PRIMARY KEY (issuer, "key")
)
 STRICT

;
INSERT INTO "claims" VALUES('https://ci.example','jti:c',1790259590,'01a0d3c3-80fa-7bff-a42b-2986637d48a1',1790259200.25,'192.0.2.7','c366b138ec6023bddc643927d297da6d3893363b8a1fd6bda42c9e7525b7866a');
CREATE TABLE counters (
	name TEXT NOT NULL, 
	value INTEGER NOT NULL, 
	CONSTRAINT pk_counters PRIMARY KEY (name)
)
 STRICT

;
INSERT INTO "counters" VALUES('projects',1);
CREATE TABLE events (
	id INTEGER NOT NULL, 
	at REAL NOT NULL, 
	kind TEXT NOT NULL, 
	project_id TEXT, 
	publisher_id TEXT, 
	facts TEXT NOT NULL, 
	CONSTRAINT pk_events PRIMARY KEY (id)
)
 STRICT

;
INSERT INTO "events" VALUES(1,1790000000.25,'token-minted','project-1','pub-1','{"repository": "octo-org/hello", "repository_id": "456789", "repository_owner_id": "123456", "job_workflow_ref": "octo-org/hello/.github/workflows/release.yml@refs/tags/v1", "environment": "release", "event_name": "push", "ref": "refs/tags/v1", "sha": "ffffffffffffffffffffffffffffffffffffffff", "run_id": "77", "token": "01a0c450-6cfa-75ac-b057-3de698a696de", "expires": 1790000901, "peer": "192.0.2.7"}');
INSERT INTO "events" VALUES(2,1790000000.25,'file-uploaded','project-1','pub-1','{"filename": "hello-1.0.tar.gz", "version": "1.0", "size": 156, "sha256": "b4c08d091423c47be2245a4bf60ccaa41cfede5acbff48bea0b395e92ccc5df6", "token": "01a0c450-6cfa-75ac-b057-3de698a696de", "user": null}');
INSERT INTO "events" VALUES(3,1790000000.25,'publisher-added','project-1','pub-2','{"repository": "octo-org/other", "workflow": "release.yml", "environment": "release", "owner_id": "123456", "repository_id": "9", "issuer": "https://ci.example", "project": "Hello"}');
INSERT INTO "events" VALUES(4,1790000000.25,'token-minted','project-1','pub-2','{"repository": "octo-org/other", "repository_id": "9", "repository_owner_id": "123456", "job_workflow_ref": "octo-org/other/.github/workflows/release.yml@refs/heads/main", "environment": "release", "event_name": "push", "ref": "refs/heads/main", "sha": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "token": "01a0c450-6cfa-7bf2-9f3b-8427c327925a", "expires": 1790000901, "peer": "192.0.2.7"}');
INSERT INTO "events" VALUES(5,1790000000.25,'file-uploaded','project-1','pub-2','{"filename": "hello-1.1.tar.gz", "version": "1.1", "size": 156, "sha256": "91b783413bde3ab722037b53005b041dd81ef4e4f512b24aae5a0811a62c5a02", "token": "01a0c450-6cfa-7bf2-9f3b-8427c327925a", "user": null}');
INSERT INTO "events" VALUES(6,1790000000.25,'file-uploaded','project-1',NULL,'{"filename": "hello-1.2.tar.gz", "version": "1.2", "size": 156, "sha256": "07f317d1be864f9743e8da639b63e8191dcad243163f5535a2ea7a33e70ffe2c", "token": "86bc20f0-a17b-459f-8579-183aad62b96f", "user": "Ada"}');
INSERT INTO "events" VALUES(7,1790259200.25,'token-minted','project-1','pub-1','{"repository": "octo-org/hello", "repository_id": "456789", "repository_owner_id": "123456", "job_workflow_ref": "octo-org/hello/.github/workflows/release.yml@refs/tags/v1", "environment": "release", "event_name": "push", "ref": "refs/tags/v1", "sha": "ffffffffffffffffffffffffffffffffffffffff", "token": "01a0d3c3-80fa-7bff-a42b-2986637d48a1", "expires": 1790260101, "peer": "192.0.2.7"}');
INSERT INTO "events" VALUES(8,1790259200.25,'file-uploaded','project-1','pub-1','{"filename": "hello-1.3.tar.gz", "version": "1.3", "size": 157, "sha256": "d4d16abc14d55a5dff7d0f295a1d09fa83153aaae2fd97241a2cca6d200508e2", "token": "01a0d3c3-80fa-7bff-a42b-2986637d48a1", "user": null}');
CREATE TABLE facts (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_facts PRIMARY KEY (name)
)
 STRICT

;
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
	yanked TEXT, deleted INTEGER, attested INTEGER DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_files PRIMARY KEY (filename), 
	CONSTRAINT fk_files_project_id FOREIGN KEY(project_id) REFERENCES projects (id), 
	CONSTRAINT uq_files_normalized UNIQUE (normalized)
)
 STRICT

;
INSERT INTO "files" VALUES('hello-1.0.tar.gz','["hello", "1", "tar.gz"]','project-1','1.0','sdist',156,'b4c08d091423c47be2245a4bf60ccaa41cfede5acbff48bea0b395e92ccc5df6','50957c8409601f5a6eaf06df607a7cbbccf4c556974265a01ebee89d5c5469eb',NULL,NULL,NULL,1790000000.25,'01a0c450-6cfa-75ac-b057-3de698a696de',NULL,NULL,0);
INSERT INTO "files" VALUES('hello-1.1.tar.gz','["hello", "1.1", "tar.gz"]','project-1','1.1','sdist',156,'91b783413bde3ab722037b53005b041dd81ef4e4f512b24aae5a0811a62c5a02','a89551c1b1825c0c7428c879bbfd4058e106c3e58caab09feee7fb1c30ed7ac3',NULL,NULL,NULL,1790000000.25,'01a0c450-6cfa-7bf2-9f3b-8427c327925a',NULL,NULL,0);
INSERT INTO "files" VALUES('hello-1.2.tar.gz','["hello", "1.2", "tar.gz"]','project-1','1.2','sdist',156,'07f317d1be864f9743e8da639b63e8191dcad243163f5535a2ea7a33e70ffe2c','875aa5a5293f4bb5696d3d592ae416855c90628ec570f434881685c81e1f9ed6',NULL,NULL,NULL,1790000000.25,'86bc20f0-a17b-459f-8579-183aad62b96f',NULL,NULL,0);
INSERT INTO "files" VALUES('hello-1.3.tar.gz','["hello", "1.3", "tar.gz"]','project-1','1.3','sdist',157,'d4d16abc14d55a5dff7d0f295a1d09fa83153aaae2fd97241a2cca6d200508e2','021c0a9fd37c6961404cbf74ff0f5b83f664f7bdf204f94eb00913d84fbaa4a8',NULL,NULL,NULL,1790259200.25,'01a0d3c3-80fa-7bff-a42b-2986637d48a1',NULL,1790259200,0);
INSERT INTO "files" VALUES('hello-0.9.tar.gz','["hello", "0.9", "tar.gz"]','project-1','0.9','sdist',156,'b4c08d091423c47be2245a4bf60ccaa41cfede5acbff48bea0b395e92ccc5df6','0000000000000000000000000000000000000000000000000000000000000000',NULL,NULL,NULL,1.5,'unknown',NULL,NULL,0);
CREATE TABLE issuers (
	url TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	jwks TEXT, 
	ca TEXT, terms TEXT DEFAULT '{"algorithms": ["RS256"], "array_audience": false, "max_age": 3600, "max_lifetime": 3600, "token_lifetime": 900}' NOT NULL, audience TEXT, jwks_hosts TEXT DEFAULT '[]' NOT NULL, private INTEGER DEFAULT 0 NOT NULL, enabled INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT pk_issuers PRIMARY KEY (url)
)
 STRICT

;
INSERT INTO "issuers" VALUES('https://ci.example','github','{"keys": [{"n": "vD6Q_szfEsUNs6JftSn_JgwyFyksDLw_DGxIQH8iMpdu4-VokMyOV0pHJhYeEvpfE52ZqbmDvMwdu0YdQf6xTVoIHr6Enx653VXo4-B__8LMctzLrzYyMIdvL7ew3JWuAcOHmiYaiICfLcYCrm5MvWBV7thTbTRlAK66VBsFDI93kQWYKHG9u185BOLFUXRvBeaSdX14Oa1bw_-KMxaz8oYsXgxhMGAN0mR4DaJjD7Do9WRQX-xJOJIaZJjBzp6FUNML2cy4ItMBw2z7euX4qcAYOcQeUAFnyHmsxCjalquDhtbiQ_vTsWC8aoJvvczBlfttT-Tk6jtnppKpxZmrDQ", "e": "AQAB", "kid": "key-1", "kty": "RSA"}]}',NULL,'{"algorithms": ["RS256"], "array_audience": false, "max_age": 86400, "max_lifetime": 86400, "token_lifetime": 900}',NULL,'[]',0,1);
CREATE TABLE members (
	project_id TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	CONSTRAINT pk_members PRIMARY KEY (project_id, user_id), 
	CONSTRAINT fk_members_project_id FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE, 
	CONSTRAINT fk_members_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
)
 STRICT

;
INSERT INTO "members" VALUES('project-1','user-1');
CREATE TABLE prohibited_names (
	name TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	CONSTRAINT pk_prohibited_names PRIMARY KEY (name)
)
 STRICT

;
CREATE TABLE projects (
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	normalized TEXT NOT NULL, 
	created INTEGER NOT NULL, 
	pending_until INTEGER, 
	serial INTEGER NOT NULL, look_alike TEXT DEFAULT '' NOT NULL, reminded INTEGER DEFAULT 0 NOT NULL, status TEXT DEFAULT 'active' NOT NULL, status_reason TEXT DEFAULT '' NOT NULL, trusted_only INTEGER DEFAULT 0 NOT NULL, attestations TEXT DEFAULT 'optional' NOT NULL, 
	CONSTRAINT pk_projects PRIMARY KEY (id), 
	CONSTRAINT uq_projects_normalized UNIQUE (normalized)
)
 STRICT

;
INSERT INTO "projects" VALUES('project-1','Hello','hello',0,NULL,6,'he110',0,'active','',0,'optional');
CREATE TABLE provenances (
	filename TEXT NOT NULL, 
	document TEXT NOT NULL, 
	everything TEXT NOT NULL, 
	CONSTRAINT pk_provenances PRIMARY KEY (filename), 
	CONSTRAINT fk_provenances_filename FOREIGN KEY(filename) REFERENCES files (filename)
)
 STRICT

;
CREATE TABLE publisher_links (
	publisher_id TEXT NOT NULL, 
	project_id TEXT NOT NULL, rules TEXT DEFAULT '{}' NOT NULL, 
	CONSTRAINT pk_publisher_links PRIMARY KEY (publisher_id, project_id), 
	CONSTRAINT fk_publisher_links_project_id FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE, 
	CONSTRAINT fk_publisher_links_publisher_id FOREIGN KEY(publisher_id) REFERENCES publishers (id) ON DELETE CASCADE
)
 STRICT

;
INSERT INTO "publisher_links" VALUES('pub-1','project-1','{}');
CREATE TABLE publishers (
	id TEXT NOT NULL, 
	issuer TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	lookup TEXT NOT NULL, 
	identity TEXT NOT NULL, 
	fields TEXT NOT NULL, 
	pin_on_first_use INTEGER NOT NULL, immutable TEXT DEFAULT '[]' NOT NULL, 
	CONSTRAINT pk_publishers PRIMARY KEY (id), 
	CONSTRAINT fk_publishers_issuer FOREIGN KEY(issuer) REFERENCES issuers (url), 
	CONSTRAINT uq_publishers_issuer_kind_identity UNIQUE (issuer, kind, identity)
)
 STRICT

;
INSERT INTO "publishers" VALUES('pub-1','https://ci.example','github','octo-org/hello','{"environment":"release","repository":"octo-org/hello","workflow":"release.yml"}','{"repository": "octo-org/hello", "workflow": "release.yml", "environment": "release", "owner_id": "123456", "repository_id": "456789"}',0,'[]');
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
	burned INTEGER, single_use INTEGER DEFAULT 0 NOT NULL, used INTEGER, claims TEXT DEFAULT '{}' NOT NULL, 
	CONSTRAINT pk_tokens PRIMARY KEY (id), 
	CONSTRAINT fk_tokens_publisher_id FOREIGN KEY(publisher_id) REFERENCES publishers (id) ON DELETE CASCADE, 
	CONSTRAINT fk_tokens_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
)
 STRICT

;
INSERT INTO "tokens" VALUES('86bc20f0-a17b-459f-8579-183aad62b96f','e56bb10d915f909d','index.example',NULL,'user-1','upload token of Ada','[[3, "user-1"]]','upload',1790000000,NULL,NULL,0,1790000000,'{}');
INSERT INTO "tokens" VALUES('01a0d3c3-80fa-7bff-a42b-2986637d48a1','e56bb10d915f909d','index.example','pub-1',NULL,'octo-org/hello release.yml','[[4, "pub-1", null], [2, ["project-1"]], [0, 1790260101, 1790259200]]','upload',1790259200,1790260101,NULL,0,1790259200,'{"repository": "octo-org/hello", "repository_id": "456789", "repository_owner_id": "123456", "job_workflow_ref": "octo-org/hello/.github/workflows/release.yml@refs/tags/v1", "environment": "release", "event_name": "push", "ref": "refs/tags/v1", "sha": "ffffffffffffffffffffffffffffffffffffffff"}');
CREATE TABLE users (
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	folded TEXT NOT NULL, 
	created INTEGER NOT NULL, 
	CONSTRAINT pk_users PRIMARY KEY (id), 
	CONSTRAINT uq_users_folded UNIQUE (folded)
)
 STRICT

;
INSERT INTO "users" VALUES('user-1','Ada','ada',0);
CREATE INDEX ix_events_project_id ON events (project_id);
CREATE INDEX ix_publisher_links_project_id ON publisher_links (project_id);
CREATE INDEX ix_tokens_publisher_id ON tokens (publisher_id);
CREATE INDEX ix_files_blake2b_256 ON files (blake2b_256);
CREATE INDEX ix_files_project_id ON files (project_id);
CREATE INDEX ix_files_sha256 ON files (sha256);
CREATE INDEX ix_projects_look_alike ON projects (look_alike);
CREATE INDEX ix_publishers_issuer_kind_lookup ON publishers (issuer, kind, lookup);
CREATE INDEX ix_tokens_user_id ON tokens (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX ix_attempts_project_id_digest ON attempts (project_id, digest);
CREATE INDEX ix_attempts_project_id_last ON attempts (project_id, last);
CREATE INDEX ix_attempts_last ON attempts (last);
CREATE TRIGGER events_unchanged BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are never changed or removed'); END;
CREATE TRIGGER events_undeleted BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are never changed or removed'); END;
CREATE TRIGGER events_unreplaced BEFORE INSERT ON events WHEN EXISTS (SELECT 1 FROM events WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'events are never changed or removed'); END;
COMMIT;
