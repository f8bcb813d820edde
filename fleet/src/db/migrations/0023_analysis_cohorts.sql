CREATE TABLE "analysis_cohorts" (
	"rollout" text NOT NULL,
	"side" text NOT NULL,
	"device" text NOT NULL,
	"from_reading" integer NOT NULL,
	"until_reading" integer,
	CONSTRAINT "analysis_cohorts_rollout_side_device_from_reading_pk" PRIMARY KEY("rollout","side","device","from_reading")
);
--> statement-breakpoint
CREATE TABLE "analysis_readings" (
	"rollout" text PRIMARY KEY NOT NULL,
	"reading" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "analysis_statements" (
	"digest" text PRIMARY KEY NOT NULL,
	"sql" text NOT NULL
);
--> statement-breakpoint
CREATE INDEX "analysis_cohorts_present" ON "analysis_cohorts" USING btree ("rollout","side","device") WHERE until_reading is null;