CREATE TABLE "rollout_approvals" (
	"rollout" text NOT NULL,
	"step" integer NOT NULL,
	"person" text NOT NULL,
	"name" text NOT NULL,
	"at_ms" bigint NOT NULL,
	CONSTRAINT "rollout_approvals_rollout_step_person_pk" PRIMARY KEY("rollout","step","person")
);
--> statement-breakpoint
CREATE TABLE "rollout_events" (
	"rollout" text NOT NULL,
	"sequence" integer NOT NULL,
	"at_ms" bigint NOT NULL,
	"kind" text NOT NULL,
	"actor" text NOT NULL,
	"text" text NOT NULL,
	"detail" jsonb DEFAULT '{}'::jsonb NOT NULL,
	CONSTRAINT "rollout_events_rollout_sequence_pk" PRIMARY KEY("rollout","sequence")
);
--> statement-breakpoint
CREATE TABLE "rollout_targets" (
	"rollout" text NOT NULL,
	"device" text NOT NULL,
	"position" integer NOT NULL,
	"state" text NOT NULL,
	"wave" integer,
	"attempt" integer DEFAULT 0 NOT NULL,
	"epoch" integer,
	"generation" integer,
	"previous_release" text,
	"previous_artefacts" jsonb,
	"bytes" bigint DEFAULT 0 NOT NULL,
	"started_at_ms" bigint,
	"deadline_ms" bigint,
	"not_before_ms" bigint DEFAULT 0 NOT NULL,
	"finished_at_ms" bigint,
	"restored" boolean DEFAULT false NOT NULL,
	"failure_kind" text,
	"code" text,
	"message" text,
	CONSTRAINT "rollout_targets_rollout_device_pk" PRIMARY KEY("rollout","device")
);
--> statement-breakpoint
CREATE TABLE "rollouts" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"spec" jsonb NOT NULL,
	"release" text NOT NULL,
	"release_name" text NOT NULL,
	"priority" integer NOT NULL,
	"state" text NOT NULL,
	"step" integer DEFAULT 0 NOT NULL,
	"step_started_at_ms" bigint NOT NULL,
	"waiting" jsonb,
	"paused_from" text,
	"accepted_failures" integer DEFAULT 0 NOT NULL,
	"version" integer DEFAULT 0 NOT NULL,
	"lease_owner" text,
	"lease_until_ms" bigint DEFAULT 0 NOT NULL,
	"events" integer DEFAULT 0 NOT NULL,
	"joined_at_ms" bigint DEFAULT 0 NOT NULL,
	"created_at_ms" bigint NOT NULL,
	"created_by" text NOT NULL,
	"started_at_ms" bigint,
	"followed_since_ms" bigint,
	"finished_at_ms" bigint
);
--> statement-breakpoint
ALTER TABLE "rollout_approvals" ADD CONSTRAINT "rollout_approvals_rollout_rollouts_id_fk" FOREIGN KEY ("rollout") REFERENCES "public"."rollouts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rollout_events" ADD CONSTRAINT "rollout_events_rollout_rollouts_id_fk" FOREIGN KEY ("rollout") REFERENCES "public"."rollouts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rollout_targets" ADD CONSTRAINT "rollout_targets_rollout_rollouts_id_fk" FOREIGN KEY ("rollout") REFERENCES "public"."rollouts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "rollout_targets_in_flight" ON "rollout_targets" USING btree ("device") WHERE state in ('assigned', 'returning');--> statement-breakpoint
CREATE INDEX "rollout_targets_under_way" ON "rollout_targets" USING btree ("rollout") WHERE state in ('assigned', 'returning');--> statement-breakpoint
CREATE INDEX "rollout_targets_waiting" ON "rollout_targets" USING btree ("rollout","position") WHERE state = 'waiting';--> statement-breakpoint
CREATE INDEX "rollout_targets_started" ON "rollout_targets" USING btree ("rollout","started_at_ms") WHERE started_at_ms is not null;--> statement-breakpoint
CREATE INDEX "rollouts_created" ON "rollouts" USING btree ("created_at_ms");