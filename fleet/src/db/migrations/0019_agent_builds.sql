CREATE TABLE "agent_builds" (
	"digest" text PRIMARY KEY NOT NULL,
	"version" text NOT NULL,
	"signed" text NOT NULL,
	"document" jsonb NOT NULL,
	"created_at_ms" bigint NOT NULL,
	"created_by" text NOT NULL,
	CONSTRAINT "agent_builds_version_unique" UNIQUE("version")
);
