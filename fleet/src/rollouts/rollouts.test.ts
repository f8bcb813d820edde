import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../db/index.ts';
import { rolloutContract } from './rollouts.contract.ts';

rolloutContract('the embedded database', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'starling-rollouts-'));
  const { db, close } = await openDatabase({ directory });
  return {
    db,
    async close() {
      await close();
      await rm(directory, { recursive: true, force: true });
    },
  };
});
