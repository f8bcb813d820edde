import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StarlingError } from '@starling/shared';
import type { Database } from '../db/index.ts';
import type { Clock } from '../ports.ts';
import { seal, unseal } from './seal.ts';
import { allSecrets, insertSecret } from './store.ts';

/** Files of a data directory that make a fleet this fleet. Certificates of servers are not among them: each process has its own. */
const FILES = ['keys/fleet-key.json', 'keys/session-secret', 'keys/webhook-secret', 'tls/authority.pem', 'tls/authority-key.pem'] as const;

export interface SharedSecretPorts {
  db: Database;
  clock: Clock;
  directory: string;
  clusterSecret: string;
}

/**
 * Before anything is made: what other processes have put into the database comes into the data directory.
 * @throws StarlingError `wrong-cluster-secret`, `keys-of-another-fleet`
 */
export async function adoptSecrets({ db, directory, clusterSecret }: SharedSecretPorts): Promise<void> {
  for (const { name, sealed } of await allSecrets(db)) {
    if (!FILES.some((file) => file === name)) continue;
    const text = unseal(sealed, name, clusterSecret);
    if (text === undefined) {
      throw new StarlingError('wrong-cluster-secret', `${name} of this fleet was sealed under another cluster secret`, {
        field: 'clusterSecret',
        hint: 'give all processes of a fleet the same',
      });
    }
    const file = join(directory, name);
    const known = await readIfThere(file);
    if (known !== undefined && known !== text) {
      throw new StarlingError('keys-of-another-fleet', `${file} is not that of the fleet in the database`, {
        field: 'dataDirectory',
        hint: 'give this process an empty data directory, or the database that belongs to this one',
      });
    }
    if (known === undefined) await writePrivately(file, text);
  }
}

/** After everything is made: what only this data directory has goes into the database, for the others. */
export async function publishSecrets({ db, clock, directory, clusterSecret }: SharedSecretPorts): Promise<void> {
  const known = new Set((await allSecrets(db)).map(({ name }) => name));
  for (const name of FILES) {
    const text = known.has(name) ? undefined : await readIfThere(join(directory, name));
    if (text !== undefined) await insertSecret(db, { name, sealed: seal(text, name, clusterSecret), createdAtMs: clock.nowMs() });
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined);
}

async function writePrivately(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
