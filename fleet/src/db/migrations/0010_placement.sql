ALTER TABLE "desired_states" ADD COLUMN "places" jsonb;--> statement-breakpoint
ALTER TABLE "desired_states" ADD COLUMN "workers" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "desired_states" ADD COLUMN "unserved" jsonb DEFAULT '[]'::jsonb NOT NULL;