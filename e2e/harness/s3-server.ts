/** A folder -> S3-compatible storage on a free port of loopback, which checks signatures. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { startChild } from './child.ts';
import { freePorts } from './free-ports.ts';

export interface S3Server {
  endpoint: string;
  /** `[default]` of its one account, as a file of credentials. */
  credentialsFile: string;
  /** Setting `blobStore` of a fleet. */
  address(prefix: string): string;
  /** Ends it at once. */
  kill(): Promise<void>;
  /** On the same port, with what it has. */
  start(): Promise<void>;
}

/** The account that this server makes at its start. */
export const s3Credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
export const S3_BUCKET = 'starling-test';

export async function startS3Server(folder: string): Promise<S3Server> {
  const directory = join(folder, 's3');
  await mkdir(directory, { recursive: true });
  const credentialsFile = join(folder, 's3-credentials');
  const { accessKeyId, secretAccessKey } = s3Credentials;
  await writeFile(credentialsFile, `[default]\naws_access_key_id=${accessKeyId}\naws_secret_access_key=${secretAccessKey}\n`, {
    mode: 0o600,
  });
  const launch = (port: number) =>
    startChild({
      program: 'e2e/harness/s3-server-process.ts',
      args: [directory, String(port), S3_BUCKET],
      // It encrypts its continuation tokens with DES, which OpenSSL has put away.
      nodeFlags: ['--openssl-legacy-provider'],
      ready: z.object({ type: z.literal('ready'), port: z.number() }),
    });
  // Where it is started again, nobody else is meanwhile.
  const [port = 0] = await freePorts(1);
  let running = await launch(port);
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    endpoint,
    credentialsFile,
    address: (prefix) => `s3://${S3_BUCKET}/${prefix}?endpoint=${endpoint}&credentials-file=${credentialsFile}`,
    kill: () => running.kill(),
    async start() {
      running = await launch(port);
    },
  };
}
