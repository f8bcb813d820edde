import { describeBlobStore } from '../blob-store.contract.ts';
import { createMemoryBlobStore } from './blob-store.ts';

describeBlobStore('the memory', async () => {
  const store = createMemoryBlobStore();
  return { open: async () => store };
});
