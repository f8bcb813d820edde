CREATE TABLE "device_groups" (
	"name" text PRIMARY KEY NOT NULL,
	"description" text DEFAULT '' NOT NULL,
	"selector" text NOT NULL,
	"created_at_ms" bigint NOT NULL,
	"changed_at_ms" bigint NOT NULL,
	"changed_by" text NOT NULL
);
--> statement-breakpoint
ALTER TABLE "devices" ADD COLUMN "architecture" text GENERATED ALWAYS AS (coalesce(capabilities ->> 'architecture', '')) STORED NOT NULL;--> statement-breakpoint
ALTER TABLE "devices" ADD COLUMN "cores" double precision GENERATED ALWAYS AS (coalesce((capabilities -> 'cpu' ->> 'cores')::float8, 0)) STORED NOT NULL;--> statement-breakpoint
ALTER TABLE "devices" ADD COLUMN "memory_mebibytes" double precision GENERATED ALWAYS AS (coalesce(floor((capabilities -> 'memory' ->> 'totalBytes')::float8 / 1048576), 0)) STORED NOT NULL;--> statement-breakpoint
ALTER TABLE "devices" ADD COLUMN "providers" jsonb GENERATED ALWAYS AS (jsonb_path_query_array(capabilities, '$.executionProviders[*] ? (@.ran == true).name')) STORED NOT NULL;