import { readFile, stat } from 'node:fs/promises';
import { messageOf, nameSchema, StarlingError } from '@starling/shared';
import { parse } from 'yaml';
import { z } from 'zod';

/** What sources and sinks log in with. It lies in a file of the device, and is never part of a pipeline, a log or a result. */
const credentialSchema = z.union([
  z.strictObject({
    username: z.string().max(1000),
    password: z.string().max(1000),
    authority: z.string().optional().meta({ description: 'PEM file with the certificate that signed that of the other side' }),
  }),
  z.strictObject({ token: z.string().min(1).max(10_000) }),
  z.strictObject({ secret: z.string().min(16, 'a secret that signs has at least 16 characters').max(1000) }),
  z.strictObject({ authority: z.string() }),
]);
export type Credential = z.infer<typeof credentialSchema>;

const fileSchema = z.record(nameSchema, credentialSchema);

export interface Credentials {
  /** Read anew each time, so that a changed password needs no restart. @throws StarlingError `unknown-credentials`, `exposed-file`, `bad-file` */
  find(name: string): Promise<Credential>;
}

/** @param path YAML file of mode 0600: name -> username and password, token, or secret */
export function openCredentials(path: string): Credentials {
  return {
    async find(name) {
      const found = (await readCredentials(path))[name];
      if (found !== undefined) return found;
      throw new StarlingError('unknown-credentials', `there are no credentials "${name}" on this device`, {
        field: 'credentials',
        hint: `add "${name}:" with username and password, token or secret to ${path}`,
        retryable: true,
      });
    },
  };
}

async function readCredentials(path: string): Promise<z.infer<typeof fileSchema>> {
  const { mode } = await stat(path).catch((cause: unknown) => {
    throw new StarlingError('unknown-credentials', `there is no credentials file ${path}`, {
      ...{ field: 'credentials', cause, retryable: true },
      hint: `write one, and allow it to nobody else: chmod 600 ${path}`,
    });
  });
  if ((mode & 0o077) !== 0) {
    throw new StarlingError('exposed-file', `others may read ${path}`, {
      ...{ field: 'credentials', retryable: true },
      hint: `chmod 600 ${path}`,
    });
  }
  let value: unknown;
  try {
    value = parse(await readFile(path, 'utf8')) ?? {};
  } catch (cause) {
    // The parser quotes the line that it does not understand, which may be a password: its words are kept to itself.
    const line = (cause as { linePos?: [{ line: number }] }).linePos?.[0].line;
    throw badFile(path, line === undefined ? messageOf(cause).split('\n')[0]?.slice(0, 80) : `line ${line} is no YAML`);
  }
  const parsed = fileSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const name = String(parsed.error.issues[0]?.path[0] ?? '');
  throw badFile(path, `${name === '' ? 'it' : `"${name}"`} is neither username and password, nor token, nor secret of 16 characters`);
}

function badFile(path: string, reason = 'it cannot be read'): StarlingError {
  return new StarlingError('bad-file', `${path}: ${reason}`, { field: 'credentials', hint: 'correct the file', retryable: true });
}

/** Takes secrets out of a text that others wrote, such as an error of a program that was given them. */
export function withoutSecrets(text: string, credential: Credential | undefined): string {
  const secrets =
    credential === undefined ? [] : Object.entries(credential).filter(([name]) => name !== 'username' && name !== 'authority');
  let clean = text;
  for (const [, secret] of secrets) {
    for (const form of [secret, encodeURIComponent(secret)]) if (form !== '') clean = clean.replaceAll(form, '***');
  }
  // Whatever stands before an @ in an address.
  return clean.replaceAll(/(\w+:\/\/)[^\s/@]*@/g, '$1');
}
