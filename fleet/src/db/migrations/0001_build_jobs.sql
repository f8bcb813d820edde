CREATE TABLE "build_log_lines" (
	"job_id" text NOT NULL,
	"sequence" integer NOT NULL,
	"at_ms" bigint NOT NULL,
	"text" text NOT NULL,
	CONSTRAINT "build_log_lines_job_id_sequence_pk" PRIMARY KEY("job_id","sequence")
);
--> statement-breakpoint
ALTER TABLE "artefacts" ADD COLUMN "build_key" text;--> statement-breakpoint
ALTER TABLE "build_jobs" ADD COLUMN "sequence" bigserial NOT NULL;--> statement-breakpoint
ALTER TABLE "build_jobs" ADD COLUMN "recipe" jsonb;--> statement-breakpoint
ALTER TABLE "build_jobs" ADD COLUMN "recipe_digest" text;--> statement-breakpoint
-- Jobs of before had no recipe: each made every artefact. What is left of them makes the first.
UPDATE "build_jobs" SET "recipe_digest" = '', "recipe" = '{"method":"source","target":"portable","equalise":false,"biasCorrection":false,"blockSize":32,"sparsity":0,"keepInFloat":[]}';--> statement-breakpoint
ALTER TABLE "build_jobs" ALTER COLUMN "recipe" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "build_jobs" ALTER COLUMN "recipe_digest" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "build_jobs" ADD COLUMN "artefact_digest" text;--> statement-breakpoint
ALTER TABLE "build_jobs" ADD COLUMN "reused" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "build_jobs" ADD COLUMN "note" text;--> statement-breakpoint
ALTER TABLE "build_jobs" ADD COLUMN "requested_by" text;--> statement-breakpoint
ALTER TABLE "build_jobs" ADD COLUMN "attempts" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "build_jobs" ADD COLUMN "lease_owner" text;--> statement-breakpoint
ALTER TABLE "build_jobs" ADD COLUMN "lease_expires_at_ms" bigint;--> statement-breakpoint
ALTER TABLE "build_jobs" ADD COLUMN "started_at_ms" bigint;--> statement-breakpoint
ALTER TABLE "build_jobs" ADD COLUMN "ended_at_ms" bigint;--> statement-breakpoint
ALTER TABLE "model_versions" ADD COLUMN "operators" jsonb;--> statement-breakpoint
ALTER TABLE "build_log_lines" ADD CONSTRAINT "build_log_lines_job_id_build_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."build_jobs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "build_jobs" ADD CONSTRAINT "build_jobs_artefact_digest_artefacts_digest_fk" FOREIGN KEY ("artefact_digest") REFERENCES "public"."artefacts"("digest") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "artefacts_build_key" ON "artefacts" USING btree ("build_key");--> statement-breakpoint
CREATE INDEX "artefacts_model" ON "artefacts" USING btree ("model_digest");--> statement-breakpoint
CREATE INDEX "build_jobs_state" ON "build_jobs" USING btree ("state","sequence");--> statement-breakpoint
CREATE INDEX "build_jobs_model" ON "build_jobs" USING btree ("model_digest");