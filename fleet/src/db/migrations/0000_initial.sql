CREATE TABLE "account" (
	"id" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"provider_id" text NOT NULL,
	"user_id" text NOT NULL,
	"access_token" text,
	"refresh_token" text,
	"id_token" text,
	"access_token_expires_at" timestamp,
	"refresh_token_expires_at" timestamp,
	"scope" text,
	"password" text,
	"created_at" timestamp DEFAULT now() NOT NULL,
	"updated_at" timestamp DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "session" (
	"id" text PRIMARY KEY NOT NULL,
	"expires_at" timestamp NOT NULL,
	"token" text NOT NULL,
	"created_at" timestamp DEFAULT now() NOT NULL,
	"updated_at" timestamp DEFAULT now() NOT NULL,
	"ip_address" text,
	"user_agent" text,
	"impersonated_by" text,
	"user_id" text NOT NULL,
	CONSTRAINT "session_token_unique" UNIQUE("token")
);
--> statement-breakpoint
CREATE TABLE "user" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"email" text NOT NULL,
	"email_verified" boolean DEFAULT false NOT NULL,
	"image" text,
	"created_at" timestamp DEFAULT now() NOT NULL,
	"updated_at" timestamp DEFAULT now() NOT NULL,
	"role" text,
	"banned" boolean DEFAULT false,
	"ban_reason" text,
	"ban_expires" timestamp,
	CONSTRAINT "user_email_unique" UNIQUE("email")
);
--> statement-breakpoint
CREATE TABLE "verification" (
	"id" text PRIMARY KEY NOT NULL,
	"identifier" text NOT NULL,
	"value" text NOT NULL,
	"expires_at" timestamp NOT NULL,
	"created_at" timestamp DEFAULT now(),
	"updated_at" timestamp DEFAULT now()
);
--> statement-breakpoint
CREATE TABLE "artefacts" (
	"digest" text PRIMARY KEY NOT NULL,
	"model_digest" text NOT NULL,
	"precision" text NOT NULL,
	"signed" text NOT NULL,
	"document" jsonb NOT NULL,
	"report" jsonb NOT NULL,
	"created_at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "build_jobs" (
	"id" text PRIMARY KEY NOT NULL,
	"model_digest" text NOT NULL,
	"state" text NOT NULL,
	"progress_percent" integer DEFAULT 0 NOT NULL,
	"step" text DEFAULT '' NOT NULL,
	"error" jsonb,
	"created_at_ms" bigint NOT NULL,
	"updated_at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "model_versions" (
	"digest" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"version" text NOT NULL,
	"signed" text NOT NULL,
	"document" jsonb NOT NULL,
	"created_at_ms" bigint NOT NULL,
	"created_by" text NOT NULL,
	CONSTRAINT "model_versions_name_version" UNIQUE("name","version")
);
--> statement-breakpoint
CREATE TABLE "pipelines" (
	"digest" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"version" text NOT NULL,
	"signed" text NOT NULL,
	"document" jsonb NOT NULL,
	"created_at_ms" bigint NOT NULL,
	"created_by" text NOT NULL,
	CONSTRAINT "pipelines_name_version" UNIQUE("name","version")
);
--> statement-breakpoint
CREATE TABLE "releases" (
	"digest" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"signed" text NOT NULL,
	"document" jsonb NOT NULL,
	"created_at_ms" bigint NOT NULL,
	"created_by" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "broker_logins" (
	"device" text NOT NULL,
	"password_digest" text NOT NULL,
	"expires_at_ms" bigint NOT NULL,
	CONSTRAINT "broker_logins_device_password_digest_pk" PRIMARY KEY("device","password_digest")
);
--> statement-breakpoint
CREATE TABLE "claim_tokens" (
	"id" text PRIMARY KEY NOT NULL,
	"secret_digest" text NOT NULL,
	"name" text NOT NULL,
	"uses_left" integer NOT NULL,
	"uses_total" integer NOT NULL,
	"require_approval" boolean NOT NULL,
	"labels" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"release" text,
	"expires_at_ms" bigint NOT NULL,
	"revoked_at_ms" bigint,
	"created_at_ms" bigint NOT NULL,
	"created_by" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "commands" (
	"id" text PRIMARY KEY NOT NULL,
	"device" text NOT NULL,
	"name" text NOT NULL,
	"arguments" jsonb NOT NULL,
	"issuer" text NOT NULL,
	"status" text NOT NULL,
	"result" jsonb,
	"error" jsonb,
	"blobs" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"issued_at_ms" bigint NOT NULL,
	"not_after_ms" bigint NOT NULL,
	"finished_at_ms" bigint
);
--> statement-breakpoint
CREATE TABLE "desired_states" (
	"device" text PRIMARY KEY NOT NULL,
	"epoch" integer NOT NULL,
	"generation" integer NOT NULL,
	"release" text,
	"previous_release" text,
	"artefacts" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"reasons" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"assigned_at_ms" bigint NOT NULL,
	"assigned_by" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "devices" (
	"id" text PRIMARY KEY NOT NULL,
	"public_key" text NOT NULL,
	"machine_id_digest" text NOT NULL,
	"name" text NOT NULL,
	"labels" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"status" text NOT NULL,
	"capabilities" jsonb NOT NULL,
	"profile" text NOT NULL,
	"profile_reason" jsonb NOT NULL,
	"agent_version" text NOT NULL,
	"operator_versions" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"claim_token_id" text,
	"online" boolean DEFAULT false NOT NULL,
	"boot_id" text,
	"stream_id" text,
	"enrolled_at_ms" bigint NOT NULL,
	"last_seen_at_ms" bigint,
	"reported" jsonb,
	"reported_at_ms" bigint,
	CONSTRAINT "devices_public_key_unique" UNIQUE("public_key")
);
--> statement-breakpoint
CREATE TABLE "fleet_state" (
	"key" text PRIMARY KEY NOT NULL,
	"value" jsonb NOT NULL,
	"updated_at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "trust_roots" (
	"version" integer PRIMARY KEY NOT NULL,
	"digest" text NOT NULL,
	"signed" text NOT NULL,
	"created_at_ms" bigint NOT NULL,
	CONSTRAINT "trust_roots_digest_unique" UNIQUE("digest")
);
--> statement-breakpoint
CREATE TABLE "api_tokens" (
	"id" text PRIMARY KEY NOT NULL,
	"secret_digest" text NOT NULL,
	"name" text NOT NULL,
	"role" text NOT NULL,
	"owner" text NOT NULL,
	"created_at_ms" bigint NOT NULL,
	"expires_at_ms" bigint,
	"last_used_at_ms" bigint,
	"revoked_at_ms" bigint
);
--> statement-breakpoint
CREATE TABLE "audit_entries" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "audit_entries_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"at_ms" bigint NOT NULL,
	"actor" text NOT NULL,
	"action" text NOT NULL,
	"subject" text NOT NULL,
	"detail" jsonb DEFAULT '{}'::jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "telemetry_cursors" (
	"device" text NOT NULL,
	"stream_id" text NOT NULL,
	"kind" text NOT NULL,
	"sequence" bigint NOT NULL,
	"stored" bigint DEFAULT 0 NOT NULL,
	"repeated" bigint DEFAULT 0 NOT NULL,
	"declared_dropped" bigint DEFAULT 0 NOT NULL,
	"lost" bigint DEFAULT 0 NOT NULL,
	"updated_at_ms" bigint NOT NULL,
	CONSTRAINT "telemetry_cursors_device_stream_id_kind_pk" PRIMARY KEY("device","stream_id","kind")
);
--> statement-breakpoint
CREATE TABLE "telemetry_records" (
	"device" text NOT NULL,
	"stream_id" text NOT NULL,
	"kind" text NOT NULL,
	"sequence" bigint NOT NULL,
	"boot_id" text NOT NULL,
	"monotonic_ms" double precision NOT NULL,
	"wall_ms" bigint NOT NULL,
	"clock" text NOT NULL,
	"arrived_at_ms" bigint NOT NULL,
	"at_ms" bigint NOT NULL,
	"payload" jsonb NOT NULL,
	CONSTRAINT "telemetry_records_device_stream_id_kind_sequence_pk" PRIMARY KEY("device","stream_id","kind","sequence")
);
--> statement-breakpoint
ALTER TABLE "account" ADD CONSTRAINT "account_user_id_user_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."user"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "session" ADD CONSTRAINT "session_user_id_user_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."user"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "artefacts" ADD CONSTRAINT "artefacts_model_digest_model_versions_digest_fk" FOREIGN KEY ("model_digest") REFERENCES "public"."model_versions"("digest") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "build_jobs" ADD CONSTRAINT "build_jobs_model_digest_model_versions_digest_fk" FOREIGN KEY ("model_digest") REFERENCES "public"."model_versions"("digest") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "broker_logins" ADD CONSTRAINT "broker_logins_device_devices_id_fk" FOREIGN KEY ("device") REFERENCES "public"."devices"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "commands" ADD CONSTRAINT "commands_device_devices_id_fk" FOREIGN KEY ("device") REFERENCES "public"."devices"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "desired_states" ADD CONSTRAINT "desired_states_device_devices_id_fk" FOREIGN KEY ("device") REFERENCES "public"."devices"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "commands_device" ON "commands" USING btree ("device","issued_at_ms");--> statement-breakpoint
CREATE INDEX "devices_last_seen" ON "devices" USING btree ("last_seen_at_ms");--> statement-breakpoint
CREATE INDEX "devices_profile" ON "devices" USING btree ("profile");--> statement-breakpoint
CREATE INDEX "audit_entries_at" ON "audit_entries" USING btree ("at_ms");--> statement-breakpoint
CREATE INDEX "telemetry_records_device_kind_at" ON "telemetry_records" USING btree ("device","kind","at_ms");