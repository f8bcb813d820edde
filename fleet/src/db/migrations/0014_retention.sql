-- Tables that grow with time are partitioned by it, so that what is old goes by dropping a table. Drizzle knows nothing of partitions:
-- those of records and roll-ups are written by hand, with the rows that are there, a day each.
CREATE TABLE "telemetry_hours" (
	"release" text NOT NULL,
	"profile" text NOT NULL,
	"site" text NOT NULL,
	"kind" text NOT NULL,
	"subject" text NOT NULL,
	"at_ms" bigint NOT NULL,
	"count" bigint NOT NULL,
	"hits" bigint NOT NULL,
	"total" double precision NOT NULL,
	"bins" bigint[],
	CONSTRAINT "telemetry_hours_at_ms_kind_release_profile_site_subject_pk" PRIMARY KEY("at_ms","kind","release","profile","site","subject")
) PARTITION BY RANGE ("at_ms");
--> statement-breakpoint
CREATE TABLE "telemetry_layers" (
	"layer" text PRIMARY KEY NOT NULL,
	"expired_rows" bigint DEFAULT 0 NOT NULL,
	"over_budget_rows" bigint DEFAULT 0 NOT NULL,
	"dropped_before_ms" bigint,
	"passed_at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "telemetry_sums" (
	"release" text NOT NULL,
	"profile" text NOT NULL,
	"site" text NOT NULL,
	"kind" text NOT NULL,
	"subject" text NOT NULL,
	"at_ms" bigint NOT NULL,
	"count" bigint NOT NULL,
	"hits" bigint NOT NULL,
	"total" double precision NOT NULL,
	"bins" bigint[],
	CONSTRAINT "telemetry_sums_at_ms_kind_release_profile_site_subject_pk" PRIMARY KEY("at_ms","kind","release","profile","site","subject")
) PARTITION BY RANGE ("at_ms");
--> statement-breakpoint
ALTER TABLE "telemetry_records" RENAME TO "telemetry_records_whole";--> statement-breakpoint
ALTER TABLE "telemetry_rollups" RENAME TO "telemetry_rollups_whole";--> statement-breakpoint
ALTER TABLE "telemetry_records_whole" DROP CONSTRAINT "telemetry_records_device_stream_id_kind_sequence_pk";--> statement-breakpoint
ALTER TABLE "telemetry_rollups_whole" DROP CONSTRAINT "telemetry_rollups_device_release_kind_subject_at_ms_pk";--> statement-breakpoint
DROP INDEX "telemetry_records_device_kind_at";--> statement-breakpoint
DROP INDEX "telemetry_rollups_kind_at";--> statement-breakpoint
DROP INDEX "telemetry_rollups_at";--> statement-breakpoint
CREATE TABLE "telemetry_records" (
	LIKE "telemetry_records_whole" INCLUDING DEFAULTS,
	CONSTRAINT "telemetry_records_device_stream_id_kind_sequence_at_ms_pk" PRIMARY KEY("device","stream_id","kind","sequence","at_ms")
) PARTITION BY RANGE ("at_ms");--> statement-breakpoint
CREATE TABLE "telemetry_rollups" (
	LIKE "telemetry_rollups_whole" INCLUDING DEFAULTS,
	CONSTRAINT "telemetry_rollups_device_release_kind_subject_at_ms_pk" PRIMARY KEY("device","release","kind","subject","at_ms")
) PARTITION BY RANGE ("at_ms");--> statement-breakpoint
CREATE INDEX "telemetry_records_device_kind_at" ON "telemetry_records" USING btree ("device","kind","at_ms");--> statement-breakpoint
CREATE INDEX "telemetry_rollups_kind_at" ON "telemetry_rollups" USING btree ("kind","at_ms");--> statement-breakpoint
CREATE INDEX "telemetry_rollups_at" ON "telemetry_rollups" USING btree ("at_ms");--> statement-breakpoint
DO $$
DECLARE
	whole text;
	day bigint;
BEGIN
	FOREACH whole IN ARRAY ARRAY['telemetry_records', 'telemetry_rollups'] LOOP
		FOR day IN EXECUTE format('SELECT DISTINCT at_ms / 86400000 FROM %I', whole || '_whole') LOOP
			EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s)',
				whole || '_' || to_char(to_timestamp(day * 86400) AT TIME ZONE 'UTC', 'YYYYMMDD"t000000"'), whole, day * 86400000, (day + 1) * 86400000);
		END LOOP;
		EXECUTE format('INSERT INTO %I SELECT * FROM %I', whole, whole || '_whole');
		EXECUTE format('DROP TABLE %I', whole || '_whole');
	END LOOP;
END $$;--> statement-breakpoint
ALTER TABLE "telemetry_cursors" ADD COLUMN "shed" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "analysis_measurements_at" ON "analysis_measurements" USING btree ("at_ms");