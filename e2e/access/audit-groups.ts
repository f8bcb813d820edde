import { api } from '@starling/shared';
import { expect } from 'vitest';
import type { Operator } from '../harness/operator.ts';
import type { ProtocolDevice } from '../harness/protocol-device.ts';

export interface Drive {
  action: string;
  /** Who the entry names; the API token of this test if not given. */
  who?: () => string;
  /** What has to be there before. */
  prepare?: () => Promise<unknown>;
  /** Calls the endpoint once, and succeeds. @returns what the entry has to name */
  run: () => Promise<string>;
}

type GroupChange = 'createGroup' | 'changeGroup' | 'labelDevices' | 'importDevices' | 'removeSimulated' | 'deleteGroup';

/** What changes groups, and many devices at once. */
export function groupDrives(call: Operator['client']['call'], device: () => ProtocolDevice): Record<GroupChange, Drive> {
  return {
    createGroup: {
      action: 'group.create',
      run: async () => (await call(api.createGroup, { body: { name: 'gates', select: 'name.startsWith("gate")' } })).name,
    },
    changeGroup: {
      action: 'group.change',
      run: async () => (await call(api.changeGroup, { params: { name: 'gates' }, body: { description: 'all gates' } })).name,
    },
    labelDevices: {
      action: 'device.label',
      run: async () => {
        const body = { select: 'group("gates")', set: { lane: '2' } };
        expect(await call(api.labelDevices, { body })).toMatchObject({ selected: 1, changing: 1 });
        return 'group("gates")';
      },
    },
    importDevices: {
      action: 'device.import',
      run: async () => {
        const raw = new TextEncoder().encode(`id,labels.lane\n${device().id},3\n`);
        expect(await call(api.importDevices, { raw, query: {} })).toMatchObject({ changing: 1, applied: true });
        return 'CSV';
      },
    },
    removeSimulated: {
      action: 'device.remove-simulated',
      run: async () => {
        expect(await call(api.removeSimulated, { body: {} })).toEqual({ devices: 0 });
        return 'simulated devices';
      },
    },
    deleteGroup: {
      action: 'group.delete',
      run: async () => {
        await call(api.deleteGroup, { params: { name: 'gates' } });
        return 'gates';
      },
    },
  };
}
