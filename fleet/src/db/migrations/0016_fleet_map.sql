ALTER TABLE "devices" ADD COLUMN "closed" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "devices" ADD COLUMN "site" text GENERATED ALWAYS AS (coalesce(labels ->> 'site', '')) STORED NOT NULL;--> statement-breakpoint
ALTER TABLE "devices" ADD COLUMN "phase" text GENERATED ALWAYS AS (coalesce(reported ->> 'phase', '')) STORED NOT NULL;