import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../db/index.ts';
import { mapContract } from './map.contract.ts';

mapContract('the embedded database', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'starling-map-'));
  const opened = await openDatabase({ directory });
  return {
    ...opened,
    async close() {
      await opened.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
});
