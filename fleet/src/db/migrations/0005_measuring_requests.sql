CREATE TABLE "measuring_requests" (
	"model" text NOT NULL,
	"profile" text NOT NULL,
	"devices" integer NOT NULL,
	"requested_by" text NOT NULL,
	"requested_at_ms" bigint NOT NULL,
	CONSTRAINT "measuring_requests_model_profile_pk" PRIMARY KEY("model","profile")
);
