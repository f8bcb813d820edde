import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OpenDatabase, openDatabase } from '../db/index.ts';
import { recordsContract } from './records.contract.ts';
import { retentionContract } from './retention.contract.ts';

const open = async (): Promise<OpenDatabase> => {
  const directory = await mkdtemp(join(tmpdir(), 'starling-retention-'));
  const opened = await openDatabase({ directory });
  return {
    ...opened,
    async close() {
      await opened.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
};

recordsContract('the embedded database', open);
retentionContract('the embedded database', open);
