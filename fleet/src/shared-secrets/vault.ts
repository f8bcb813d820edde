import { StarlingError } from '@starling/shared';
import type { Database, Queryable } from '../db/index.ts';
import type { Clock } from '../ports.ts';
import { seal, unseal } from './seal.ts';
import { deleteSecret, findSecret, insertSecret, replaceSecret } from './store.ts';

/** What every process of a fleet may read and none else: sealed, in the database. */
export interface Vault {
  /** @param db a transaction to read in. @throws StarlingError `wrong-cluster-secret` */
  read(name: string, db?: Queryable): Promise<string | undefined>;
  /** Puts it there unless another process was first. @returns what is there now, and whether it is ours */
  offer(name: string, text: string): Promise<{ text: string; isOurs: boolean }>;
  replace(db: Queryable, name: string, text: string): Promise<void>;
  remove(db: Queryable, name: string): Promise<void>;
}

export function openVault({ db, clock, clusterSecret }: { db: Database; clock: Clock; clusterSecret: string }): Vault {
  const rowOf = (name: string, text: string) => ({ name, sealed: seal(text, name, clusterSecret), createdAtMs: clock.nowMs() });
  const read: Vault['read'] = async (name, tx = db) => {
    const sealed = await findSecret(tx, name);
    return sealed === undefined ? undefined : open(sealed, name, clusterSecret);
  };
  return {
    read,
    async offer(name, text) {
      const isOurs = await insertSecret(db, rowOf(name, text));
      return { text: (await read(name)) ?? text, isOurs };
    },
    replace: (tx, name, text) => replaceSecret(tx, rowOf(name, text)),
    remove: deleteSecret,
  };
}

/** @throws StarlingError `wrong-cluster-secret` */
export function open(sealed: string, name: string, clusterSecret: string): string {
  const text = unseal(sealed, name, clusterSecret);
  if (text !== undefined) return text;
  throw new StarlingError('wrong-cluster-secret', `${name} of this fleet was sealed under another cluster secret`, {
    field: 'clusterSecret',
    hint: 'give all processes of a fleet the same',
  });
}
