CREATE TABLE "command_batch_targets" (
	"batch" text NOT NULL,
	"device" text NOT NULL,
	"command" text,
	CONSTRAINT "command_batch_targets_batch_device_pk" PRIMARY KEY("batch","device")
);
--> statement-breakpoint
CREATE TABLE "command_batches" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"arguments" jsonb NOT NULL,
	"select" text NOT NULL,
	"max_in_flight" integer NOT NULL,
	"stop_percent" real NOT NULL,
	"stop_minimum" integer NOT NULL,
	"life_minutes" integer NOT NULL,
	"state" text NOT NULL,
	"reason" text,
	"total" integer NOT NULL,
	"created_at_ms" bigint NOT NULL,
	"created_by" text NOT NULL,
	"finished_at_ms" bigint
);
--> statement-breakpoint
ALTER TABLE "command_batch_targets" ADD CONSTRAINT "command_batch_targets_batch_command_batches_id_fk" FOREIGN KEY ("batch") REFERENCES "public"."command_batches"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "command_batch_targets" ADD CONSTRAINT "command_batch_targets_device_devices_id_fk" FOREIGN KEY ("device") REFERENCES "public"."devices"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "command_batch_targets" ADD CONSTRAINT "command_batch_targets_command_commands_id_fk" FOREIGN KEY ("command") REFERENCES "public"."commands"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "command_batch_targets_command" ON "command_batch_targets" USING btree ("command");--> statement-breakpoint
CREATE INDEX "command_batches_created" ON "command_batches" USING btree ("created_at_ms");