CREATE TABLE "operator_accounts" (
	"name" text PRIMARY KEY NOT NULL,
	"token" text NOT NULL,
	"select" text,
	"created_at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "operator_requests" (
	"account" text NOT NULL,
	"request" text NOT NULL,
	"digest" text NOT NULL,
	"name" text NOT NULL,
	"command" text,
	"batch" text,
	"created_at_ms" bigint NOT NULL,
	CONSTRAINT "operator_requests_account_request_pk" PRIMARY KEY("account","request")
);
--> statement-breakpoint
ALTER TABLE "operator_accounts" ADD CONSTRAINT "operator_accounts_token_api_tokens_id_fk" FOREIGN KEY ("token") REFERENCES "public"."api_tokens"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "operator_requests_command" ON "operator_requests" USING btree ("command");--> statement-breakpoint
CREATE INDEX "operator_requests_batch" ON "operator_requests" USING btree ("batch");--> statement-breakpoint
CREATE INDEX "operator_requests_created" ON "operator_requests" USING btree ("created_at_ms");