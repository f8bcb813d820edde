CREATE TABLE "analysis_measurements" (
	"rollout" text NOT NULL,
	"step" text NOT NULL,
	"metric" text NOT NULL,
	"at_ms" bigint NOT NULL,
	"judgement" jsonb,
	"error" text,
	"queries" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"failed" boolean DEFAULT false NOT NULL,
	CONSTRAINT "analysis_measurements_rollout_step_metric_at_ms_pk" PRIMARY KEY("rollout","step","metric","at_ms")
);
--> statement-breakpoint
CREATE TABLE "analysis_templates" (
	"name" text PRIMARY KEY NOT NULL,
	"spec" jsonb NOT NULL,
	"changed_at_ms" bigint NOT NULL,
	"changed_by" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "telemetry_rollups" (
	"device" text NOT NULL,
	"release" text NOT NULL,
	"kind" text NOT NULL,
	"subject" text NOT NULL,
	"at_ms" bigint NOT NULL,
	"count" bigint NOT NULL,
	"hits" bigint NOT NULL,
	"total" double precision NOT NULL,
	"bins" integer[],
	CONSTRAINT "telemetry_rollups_device_release_kind_subject_at_ms_pk" PRIMARY KEY("device","release","kind","subject","at_ms")
);
--> statement-breakpoint
CREATE INDEX "analysis_measurements_metric" ON "analysis_measurements" USING btree ("rollout","metric","at_ms");--> statement-breakpoint
CREATE INDEX "telemetry_rollups_kind_at" ON "telemetry_rollups" USING btree ("kind","at_ms");--> statement-breakpoint
CREATE INDEX "telemetry_rollups_at" ON "telemetry_rollups" USING btree ("at_ms");