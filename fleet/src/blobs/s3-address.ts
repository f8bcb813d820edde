import { readFile } from 'node:fs/promises';
import { messageOf, StarlingError } from '@starling/shared';
import { z } from 'zod';

/** A bucket, or a part of one, of S3-compatible storage. */
export interface S3Address {
  bucket: string;
  /** Ends in `/` unless it is empty. */
  prefix: string;
  endpoint: string;
  region: string;
  /** The bucket stands in the path instead of the host name. */
  pathStyle: boolean;
  /** In the form of `~/.aws/credentials`; undefined: from the environment. */
  credentialsFile: string | undefined;
}

export interface S3Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
}

const parameters = ['endpoint', 'region', 'path-style', 'credentials-file'];
const hint = 'write s3://bucket/prefix?endpoint=https://host:port&region=...; see docs/guides/backup.md';

/**
 * `s3://bucket/prefix?endpoint=https://host:port&region=eu-west-1&path-style=true&credentials-file=/run/secrets/s3`. All of the query may
 * be left out: then it is Amazon's, in us-east-1. With an endpoint the path style is the default, since few servers know names of buckets.
 * @throws StarlingError `invalid-config` with the field `blobStore`
 */
export function parseS3Address(text: string): S3Address {
  const bad = (why: string): StarlingError => new StarlingError('invalid-config', `blobStore: ${why}`, { field: 'blobStore', hint });
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 's3:') throw bad(`"${text}" is no s3:// address`);
  if (url.username !== '' || url.password !== '') throw bad('keys do not belong into the address: it is shown in logs');
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(url.hostname)) throw bad(`"${url.hostname}" cannot be the name of a bucket`);
  const prefix = url.pathname.replace(/^\/+|\/+$/g, '');
  if (!/^[A-Za-z0-9/_.-]*$/.test(prefix)) throw bad('the prefix may have letters, digits, /, _, . and -');
  const unknown = [...url.searchParams.keys()].find((name) => !parameters.includes(name));
  if (unknown !== undefined) throw bad(`"${unknown}" is none of ${parameters.join(', ')}`);
  const endpoint = url.searchParams.get('endpoint') ?? undefined;
  if (endpoint !== undefined && !/^https?:\/\/[^/?#]+\/?$/.test(endpoint)) throw bad('the endpoint has to be http(s)://host:port');
  const region = url.searchParams.get('region') ?? 'us-east-1';
  const style = url.searchParams.get('path-style') ?? String(endpoint !== undefined);
  if (style !== 'true' && style !== 'false') throw bad('path-style is true or false');
  return {
    bucket: url.hostname,
    prefix: prefix === '' ? '' : `${prefix}/`,
    endpoint: (endpoint ?? `https://s3.${region}.amazonaws.com`).replace(/\/$/, ''),
    region,
    pathStyle: style === 'true',
    credentialsFile: url.searchParams.get('credentials-file') ?? undefined,
  };
}

const credentialsSchema = z.object({
  aws_access_key_id: z.string().min(1),
  aws_secret_access_key: z.string().min(1),
  aws_session_token: z.string().min(1).optional(),
});

/**
 * Of the file that the address names, else of the environment, under the names that all S3 tools read.
 * @throws StarlingError `no-credentials`
 */
export async function readS3Credentials(
  { credentialsFile }: Pick<S3Address, 'credentialsFile'>,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<S3Credentials> {
  const values =
    credentialsFile === undefined
      ? {
          aws_access_key_id: environment.AWS_ACCESS_KEY_ID,
          aws_secret_access_key: environment.AWS_SECRET_ACCESS_KEY,
          aws_session_token: environment.AWS_SESSION_TOKEN,
        }
      : await readProfile(credentialsFile);
  const parsed = credentialsSchema.safeParse(values);
  if (!parsed.success) {
    const place = credentialsFile ?? 'the environment';
    throw new StarlingError('no-credentials', `${place} has no ${parsed.error.issues[0]?.path.join('.')} for the blob store`, {
      field: 'blobStore',
      hint: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file with both by credentials-file=',
    });
  }
  const { aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey, aws_session_token: sessionToken } = parsed.data;
  return { accessKeyId, secretAccessKey, sessionToken };
}

/** The section `[default]`, or what stands in no section. */
async function readProfile(file: string): Promise<Record<string, string>> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new StarlingError('no-credentials', `the credentials of the blob store cannot be read: ${messageOf(cause)}`, {
      field: 'blobStore',
      cause,
    });
  });
  const values: Record<string, string> = {};
  let section = 'default';
  for (const line of text.split(/\r?\n/)) {
    section = /^\s*\[(.+?)\]/.exec(line)?.[1] ?? section;
    const [, name, value] = /^\s*(\w+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (section === 'default' && name !== undefined && value !== undefined) values[name.toLowerCase()] = value;
  }
  return values;
}
