import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StarlingError } from '@starling/shared';
import type { Database } from '../db/index.ts';
import type { Clock } from '../ports.ts';
import { seal } from './seal.ts';
import { allSecrets, insertSecret } from './store.ts';
import { open } from './vault.ts';

/** Files of a data directory that make a fleet this fleet. Certificates of servers are not among them: each process has its own. */
const FILES = ['keys/fleet-key.json', 'keys/session-secret', 'keys/webhook-secret', 'tls/authority.pem', 'tls/authority-key.pem'] as const;

export interface SharedSecretPorts {
  db: Database;
  clock: Clock;
  directory: string;
  clusterSecret: string;
}

/** What is never replaced: a data directory with the same one is of the same fleet, and what else differs there is older. */
const MARK = 'keys/session-secret';

/**
 * Before anything is made: what other processes have put into the database comes into the data directory, also in the place of what
 * was replaced while this process was not there.
 * @throws StarlingError `wrong-cluster-secret`, `keys-of-another-fleet`
 */
export async function adoptSecrets({ db, directory, clusterSecret }: SharedSecretPorts): Promise<void> {
  const shared = new Map((await allSecrets(db)).map(({ name, sealed }) => [name, open(sealed, name, clusterSecret)]));
  const mark = await readIfThere(join(directory, MARK));
  const isOurs = mark !== undefined && mark === shared.get(MARK);
  for (const name of FILES) {
    const text = shared.get(name);
    const file = join(directory, name);
    const known = await readIfThere(file);
    if (text === undefined || known === text) continue;
    if (known !== undefined && !isOurs) {
      throw new StarlingError('keys-of-another-fleet', `${file} is not that of the fleet in the database`, {
        field: 'dataDirectory',
        hint: 'give this process an empty data directory, or the database that belongs to this one',
      });
    }
    // Devices that were away know the authority of before, and it is listed until a root drops it.
    if (known !== undefined && name === 'tls/authority.pem') {
      await writePrivately(join(directory, 'tls/before.pem'), known);
      for (const half of ['tls/next.pem', 'tls/next-key.pem']) await rm(join(directory, half), { force: true });
    }
    await writePrivately(file, text);
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
