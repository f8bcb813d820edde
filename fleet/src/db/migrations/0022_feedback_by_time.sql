DROP INDEX "feedback_outcomes_device";--> statement-breakpoint
CREATE INDEX "feedback_outcomes_device_at" ON "feedback_outcomes" USING btree ("device","item_at_ms");