import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../db/index.ts';
import { retentionContract } from './retention.contract.ts';

retentionContract('the embedded database', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'starling-retention-'));
  const opened = await openDatabase({ directory });
  return {
    ...opened,
    async close() {
      await opened.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
});
