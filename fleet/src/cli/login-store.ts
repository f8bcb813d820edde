import { join } from 'node:path';
import { isStarlingError } from '@starling/shared';
import { z } from 'zod';
import { cliError } from './errors.ts';
import { readPrivateFile, writePrivateFile } from './private-files.ts';

/** How the CLI proves who it is: an API token, or the session of somebody who may not make API tokens. */
const credentialSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('token'),
    token: z.string(),
    /** Made by `login`, so `logout` revokes it. */
    madeAtLogin: z.boolean(),
  }),
  z.object({ kind: z.literal('session'), cookie: z.string() }),
]);
export type Credential = z.infer<typeof credentialSchema>;

const loginSchema = z.object({
  credential: credentialSchema,
  /** PEM of the authority that was pinned at login; undefined: a public one vouches for the fleet. */
  authority: z.string().optional(),
});
export type Login = z.infer<typeof loginSchema>;

const storedSchema = z.object({ current: z.string().optional(), fleets: z.record(z.string(), loginSchema) });
type Stored = z.infer<typeof storedSchema>;

/** The logins of this person, one per fleet, in one file of mode 0600. */
export interface LoginStore {
  /** The fleet of the last login. */
  current(): Promise<string | undefined>;
  find(fleet: string): Promise<Login | undefined>;
  save(fleet: string, login: Login): Promise<void>;
  remove(fleet: string): Promise<void>;
  path: string;
}

export function createLoginStore(directory: string): LoginStore {
  const path = join(directory, 'login.json');
  const read = async (): Promise<Stored> => {
    const text = await readPrivateFile(path, 'login file');
    if (text === undefined) return { fleets: {} };
    try {
      return storedSchema.parse(JSON.parse(text));
    } catch (cause) {
      if (isStarlingError(cause)) throw cause;
      throw cliError('bad-file', `${path} is damaged`, { field: 'login file', hint: `delete ${path} and sign in again`, cause });
    }
  };
  const write = (stored: Stored): Promise<void> =>
    writePrivateFile(path, `${JSON.stringify(stored, undefined, 2)}\n`, { replace: true, field: 'login file' });
  return {
    path,
    current: async () => (await read()).current,
    find: async (fleet) => (await read()).fleets[fleet],
    async save(fleet, login) {
      const { fleets } = await read();
      await write({ current: fleet, fleets: { ...fleets, [fleet]: login } });
    },
    async remove(fleet) {
      const { current, fleets } = await read();
      const { [fleet]: _, ...rest } = fleets;
      const next = current === fleet ? Object.keys(rest)[0] : current;
      await write({ ...(next === undefined ? {} : { current: next }), fleets: rest });
    },
  };
}
