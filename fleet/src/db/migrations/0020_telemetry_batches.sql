-- Records lie in the batches that they came in, a row each; "telemetry_records" shows them as before. Written by hand, since Drizzle knows
-- nothing of partitions: the rows that are there move, by what a batch holds (one boot, one arrival, six hours), into a partition for each day.
ALTER TABLE "telemetry_records" RENAME TO "telemetry_records_apart";--> statement-breakpoint
CREATE TABLE "telemetry_batches" (
	"device" text NOT NULL,
	"stream_id" text NOT NULL,
	"kind" text NOT NULL,
	"sequence" bigint NOT NULL,
	"boot_id" text NOT NULL,
	"arrived_at_ms" bigint NOT NULL,
	"at_ms" bigint NOT NULL,
	"last_at_ms" bigint NOT NULL,
	"records" integer NOT NULL,
	"contents" json NOT NULL,
	CONSTRAINT "telemetry_batches_device_kind_at_ms_stream_id_sequence_pk" PRIMARY KEY("device","kind","at_ms","stream_id","sequence")
) PARTITION BY RANGE ("at_ms");--> statement-breakpoint
DO $$
BEGIN
	ALTER TABLE "telemetry_batches" ALTER COLUMN "contents" SET COMPRESSION lz4;
EXCEPTION WHEN OTHERS THEN
	-- Built without lz4: it compresses with what it has.
	NULL;
END $$;--> statement-breakpoint
DO $$
DECLARE
	day bigint;
BEGIN
	FOR day IN SELECT DISTINCT at_ms / 86400000 FROM telemetry_records_apart LOOP
		EXECUTE format('CREATE TABLE %I PARTITION OF telemetry_batches FOR VALUES FROM (%s) TO (%s)',
			'telemetry_batches_' || to_char(to_timestamp(day * 86400) AT TIME ZONE 'UTC', 'YYYYMMDD"t000000"'), day * 86400000, (day + 1) * 86400000);
	END LOOP;
END $$;--> statement-breakpoint
INSERT INTO "telemetry_batches" (device, stream_id, kind, sequence, boot_id, arrived_at_ms, at_ms, last_at_ms, records, contents)
SELECT device, stream_id, kind, min(sequence), boot_id, arrived_at_ms, min(at_ms), max(at_ms), count(*),
	json_agg(json_build_object('sequence', sequence, 'monotonicMs', monotonic_ms, 'wallMs', wall_ms, 'clock', clock, 'payload', payload) ORDER BY sequence)
FROM telemetry_records_apart GROUP BY device, stream_id, kind, boot_id, arrived_at_ms, at_ms / 21600000;--> statement-breakpoint
DROP TABLE "telemetry_records_apart";--> statement-breakpoint
CREATE VIEW "telemetry_records" AS
SELECT b.device, b.stream_id, b.kind, r.sequence, b.boot_id, r."monotonicMs" AS monotonic_ms, r."wallMs" AS wall_ms, r.clock, b.arrived_at_ms,
	CASE WHEN r.clock = 'implausible' THEN b.arrived_at_ms ELSE r."wallMs" END AS at_ms,
	b.at_ms AS batch_at_ms, b.last_at_ms AS batch_last_at_ms, r.payload
FROM telemetry_batches b,
	json_to_recordset(b.contents) AS r(sequence bigint, "monotonicMs" double precision, "wallMs" bigint, clock text, payload jsonb);--> statement-breakpoint
-- Moved with each batch: room in its page spares it a new entry in the index.
ALTER TABLE "telemetry_cursors" SET (fillfactor = 50);
