CREATE TABLE "measurements" (
	"device" text NOT NULL,
	"artefact" text NOT NULL,
	"record" jsonb NOT NULL,
	"measured_at_ms" bigint NOT NULL,
	CONSTRAINT "measurements_device_artefact_pk" PRIMARY KEY("device","artefact")
);
--> statement-breakpoint
CREATE TABLE "release_objectives" (
	"release" text PRIMARY KEY NOT NULL,
	"objective" jsonb NOT NULL,
	"set_at_ms" bigint NOT NULL,
	"set_by" text NOT NULL
);
--> statement-breakpoint
CREATE INDEX "measurements_artefact" ON "measurements" USING btree ("artefact");