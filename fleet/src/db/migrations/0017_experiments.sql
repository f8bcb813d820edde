CREATE TABLE "experiment_devices" (
	"experiment" text NOT NULL,
	"device" text NOT NULL,
	"joined_at_ms" bigint NOT NULL,
	"left_at_ms" bigint,
	"reason" text,
	CONSTRAINT "experiment_devices_experiment_device_pk" PRIMARY KEY("experiment","device")
);
--> statement-breakpoint
CREATE TABLE "experiment_events" (
	"experiment" text NOT NULL,
	"sequence" integer NOT NULL,
	"at_ms" bigint NOT NULL,
	"kind" text NOT NULL,
	"actor" text NOT NULL,
	"text" text NOT NULL,
	"detail" jsonb DEFAULT '{}'::jsonb NOT NULL,
	CONSTRAINT "experiment_events_experiment_sequence_pk" PRIMARY KEY("experiment","sequence")
);
--> statement-breakpoint
CREATE TABLE "experiment_figures" (
	"experiment" text NOT NULL,
	"release" text NOT NULL,
	"device" text NOT NULL,
	"items" bigint NOT NULL,
	"failures" bigint NOT NULL,
	"compared" bigint NOT NULL,
	"agreed" bigint NOT NULL,
	"shed" bigint NOT NULL,
	"joules" double precision NOT NULL,
	"measured" bigint NOT NULL,
	"bins" bigint[],
	CONSTRAINT "experiment_figures_experiment_release_device_pk" PRIMARY KEY("experiment","release","device")
);
--> statement-breakpoint
CREATE TABLE "experiment_looks" (
	"experiment" text NOT NULL,
	"at_ms" bigint NOT NULL,
	"arms" jsonb NOT NULL,
	CONSTRAINT "experiment_looks_experiment_at_ms_pk" PRIMARY KEY("experiment","at_ms")
);
--> statement-breakpoint
CREATE TABLE "experiments" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"spec" jsonb NOT NULL,
	"state" text NOT NULL,
	"champion" text NOT NULL,
	"champion_name" text NOT NULL,
	"challengers" jsonb NOT NULL,
	"shares" jsonb NOT NULL,
	"shares_at_ms" bigint NOT NULL,
	"reason" text NOT NULL,
	"winner" text,
	"result" jsonb,
	"measured_at_ms" bigint,
	"is_mismatch_accepted" boolean DEFAULT false NOT NULL,
	"rollout" text,
	"version" integer DEFAULT 0 NOT NULL,
	"lease_owner" text,
	"lease_until_ms" bigint DEFAULT 0 NOT NULL,
	"events" integer DEFAULT 0 NOT NULL,
	"created_at_ms" bigint NOT NULL,
	"created_by" text NOT NULL,
	"started_at_ms" bigint,
	"finished_at_ms" bigint
);
--> statement-breakpoint
CREATE TABLE "feedback_outcomes" (
	"result_id" text PRIMARY KEY NOT NULL,
	"device" text NOT NULL,
	"release" text NOT NULL,
	"experiment" text,
	"value" double precision,
	"label" text,
	"item_at_ms" bigint NOT NULL,
	"at_ms" bigint NOT NULL,
	"received_at_ms" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "desired_states" ADD COLUMN "experiment" jsonb;--> statement-breakpoint
ALTER TABLE "experiment_devices" ADD CONSTRAINT "experiment_devices_experiment_experiments_id_fk" FOREIGN KEY ("experiment") REFERENCES "public"."experiments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "experiment_events" ADD CONSTRAINT "experiment_events_experiment_experiments_id_fk" FOREIGN KEY ("experiment") REFERENCES "public"."experiments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "experiment_looks" ADD CONSTRAINT "experiment_looks_experiment_experiments_id_fk" FOREIGN KEY ("experiment") REFERENCES "public"."experiments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "experiment_devices_taking_part" ON "experiment_devices" USING btree ("device") WHERE left_at_ms is null;--> statement-breakpoint
CREATE INDEX "experiments_created" ON "experiments" USING btree ("created_at_ms");--> statement-breakpoint
CREATE INDEX "feedback_outcomes_experiment" ON "feedback_outcomes" USING btree ("experiment","release");--> statement-breakpoint
CREATE INDEX "feedback_outcomes_device" ON "feedback_outcomes" USING btree ("device");--> statement-breakpoint
CREATE INDEX "desired_states_experiment" ON "desired_states" USING btree (("experiment" ->> 'id')) WHERE experiment is not null;